// A check while it is being loaded: the message, and the table it was written as, for the places of its mistakes.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/problem.h"
#include "base/toml.h"
#include "proto/definition.pb.h"

namespace parallax {

struct WrittenCheck {
  std::string file;
  TomlValue table;  // with the keys of [defaults] that it does not have itself
  proto::Check check;

  // The value at a path of keys, like {"expect", "status"}; null when it was not written.
  const TomlValue* find(std::initializer_list<std::string_view> path) const;
  // Its place, or that of the nearest table around it that was written.
  Place place_of(std::initializer_list<std::string_view> path) const;

  Problem problem_at(std::initializer_list<std::string_view> path, std::string text) const;
};

}  // namespace parallax
