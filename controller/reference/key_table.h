// Keys of TOML tables as Markdown: how each is written, its default, what it means. Everything comes from the
// `key`, `about` and `example` options of the messages.
#pragma once

#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/schema.h"

namespace parallax {

// "tls options" of message TlsOptions: what the section that describes the table is called.
std::string title_of(const google::protobuf::Descriptor& type);

// The table of a key whose value is a table of its own, or a list of them; null for all others.
const google::protobuf::Descriptor* table_of(const SchemaKey& key);

// What stands in the columns of one key.
std::string written_as(const SchemaKey& key);
std::string default_of(const SchemaKey& key);

void append_key_table(std::string& page, const std::vector<SchemaKey>& keys);

// The tables that the keys lead to, each once, with a heading of that level. `told` are those that were written.
void append_inner_tables(std::string& page, const std::vector<SchemaKey>& keys, std::string_view level,
                         std::set<const google::protobuf::Descriptor*>& told);

// What the message is, and its example as a block; nothing where it has none.
std::string about(const google::protobuf::Descriptor& type);
std::string example(const google::protobuf::Descriptor& type);
void append_example(std::string& page, const google::protobuf::Descriptor& type);

// One row of a Markdown table.
void append_row(std::string& page, const std::vector<std::string>& cells);

}  // namespace parallax
