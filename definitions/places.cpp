#include "definitions/places.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/nearest.h"

namespace parallax {
namespace {

// The place of the k-th word of `locations`; of the check where it is a default of ours.
Place place_of(const WrittenCheck& written, int k) {
  const TomlValue* list = written.find({"locations"});
  if (list == nullptr || k >= static_cast<int>(list->list.size())) return written.place_of({"locations"});
  return list->list[static_cast<std::size_t>(k)].place;
}

}  // namespace

bool matches_glob(std::string_view glob, std::string_view name) {
  std::size_t g = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last * met, and how far it reached
  std::size_t reached = 0;
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      reached = n;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g;
      ++n;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      n = ++reached;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

std::vector<std::string> expand_locations(const WrittenCheck& written, const std::vector<std::string>& known,
                                          Problems& problems) {
  std::set<std::string> chosen;
  const auto& words = written.check.locations();
  for (int k = 0; k < words.size(); ++k) {
    bool matched = false;
    for (const std::string& name : known) {
      if (!matches_glob(words[k], name)) continue;
      chosen.insert(name);
      matched = true;
    }
    if (matched) continue;
    const bool is_glob = words[k].find_first_of("*?") != std::string::npos;
    const Place place = place_of(written, k);
    const std::string text =
        is_glob ? fmt::format("\"{}\" matches no location of locations.toml", words[k])
                : fmt::format("unknown location \"{}\"{}", words[k], did_you_mean(words[k], known));
    problems.push_back({written.file, place.line, place.column, text, is_glob});
  }
  const int wanted = std::atoi(written.check.up_when().c_str());  // 0 for a word; a number has at most 4 digits
  if (wanted > static_cast<int>(chosen.size()) && !chosen.empty())
    problems.push_back(
        written.problem_at({"up_when"}, fmt::format("\"up_when\" is {}, but the check runs at {} location{}",
                                                    wanted, chosen.size(), chosen.size() == 1 ? "" : "s")));
  return {chosen.begin(), chosen.end()};
}

}  // namespace parallax
