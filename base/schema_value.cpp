// The half of SchemaReader that turns one TOML value into one value of a field.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/notation.h"
#include "base/schema.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Kind = TomlValue::Kind;

std::string write(std::int64_t number, proto::Notation notation) {
  if (notation == proto::DURATION) return duration_text(number);
  if (notation == proto::SIZE) return size_text(number);
  return std::to_string(number);
}

std::string says(Limits limits, proto::Notation notation) {
  if (limits.most == std::numeric_limits<std::int64_t>::max())
    return fmt::format("at least {}", write(limits.least, notation));
  return fmt::format("{} to {}", write(limits.least, notation), write(limits.most, notation));
}

void set_text(Message& owner, const FieldDescriptor& field, std::string text) {
  const auto* reflection = owner.GetReflection();
  if (field.is_repeated())
    reflection->AddString(&owner, &field, std::move(text));
  else
    reflection->SetString(&owner, &field, std::move(text));
}

// Requires: field is a single integer. (The schema has no lists of integers.)
void set_integer(Message& owner, const FieldDescriptor& field, std::int64_t number) {
  const auto* reflection = owner.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->SetInt32(&owner, &field, static_cast<std::int32_t>(number));
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection->SetUInt32(&owner, &field, static_cast<std::uint32_t>(number));
    case FieldDescriptor::CPPTYPE_UINT64:
      return reflection->SetUInt64(&owner, &field, static_cast<std::uint64_t>(number));
    default:
      return reflection->SetInt64(&owner, &field, number);
  }
}

Message& make_message(Message& owner, const FieldDescriptor& field) {
  const auto* reflection = owner.GetReflection();
  return field.is_repeated() ? *reflection->AddMessage(&owner, &field)
                             : *reflection->MutableMessage(&owner, &field);
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "a text";
    case Kind::integer:
    case Kind::number:
      return "a number";
    case Kind::boolean:
      return "true or false";
    case Kind::moment:
      return "a date or time";
    case Kind::list:
      return "a list";
    case Kind::table:
      return "a table";
  }
  return "";
}

// "200" or "200-299": nothing but digits and one hyphen.
std::optional<std::pair<int, int>> parse_range(std::string_view text) {
  const auto number = [](std::string_view digits) -> std::optional<int> {
    int value = 0;
    const char* end = digits.data() + digits.size();
    if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
    const auto [rest, error] = std::from_chars(digits.data(), end, value);
    return error == std::errc{} && rest == end ? std::optional(value) : std::nullopt;
  };
  const std::size_t hyphen = text.find('-');
  const auto from = number(text.substr(0, hyphen));
  const auto to = hyphen == std::string_view::npos ? from : number(text.substr(hyphen + 1));
  if (!from || !to) return std::nullopt;
  return std::pair(*from, *to);
}

}  // namespace

Limits limits_of(const FieldDescriptor& field, const proto::Key& rules) {
  using Int64 = std::numeric_limits<std::int64_t>;
  Limits limits = {Int64::min(), Int64::max()};
  const auto type = field.cpp_type();
  if (type == FieldDescriptor::CPPTYPE_INT32)
    limits = {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};
  if (type == FieldDescriptor::CPPTYPE_UINT32) limits = {0, std::numeric_limits<std::uint32_t>::max()};
  if (type == FieldDescriptor::CPPTYPE_UINT64) limits.least = 0;
  if (rules.has_min()) limits.least = std::max(limits.least, static_cast<std::int64_t>(rules.min()));
  if (rules.has_max()) limits.most = std::min(limits.most, static_cast<std::int64_t>(rules.max()));
  return limits;
}

void SchemaReader::read_value(const TomlValue& value, const Target& target) {
  switch (target.rules.notation()) {
    case proto::RANGE:
      return read_range(value, target);
    case proto::VALUE:
      return read_text_or_reference(value, target, make_message(*target.owner, *target.field));
    case proto::SCALAR:
      return read_scalar(value, target);
    default:
      break;
  }
  switch (target.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return read_text(value, target);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return read_message(value, target);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return read_double(value, target);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (value.kind != Kind::boolean) return refuse(value, target, "true or false");
      return target.owner->GetReflection()->SetBool(target.owner, target.field, value.boolean);
    default:
      return read_integer(value, target);
  }
}

void SchemaReader::read_text(const TomlValue& value, const Target& target) {
  const bool takes_numbers = target.rules.notation() == proto::WORD_OR_NUMBER;
  std::string text = value.text;
  if (takes_numbers && (value.kind == Kind::integer || value.kind == Kind::number))
    text = to_text(value);
  else if (value.kind != Kind::text)
    return refuse(value, target, takes_numbers ? "a text or a number" : "a text in quotes");
  if (text_is_fine(text, value, target)) set_text(*target.owner, *target.field, std::move(text));
}

bool SchemaReader::text_is_fine(const std::string& text, const TomlValue& value, const Target& target) {
  const proto::Key& rules = target.rules;
  const auto& words = rules.one_of();
  const auto bad = [&](std::string_view expected) {
    refuse(value, target, expected);
    return false;
  };
  if (!words.empty() && std::find(words.begin(), words.end(), text) == words.end())
    return bad(fmt::format("one of {}", fmt::join(words, ", ")));
  if (!rules.pattern().empty() && !compiled(rules.pattern()).matches_whole(text))
    return bad(rules.pattern_says().empty() ? "a match of " + rules.pattern() : rules.pattern_says());
  if (target.field->type() == FieldDescriptor::TYPE_BYTES) return true;
  if (text.find('\0') != std::string::npos) return bad("a text without NUL");
  const bool may_be_empty = rules.required() || rules.cosmetic() || !rules.pattern().empty();
  if (text.empty() && !may_be_empty) return bad("a text that is not empty");
  if (!rules.is_pattern()) return true;
  const auto pattern = Pattern::compile(text);
  return pattern || bad("an RE2 pattern: " + pattern.error().what);
}

