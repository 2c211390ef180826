// Reads TOML tables into protobuf messages by reflection, under the rules written as field options (the `key` of
// proto/options.proto). Nothing here knows what the messages mean.
//
// A field is a key unless it is `internal` or a member of a oneof; its name in TOML is the field's, or `name`. An
// `inlined` message lends its keys to the table around it. What is not written gets `default_value`; a message
// with a default somewhere inside is made for it, unless it has required keys. Strict: an unknown key, another
// type, a value outside the rules is a problem, and all problems are told, not the first.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "base/problem.h"
#include "base/toml.h"
#include "proto/options.pb.h"

namespace parallax {

// Reads the tables of one file. `problems` must outlive it.
class SchemaReader {
 public:
  // What happens to keys that are not written: defaults are filled in and required keys are missed, or nothing.
  enum class Absent { filled, left };
  using Messages = std::vector<google::protobuf::Message*>;

  SchemaReader(std::string file, Problems& problems) : file_(std::move(file)), problems_(problems) {}

  // Reads `table` into all of `into` at once; each key belongs to one of them. `shown` is the table's name in
  // messages: `[[http]]`. Requires: table is a table, no two messages share a key.
  void read(const TomlValue& table, const std::string& shown, const Messages& into,
            Absent absent = Absent::filled);

 private:
  // A key and where its value goes.
  struct Target {
    std::string name;
    google::protobuf::Message* owner;
    const google::protobuf::FieldDescriptor* field;
    const proto::Key& rules;
  };

  static void collect(google::protobuf::Message& message, std::vector<Target>& keys);
  void read_key(const TomlEntry& entry, const Target& target);
  void read_map(const TomlValue& value, const Target& target);
  void fill_default(const Target& target);

  // Read one value: of the field, or one more of the list.
  void read_value(const TomlValue& value, const Target& target);
  void read_text(const TomlValue& value, const Target& target);
  void read_integer(const TomlValue& value, const Target& target);
  void read_double(const TomlValue& value, const Target& target);
  void read_message(const TomlValue& value, const Target& target);
  void read_range(const TomlValue& value, const Target& target);
  void read_text_or_reference(const TomlValue& value, const Target& target, google::protobuf::Message& into);
  void read_scalar(const TomlValue& value, const Target& target);

  bool text_is_fine(const std::string& text, const TomlValue& value, const Target& target);
  const Pattern& compiled(const std::string& expression);
  void refuse(const TomlValue& value, const Target& target, std::string_view expected);
  void report(Place place, std::string text);

  std::string file_;
  Problems& problems_;
  std::map<std::string, Pattern> patterns_;  // those of the schema, compiled once
};

// A key that read() would take. What it points to lives as long as the program.
struct SchemaKey {
  std::string name;
  const google::protobuf::FieldDescriptor* field;
  const proto::Key* rules;
};

// Those of a message, in the schema's order; inlined ones where their message stands.
std::vector<SchemaKey> keys_of(const google::protobuf::Descriptor& type);
std::vector<std::string> key_names(const google::protobuf::Message& message);

// The least and the greatest integer that a field takes, by its type and its rules.
struct Limits {
  std::int64_t least;
  std::int64_t most;
};
Limits limits_of(const google::protobuf::FieldDescriptor& field, const proto::Key& rules);

}  // namespace parallax
