#include "controller/reference/key_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/notation.h"
#include "proto/options.pb.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string number_words(const SchemaKey& key) {
  const proto::Key& rules = *key.rules;
  const auto notation = rules.notation();
  const Limits limits = limits_of(*key.field, rules);
  const auto write = [&](std::int64_t number) {
    if (notation == proto::DURATION) return duration_text(number);
    return notation == proto::SIZE ? size_text(number) : std::to_string(number);
  };
  const std::string_view noun = notation == proto::DURATION ? "duration"
                                : notation == proto::SIZE   ? "size"
                                                            : "integer";
  if (rules.has_max()) return fmt::format("{}, {} to {}", noun, write(limits.least), write(limits.most));
  if (rules.has_min() || limits.least == 0) return fmt::format("{}, at least {}", noun, write(limits.least));
  return std::string(noun);
}

std::string text_words(const SchemaKey& key) {
  const proto::Key& rules = *key.rules;
  const auto& words = rules.one_of();
  if (!words.empty()) return fmt::format("`\"{}\"`", fmt::join(words, "\"`, `\""));
  if (rules.is_pattern()) return "RE2 pattern";
  return rules.pattern_says().empty() ? "text" : "text: " + rules.pattern_says();
}

// A single value of the key.
std::string value_words(const SchemaKey& key) {
  const proto::Key& rules = *key.rules;
  if (const Descriptor* table = table_of(key)) {
    std::string anchor = title_of(*table);
    for (char& c : anchor)
      if (c == ' ') c = '-';
    return fmt::format("table [{}](#{})", title_of(*table), anchor);
  }
  if (key.field->is_map()) return "table of texts or secrets";
  if (rules.notation() == proto::RANGE) return fmt::format("code or range, {} to {}", rules.min(), rules.max());
  if (rules.notation() == proto::SCALAR) return "text, number, true or false";
  switch (key.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_STRING:
      return text_words(key);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return rules.has_max() ? fmt::format("number, {} to {}", rules.min(), rules.max()) : "number";
    default:
      return number_words(key);
  }
}

}  // namespace

std::string title_of(const Descriptor& type) {
  std::string title;
  for (const char c : type.name()) {
    const bool is_capital = c >= 'A' && c <= 'Z';
    if (is_capital && !title.empty()) title += ' ';
    title += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return title;
}

const Descriptor* table_of(const SchemaKey& key) {
  const bool is_table = key.rules->notation() == proto::NATURAL && !key.field->is_map();
  return is_table ? key.field->message_type() : nullptr;
}

std::string written_as(const SchemaKey& key) {
  const std::string one = value_words(key);
  if (!key.field->is_repeated() || key.field->is_map()) return one;
  return key.rules->or_one() ? "one, or a list of: " + one : "list of: " + one;
}

std::string default_of(const SchemaKey& key) {
  const proto::Key& rules = *key.rules;
  const FieldDescriptor& field = *key.field;
  if (rules.required()) return "required";
  const bool is_text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING || rules.notation() != proto::NATURAL;
  const std::string one = is_text ? "\"" + rules.default_value() + "\"" : rules.default_value();
  if (!rules.default_value().empty()) return field.is_repeated() ? "`[" + one + "]`" : "`" + one + "`";
  const bool is_false = field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL && !field.has_presence();
  return is_false ? "`false`" : "";
}

void append_row(std::string& page, const std::vector<std::string>& cells) {
  for (const std::string& cell : cells) {
    page += "| ";
    for (const char c : cell) {
      if (c == '|') page += '\\';
      page += c;
    }
    page += cell.empty() ? "" : " ";
  }
  page += "|\n";
}

void append_key_table(std::string& page, const std::vector<SchemaKey>& keys) {
  append_row(page, {"key", "written as", "default", "meaning"});
  page += "|---|---|---|---|\n";
  for (const SchemaKey& key : keys) {
    std::string meaning = key.rules->doc();
    if (key.rules->cosmetic()) meaning += " *Cosmetic.*";
    append_row(page, {"`" + key.name + "`", written_as(key), default_of(key), meaning});
  }
}

void append_inner_tables(std::string& page, const std::vector<SchemaKey>& keys, std::string_view level,
                         std::set<const Descriptor*>& told) {
  for (const SchemaKey& key : keys) {
    const Descriptor* table = table_of(key);
    if (table == nullptr || !told.insert(table).second) continue;
    page += fmt::format("\n{} {}\n\n{}\n\n", level, title_of(*table), about(*table));
    const std::vector<SchemaKey> inner = keys_of(*table);
    append_key_table(page, inner);
    append_inner_tables(page, inner, level, told);
  }
}

std::string about(const Descriptor& type) { return type.options().GetExtension(proto::about); }

std::string example(const Descriptor& type) { return type.options().GetExtension(proto::example); }

void append_example(std::string& page, const Descriptor& type) {
  if (!example(type).empty()) page += fmt::format("```toml\n{}```\n\n", example(type));
}

}  // namespace parallax
