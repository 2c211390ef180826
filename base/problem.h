// A mistake in a file that a person wrote, told so that an editor can jump to it.
#pragma once

#include <string>
#include <vector>

namespace parallax {

struct Problem {
  std::string file;  // as the person named it
  int line = 0;      // from 1; 0: the file as a whole
  int column = 0;    // from 1, in characters
  std::string text;  // what is wrong, what was expected, the nearest valid name
  bool is_warning = false;
};

using Problems = std::vector<Problem>;

// `checks/shop.toml:3:1: unknown key "intervall"; did you mean "interval"?`; a warning says so behind the place.
std::string to_text(const Problem& problem);

// Orders by file, line and column, and says whether one of them is more than a warning.
void sort_by_place(Problems& problems);
bool has_errors(const Problems& problems);

}  // namespace parallax
