#include "definitions/written_check.h"

namespace parallax {

const TomlValue* WrittenCheck::find(std::initializer_list<std::string_view> path) const {
  const TomlValue* value = &table;
  for (const std::string_view key : path) {
    const TomlEntry* entry = value->find(key);
    if (entry == nullptr) return nullptr;
    value = &entry->value;
  }
  return value;
}

Place WrittenCheck::place_of(std::initializer_list<std::string_view> path) const {
  const TomlValue* value = &table;
  for (const std::string_view key : path) {
    const TomlEntry* entry = value->find(key);
    if (entry == nullptr) break;
    value = &entry->value;
  }
  return value->place;
}

Problem WrittenCheck::problem_at(std::initializer_list<std::string_view> path, std::string text) const {
  const Place place = place_of(path);
  return {file, place.line, place.column, std::move(text)};
}

}  // namespace parallax
