// `parallax-controller rules FILE|DIR`: the rule file that follows from the objectives (objective_rules.h).
#pragma once

#include <cstdio>
#include <string>

namespace parallax {

// Prints the file on `out`; the same definitions give the same bytes. With `compare`, the name of a rule file,
// nothing is printed but how that file differs, group by group: what is stale in it, what is missing, what has
// changed. Problems of the definitions and everything else that is said go to `err`. The exit status: 0 printed,
// or no difference; 1 the file differs; 2 a path that is not there; 4 invalid definitions.
int print_rules(const std::string& path, bool json, const std::string& compare, std::FILE* out, std::FILE* err);

}  // namespace parallax
