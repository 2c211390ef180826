// JSON Schema (draft 7, what editors with taplo take) of service files and of locations.toml. A schema sees one
// key at a time: names, types, words, bounds of numbers, the notation of the rest, and what is required.
#include <fmt/format.h>

#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "controller/reference/key_table.h"
#include "controller/reference/reference.h"
#include "proto/definition.pb.h"
#include "proto/options.pb.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// What JsonWriter writes, with line feeds and two spaces a level, so that a change shows as a change of lines.
std::string indented(const std::string& compact) {
  std::string text;
  std::size_t depth = 0;
  bool in_quotes = false;
  const auto new_line = [&] { text += "\n" + std::string(2 * depth, ' '); };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    const char c = compact[i];
    if (in_quotes || c == '"') {
      text += c;
      if (c == '\\') text += compact[++i];
      if (c == '"') in_quotes = !in_quotes;
      continue;
    }
    if (c == ' ') continue;
    const bool closes = c == '}' || c == ']';
    const bool is_empty = closes && (text.back() == '{' || text.back() == '[');
    if (closes) --depth;
    if (closes && !is_empty) new_line();
    text += c;
    if (c == ':') text += ' ';
    if (c == '{' || c == '[') ++depth;
    const bool opens = c == '{' || c == '[';
    const bool next_closes = i + 1 < compact.size() && (compact[i + 1] == '}' || compact[i + 1] == ']');
    if (c == ',' || (opens && !next_closes)) new_line();
  }
  return text + "\n";
}

bool is_number(const std::string& word) { return word.find_first_not_of("0123456789.") == std::string::npos; }

// Writes the schema of one value after another; the tables they name are written at the end, under `definitions`.
class SchemaWriter {
 public:
  using Writes = std::function<void()>;

  explicit SchemaWriter(std::string_view title) {
    json_.open_object().member("$schema", "http://json-schema.org/draft-07/schema#").member("title", title);
  }

  // A strict table of these keys.
  void table(const std::vector<SchemaKey>& keys) {
    json_.member("type", "object").member("additionalProperties", false);
    json_.key("properties").open_object();
    for (const SchemaKey& key : keys) {
      json_.key(key.name).open_object();
      if (!key.rules->doc().empty()) json_.member("description", key.rules->doc());
      default_value(key);
      property(key);
      json_.close_object();
    }
    json_.close_object();
    std::vector<std::string> names;
    for (const SchemaKey& key : keys)
      if (key.rules->required()) names.push_back(key.name);
    required(names);
  }

  void required(const std::vector<std::string>& names) {
    if (names.empty()) return;
    json_.key("required").open_array();
    for (const std::string& name : names) json_.value(name);
    json_.close_array();
  }

  void object(std::string_view name, const Writes& content) {
    json_.key(name).open_object();
    content();
    json_.close_object();
  }

  std::string take() {
    json_.key("definitions").open_object();
    std::map<std::string, const Descriptor*> written;
    while (written.size() < named_.size()) {
      const auto named = named_;  // writing one may name more
      for (const auto& [name, type] : named) {
        if (!written.emplace(name, type).second) continue;
        object(name, [&, table = type] { this->table(keys_of(*table)); });
      }
    }
    json_.close_object().close_object();
    return indented(json_.take());
  }

  JsonWriter& json() { return json_; }

 private:
  void default_value(const SchemaKey& key) {
    const std::string& text = key.rules->default_value();
    if (text.empty() || key.field->is_repeated()) return;
    json_.key("default");
    const bool is_natural = key.rules->notation() == proto::NATURAL;
    if (!is_natural || key.field->cpp_type() == FieldDescriptor::CPPTYPE_STRING)
      json_.value(text);
    else if (key.field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL)
      json_.value(text == "true");
    else
      json_.value(std::stod(text));
  }

  void property(const SchemaKey& key) {
    if (key.field->is_map()) {
      json_.member("type", "object");
      return object("additionalProperties", [&] { text_or_reference(); });
    }
    if (!key.field->is_repeated()) return value(key);
    if (!key.rules->or_one()) return list(key);
    json_.key("anyOf").open_array().open_object();
    value(key);
    json_.close_object().open_object();
    list(key);
    json_.close_object().close_array();
  }

  void list(const SchemaKey& key) {
    json_.member("type", "array");
    if (key.rules->required()) json_.member("minItems", 1);
    object("items", [&] { value(key); });
  }

