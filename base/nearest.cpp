#include "base/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace parallax {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

constexpr std::size_t kLongestWord = 100;  // nobody mistypes a longer one, and the cost is quadratic

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped =
          i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string did_you_mean(std::string_view word, std::span<const std::string> valid) {
  if (valid.empty()) return "";
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& name : valid) {
    if (word.size() > kLongestWord) break;
    const std::size_t distance = edit_distance(word, name);
    if (distance < least && distance * 2 < name.size()) {
      least = distance;
      nearest = &name;
    }
  }
  if (nearest != nullptr) return fmt::format("; did you mean \"{}\"?", *nearest);
  return fmt::format("; there are: {}", fmt::join(valid, ", "));
}

std::string unknown_command(std::span<const char* const> arguments, std::span<const std::string> commands) {
  if (arguments.size() < 2) return "";
  const std::string word = arguments[1];
  if (word.starts_with('-') || std::find(commands.begin(), commands.end(), word) != commands.end()) return "";
  return fmt::format("unknown command \"{}\"{}", word, did_you_mean(word, commands));
}

}  // namespace parallax
