#include "probe/checks/http_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace json = boost::json;

namespace parallax {
namespace {

constexpr std::size_t kDeepest = 64;  // a hostile body nests to overflow the stack
constexpr std::size_t kMostShown = 256;

JsonValue value_of(const json::value& value) {
  JsonValue result;
  switch (value.kind()) {
    case json::kind::null:
      result.kind = JsonValue::Kind::null;
      break;
    case json::kind::bool_:
      result.kind = JsonValue::Kind::boolean;
      result.boolean = value.get_bool();
      break;
    case json::kind::int64:
      result.kind = JsonValue::Kind::number;
      result.number = static_cast<double>(value.get_int64());
      break;
    case json::kind::uint64:
      result.kind = JsonValue::Kind::number;
      result.number = static_cast<double>(value.get_uint64());
      break;
    case json::kind::double_:
      result.kind = JsonValue::Kind::number;
      result.number = value.get_double();
      break;
    case json::kind::string:
      result.kind = JsonValue::Kind::text;
      result.text = std::string(value.get_string());
      break;
    case json::kind::array:
      result.kind = JsonValue::Kind::array;
      break;
    case json::kind::object:
      result.kind = JsonValue::Kind::object;
      break;
  }
  result.as_json = json::serialize(value).substr(0, kMostShown);
  return result;
}

}  // namespace

struct JsonDocument::Parsed {
  json::value value;
};

Result<JsonDocument> JsonDocument::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDeepest;
  json::stream_parser parser(json::storage_ptr{}, options);
  json::error_code error;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error && read < text.size()) error = json::error::extra_data;
  if (!error) parser.finish(error);
  if (error) return failure(fmt::format("{} at byte {}", error.message(), read));
  return JsonDocument(std::make_shared<const Parsed>(Parsed{parser.release()}));
}

std::optional<JsonValue> JsonDocument::at(std::string_view pointer) const {
  json::error_code error;
  const json::value* found = parsed_->value.find_pointer({pointer.data(), pointer.size()}, error);
  if (!found || error) return std::nullopt;
  return value_of(*found);
}

}  // namespace parallax
