// A TOML document as a tree in which every key and value knows its place. The one door to toml++.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"

namespace parallax {

// Where something stands in a file: from 1, columns in characters.
struct Place {
  int line = 1;
  int column = 1;
};

struct TomlEntry;

// One value; the member that its kind names holds it.
struct TomlValue {
  enum class Kind { text, integer, number, boolean, moment, list, table };

  Kind kind = Kind::table;
  Place place;
  std::string text;
  std::int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::vector<TomlValue> list;
  std::vector<TomlEntry> table;  // in the order of the file

  // The entry of a table; null when the key is not there or this is no table.
  const TomlEntry* find(std::string_view key) const;
};

struct TomlEntry {
  std::string key;
  Place place;  // of the key
  TomlValue value;
};

// The value as a message shows it, on one line and not too long: `"15s"`, `15`, `a list`, `a table`.
std::string to_text(const TomlValue& value);
std::string in_quotes(std::string_view text);

// Parses `content`, which must be UTF-8 without NUL. `file` is only named in problems: a document that does not
// parse is one problem, and false is returned.
bool parse_toml(std::string_view content, const std::string& file, TomlValue& document, Problems& problems);

}  // namespace parallax
