#include "base/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace parallax {

std::string to_text(const Problem& problem) {
  std::string place = problem.file;
  if (problem.line > 0) place += fmt::format(":{}:{}", problem.line, problem.column);
  return fmt::format("{}: {}{}", place, problem.is_warning ? "warning: " : "", problem.text);
}

void sort_by_place(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
  });
}

bool has_errors(const Problems& problems) {
  return std::any_of(problems.begin(), problems.end(), [](const Problem& p) { return !p.is_warning; });
}

}  // namespace parallax