  void value(const SchemaKey& key) {
    if (const Descriptor* type = table_of(key)) {
      named_[type->name()] = type;
      json_.member("$ref", "#/definitions/" + type->name());
      return;
    }
    switch (key.rules->notation()) {
      case proto::DURATION:
        json_.member("type", "string").member("pattern", "^[0-9]+(ms|s|m|h|d)$");
        return;
      case proto::SIZE:
        return integer_or("^[0-9]+(B|KiB|MiB|GiB)?$", key);
      case proto::RANGE:
        return integer_or("^[0-9]+(-[0-9]+)?$", key);
      case proto::SCALAR:
        json_.key("type").open_array().value("string").value("number").value("boolean").close_array();
        return;
      default:
        return natural(key);
    }
  }

  void natural(const SchemaKey& key) {
    switch (key.field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return text(key);
      case FieldDescriptor::CPPTYPE_BOOL:
        json_.member("type", "boolean");
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        json_.member("type", "number");
        if (key.rules->has_min()) json_.member("minimum", key.rules->min());
        if (key.rules->has_max()) json_.member("maximum", key.rules->max());
        return;
      default:
        return integer(key);
    }
  }

  void integer(const SchemaKey& key) {
    const Limits limits = limits_of(*key.field, *key.rules);
    json_.member("type", "integer");
    if (limits.least != std::numeric_limits<std::int64_t>::min()) json_.member("minimum", limits.least);
    if (limits.most != std::numeric_limits<std::int64_t>::max()) json_.member("maximum", limits.most);
  }

  void integer_or(std::string_view pattern, const SchemaKey& key) {
    json_.key("anyOf").open_array().open_object();
    json_.member("type", "integer");
    if (key.rules->has_min()) json_.member("minimum", static_cast<std::int64_t>(key.rules->min()));
    if (key.rules->has_max()) json_.member("maximum", static_cast<std::int64_t>(key.rules->max()));
    json_.close_object().open_object().member("type", "string").member("pattern", pattern);
    json_.close_object().close_array();
  }

  void text(const SchemaKey& key) {
    const proto::Key& rules = *key.rules;
    const bool takes_numbers = rules.notation() == proto::WORD_OR_NUMBER;
    if (rules.one_of_size() > 0) return words(rules, takes_numbers);
    if (takes_numbers)
      json_.key("type").open_array().value("string").value("number").close_array();
    else
      json_.member("type", "string");
    if (!rules.pattern().empty()) json_.member("pattern", "^(?:" + rules.pattern() + ")$");
    const bool may_be_empty = rules.required() || rules.cosmetic() || !rules.pattern().empty() ||
                              key.field->type() == FieldDescriptor::TYPE_BYTES;
    if (!may_be_empty) json_.member("minLength", 1);
  }

  void words(const proto::Key& rules, bool takes_numbers) {
    json_.key("enum").open_array();
    for (const std::string& word : rules.one_of()) json_.value(word);
    for (const std::string& word : rules.one_of())
      if (takes_numbers && is_number(word)) json_.value(std::stod(word));
    json_.close_array();
  }

  void text_or_reference() {
    json_.key("anyOf").open_array().open_object().member("type", "string").close_object();
    for (const char* from : {"file", "env"}) {
      json_.open_object().member("type", "object").member("additionalProperties", false);
      object("properties", [&] { object(from, [&] { json_.member("type", "string").member("minLength", 1); }); });
      required(std::vector<std::string>{from});
      json_.close_object();
    }
    json_.close_array();
  }

  JsonWriter json_;
  std::map<std::string, const Descriptor*> named_;
};

}  // namespace

std::string checks_schema() {
  SchemaWriter schema("Parallax check definitions: a service and its checks");
  const std::vector<SchemaKey> common = keys_of(*proto::Check::descriptor());
  const auto& types = *proto::Check::descriptor()->FindOneofByName("type");
  schema.json().member("type", "object").member("additionalProperties", false);
  schema.object("properties", [&] {
    schema.object("service", [&] { schema.table(keys_of(*proto::Service::descriptor())); });
    schema.object("defaults", [&] {
      std::vector<SchemaKey> keys = common;
      std::erase_if(keys, [](const SchemaKey& key) { return key.rules->required(); });  // each check has its own
      schema.json().member("description", "For every check of this file that does not write the key itself.");
      schema.table(keys);
    });
    for (int i = 0; i < types.field_count(); ++i) {
      const FieldDescriptor& type = *types.field(i);
      std::vector<SchemaKey> keys = common;
      for (SchemaKey& key : keys_of(*type.message_type())) keys.push_back(std::move(key));
      schema.object(type.name(), [&] {
        schema.json().member("description", about(*type.message_type())).member("type", "array");
        schema.object("items", [&] { schema.table(keys); });
      });
    }
  });
  schema.required(std::vector<std::string>{"service"});
  return schema.take();
}

std::string locations_schema() {
  SchemaWriter schema("Parallax locations: where probes sit");
  schema.table(keys_of(*proto::LocationsFile::descriptor()));
  schema.required(std::vector<std::string>{"location"});
  return schema.take();
}

}  // namespace parallax
