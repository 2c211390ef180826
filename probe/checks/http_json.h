// A JSON text and values in it by JSON pointer (RFC 8259, RFC 6901). The one door to Boost.JSON.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parallax {

// One value of a document.
struct JsonValue {
  enum class Kind { null, boolean, number, text, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;
  std::string text;     // of a text its characters
  std::string as_json;  // as it is written, for people and for patterns on what is no text; cut at 256 bytes
};

class JsonDocument {
 public:
  // The error says what is wrong, and where.
  static Result<JsonDocument> parse(std::string_view text);

  // Nothing when there is no such value.
  std::optional<JsonValue> at(std::string_view pointer) const;

 private:
  struct Parsed;
  explicit JsonDocument(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace parallax