void SchemaReader::read_integer(const TomlValue& value, const Target& target) {
  const auto notation = target.rules.notation();
  const Limits limits = limits_of(*target.field, target.rules);
  std::optional<std::int64_t> number;
  if (notation == proto::DURATION) {
    if (value.kind == Kind::text) number = parse_duration_ms(value.text);
    if (!number) return refuse(value, target, fmt::format("a duration: {}", kDurationSays));
  } else if (notation == proto::SIZE) {
    if (value.kind == Kind::text) number = parse_size(value.text);
    if (value.kind == Kind::integer) number = value.integer;
    if (!number) return refuse(value, target, fmt::format("a size: {}", kSizeSays));
  } else {
    if (value.kind == Kind::integer) number = value.integer;
    if (!number) return refuse(value, target, fmt::format("an integer, {}", says(limits, notation)));
  }
  if (*number < limits.least || *number > limits.most) return refuse(value, target, says(limits, notation));
  set_integer(*target.owner, *target.field, *number);
}

void SchemaReader::read_double(const TomlValue& value, const Target& target) {
  const proto::Key& rules = target.rules;
  if (value.kind != Kind::integer && value.kind != Kind::number) return refuse(value, target, "a number");
  const double number = value.kind == Kind::integer ? static_cast<double>(value.integer) : value.number;
  if (!std::isfinite(number)) return refuse(value, target, "a finite number");
  const bool too_low = rules.has_min() && number < rules.min();
  const bool too_high = rules.has_max() && number > rules.max();
  if (too_low || too_high)
    return refuse(value, target,
                  rules.has_max() ? fmt::format("{} to {}", rules.min(), rules.max())
                                  : fmt::format("at least {}", rules.min()));
  target.owner->GetReflection()->SetDouble(target.owner, target.field, number);
}

// The value itself is not shown: where a table naming a secret is expected, it may be the secret.
void SchemaReader::read_message(const TomlValue& value, const Target& target) {
  Message& inner = make_message(*target.owner, *target.field);
  if (value.kind == Kind::table) return read(value, "\"" + target.name + "\"", {&inner});
  report(value.place, fmt::format("\"{}\" is {}; expected a table with {}", target.name, kind_name(value.kind),
                                  fmt::join(key_names(inner), ", ")));
}

void SchemaReader::read_range(const TomlValue& value, const Target& target) {
  const auto least = static_cast<int>(target.rules.min());
  const auto most = static_cast<int>(target.rules.max());
  const bool is_written_well = value.kind == Kind::text || value.kind == Kind::integer;
  const auto range =
      is_written_well ? parse_range(value.kind == Kind::text ? value.text : to_text(value)) : std::nullopt;
  if (!range || range->first < least || range->second > most || range->first > range->second)
    return refuse(value, target,
                  fmt::format("a number or a range like \"200-299\", within {} to {}", least, most));
  Message& into = make_message(*target.owner, *target.field);
  set_integer(into, *into.GetDescriptor()->FindFieldByName("from"), range->first);
  set_integer(into, *into.GetDescriptor()->FindFieldByName("to"), range->second);
}

void SchemaReader::read_text_or_reference(const TomlValue& value, const Target& target, Message& into) {
  const auto& type = *into.GetDescriptor();
  const bool is_reference = value.kind == Kind::table && value.table.size() == 1 &&
                            (value.table[0].key == "file" || value.table[0].key == "env") &&
                            value.table[0].value.kind == Kind::text && !value.table[0].value.text.empty();
  if (value.kind == Kind::text)
    set_text(into, *type.FindFieldByName("text"), value.text);
  else if (is_reference)
    set_text(into, *type.FindFieldByName(value.table[0].key), value.table[0].value.text);
  else
    refuse(value, target, "a text, { file = \"name\" } or { env = \"NAME\" }");
}

void SchemaReader::read_scalar(const TomlValue& value, const Target& target) {
  constexpr std::int64_t kExact = 1LL << 53;  // beyond, a double is not the integer that was written
  Message& into = make_message(*target.owner, *target.field);
  const auto& type = *into.GetDescriptor();
  const auto* reflection = into.GetReflection();
  if (value.kind == Kind::text) return reflection->SetString(&into, type.FindFieldByName("text"), value.text);
  if (value.kind == Kind::boolean)
    return reflection->SetBool(&into, type.FindFieldByName("boolean"), value.boolean);
  if (value.kind == Kind::number && std::isfinite(value.number))
    return reflection->SetDouble(&into, type.FindFieldByName("number"), value.number);
  if (value.kind == Kind::integer && value.integer >= -kExact && value.integer <= kExact)
    return reflection->SetDouble(&into, type.FindFieldByName("number"), static_cast<double>(value.integer));
  refuse(value, target, "a text, a number (integers up to 2^53) or true or false");
}

}  // namespace parallax
