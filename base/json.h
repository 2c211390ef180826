// Writes JSON (RFC 8259) as it is built: always well-formed UTF-8, whatever bytes it is given.
//
//   JsonWriter json;
//   json.open_object().member("status", "success").key("list").open_array().value(1).close_array().close_object();
//   std::string text = json.take();
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parallax {

class JsonWriter {
 public:
  // Requires, of all of them: calls nest properly, and inside an object every value follows its key().
  JsonWriter& open_object() { return open('{'); }
  JsonWriter& close_object() { return close('}'); }
  JsonWriter& open_array() { return open('['); }
  JsonWriter& close_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  // Invalid UTF-8 becomes U+FFFD; control characters are escaped.
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool truth) { return word(truth ? "true" : "false"); }
  // The shortest text that reads back as the same number; null for NaN and the infinities, which JSON has not.
  JsonWriter& value(double number);
  template <std::integral T>
  JsonWriter& value(T number) {
    if constexpr (std::signed_integral<T>) return integer(static_cast<std::int64_t>(number));
    return natural(static_cast<std::uint64_t>(number));
  }
  // null where there is none.
  template <class T>
  JsonWriter& value(const std::optional<T>& maybe) {
    return maybe ? value(*maybe) : null();
  }
  JsonWriter& null() { return word("null"); }

  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  // The text written so far; the writer is empty afterwards. Requires: everything opened is closed.
  std::string take();

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& word(std::string_view text);
  JsonWriter& integer(std::int64_t number);
  JsonWriter& natural(std::uint64_t number);
  void quoted(std::string_view text);
  void separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace parallax
