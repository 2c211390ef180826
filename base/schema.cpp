#include "base/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/nearest.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const proto::Key& rules_of(const FieldDescriptor& field) { return field.options().GetExtension(proto::key); }

bool is_key(const FieldDescriptor& field) {
  return !rules_of(field).internal() && field.real_containing_oneof() == nullptr;
}

std::string name_of(const FieldDescriptor& field) {
  return rules_of(field).name().empty() ? field.name() : rules_of(field).name();
}

// Whether a message that is not written is made all the same, for the defaults inside it.
bool holds_defaults(const google::protobuf::Descriptor& type) {
  bool holds = false;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!is_key(field)) continue;
    if (rules_of(field).required()) return false;
    const bool is_table = field.message_type() != nullptr && !field.is_repeated();
    holds |= !rules_of(field).default_value().empty() || (is_table && holds_defaults(*field.message_type()));
  }
  return holds;
}

// A default as if it had been written.
TomlValue as_written(const std::string& text, const FieldDescriptor& field) {
  TomlValue value;
  value.kind = TomlValue::Kind::text;
  value.text = text;
  if (rules_of(field).notation() != proto::NATURAL) return value;
  const char* end = text.data() + text.size();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      value.kind = TomlValue::Kind::boolean;
      value.boolean = text == "true";
      break;
    case FieldDescriptor::CPPTYPE_DOUBLE:
      value.kind = TomlValue::Kind::number;
      std::from_chars(text.data(), end, value.number);
      break;
    case FieldDescriptor::CPPTYPE_STRING:
      break;
    default:
      value.kind = TomlValue::Kind::integer;
      std::from_chars(text.data(), end, value.integer);
  }
  return value;
}

}  // namespace

std::vector<SchemaKey> keys_of(const google::protobuf::Descriptor& type) {
  std::vector<SchemaKey> keys;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (!is_key(field)) continue;
    if (!rules_of(field).inlined()) {
      keys.push_back({name_of(field), &field, &rules_of(field)});
      continue;
    }
    for (SchemaKey& key : keys_of(*field.message_type())) keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<std::string> key_names(const Message& message) {
  std::vector<std::string> names;
  for (SchemaKey& key : keys_of(*message.GetDescriptor())) names.push_back(std::move(key.name));
  return names;
}

void SchemaReader::collect(Message& message, std::vector<Target>& keys) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (!is_key(field)) continue;
    if (rules_of(field).inlined())
      collect(*message.GetReflection()->MutableMessage(&message, &field), keys);
    else
      keys.push_back({name_of(field), &message, &field, rules_of(field)});
  }
}

void SchemaReader::read(const TomlValue& table, const std::string& shown, const Messages& into, Absent absent) {
  std::vector<Target> keys;
  for (Message* message : into) collect(*message, keys);
  for (const TomlEntry& entry : table.table) {
    const auto found =
        std::find_if(keys.begin(), keys.end(), [&](const Target& t) { return t.name == entry.key; });
    if (found != keys.end()) {
      read_key(entry, *found);
      continue;
    }
    std::vector<std::string> valid;
    for (const Target& target : keys) valid.push_back(target.name);
    report(entry.place, fmt::format("unknown key \"{}\"{}", entry.key, did_you_mean(entry.key, valid)));
  }
  if (absent == Absent::left) return;
  for (const Target& target : keys) {
    if (table.find(target.name) != nullptr) continue;
    if (target.rules.required())
      report(table.place, fmt::format("missing key \"{}\" in {}", target.name, shown));
    else
      fill_default(target);
  }
}

void SchemaReader::fill_default(const Target& target) {
  const auto& field = *target.field;
  if (!target.rules.default_value().empty()) {
    read_value(as_written(target.rules.default_value(), field), target);
    return;
  }
  if (field.message_type() == nullptr || field.is_repeated() || !holds_defaults(*field.message_type())) return;
  Message* inner = target.owner->GetReflection()->MutableMessage(target.owner, &field);
  read(TomlValue{}, target.name, {inner});
}

void SchemaReader::read_key(const TomlEntry& entry, const Target& target) {
  const TomlValue& value = entry.value;
  if (target.field->is_map()) return read_map(value, target);
  if (!target.field->is_repeated()) return read_value(value, target);
  const bool is_table = value.kind == TomlValue::Kind::table;
  if (target.rules.or_one() && value.kind != TomlValue::Kind::list && !is_table) return read_value(value, target);
  if (value.kind != TomlValue::Kind::list) return refuse(value, target, is_table ? "a list of tables" : "a list");
  if (target.rules.required() && value.list.empty())
    return report(value.place, fmt::format("\"{}\" is an empty list; expected at least one value", entry.key));
  for (const TomlValue& element : value.list) read_value(element, target);
}

void SchemaReader::read_map(const TomlValue& value, const Target& target) {
  if (value.kind != TomlValue::Kind::table) return refuse(value, target, "a table like { Name = \"value\" }");
  const auto* reflection = target.owner->GetReflection();
  const auto* key_field = target.field->message_type()->map_key();
  const auto* value_field = target.field->message_type()->map_value();
  for (const TomlEntry& entry : value.table) {
    Message* pair = reflection->AddMessage(target.owner, target.field);
    pair->GetReflection()->SetString(pair, key_field, entry.key);
    const Target element = {target.name + "." + entry.key, pair, value_field, target.rules};
    read_text_or_reference(entry.value, element, *pair->GetReflection()->MutableMessage(pair, value_field));
  }
}

const Pattern& SchemaReader::compiled(const std::string& expression) {
  const auto found = patterns_.find(expression);
  if (found != patterns_.end()) return found->second;
  // A pattern of the schema is our own: value() throws in the first test that meets a wrong one.
  return patterns_.emplace(expression, Pattern::compile(expression).value()).first->second;
}

void SchemaReader::refuse(const TomlValue& value, const Target& target, std::string_view expected) {
  report(value.place, fmt::format("\"{}\" is {}; expected {}", target.name, to_text(value), expected));
}

void SchemaReader::report(Place place, std::string text) {
  problems_.push_back({file_, place.line, place.column, std::move(text)});
}

}  // namespace parallax
