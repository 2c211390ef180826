// Where checks run: names and globs matched against locations.toml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/problem.h"
#include "definitions/written_check.h"

namespace parallax {

// Whether `name` matches `glob`: `*` is any run of characters, `?` is one.
bool matches_glob(std::string_view glob, std::string_view name);

// The names among `known` (in byte order) that the check's `locations` mean, in byte order. An unknown plain name
// is an error, a glob without a match a warning, a number in `up_when` that they cannot reach an error.
std::vector<std::string> expand_locations(const WrittenCheck& written, const std::vector<std::string>& known,
                                          Problems& problems);

}  // namespace parallax
