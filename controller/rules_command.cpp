#include "controller/rules_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "controller/objective_rules.h"
#include "definitions/definitions.h"

namespace parallax {
namespace {

constexpr int kSame = 0;
constexpr int kDiffers = 1;
constexpr int kUsage = 2;
constexpr int kInvalid = 4;
constexpr std::size_t kLargestFile = 64 << 20;

constexpr std::string_view kHead =
    "# Burn rates of the services' objectives, as `parallax-controller rules` prints them from the check "
    "definitions.\n"
    "# Do not edit: change the definitions and print it anew. `--compare` says whether this file is up to date.\n";
constexpr std::string_view kGroupMark = "  - name: ";

// The text of each group of a file that we printed, by its name.
std::map<std::string, std::string, std::less<>> groups_in(std::string_view file) {
  std::map<std::string, std::string, std::less<>> groups;
  std::string* current = nullptr;
  while (!file.empty()) {
    const std::string_view line = file.substr(0, file.find('\n'));
    file.remove_prefix(std::min(line.size() + 1, file.size()));
    if (line.starts_with(kGroupMark)) current = &groups[std::string(line.substr(kGroupMark.size()))];
    if (current != nullptr) current->append(line).append("\n");
  }
  return groups;
}

// The differences, one a line; none where only comments or the order differ.
std::vector<std::string> differences(const std::string& file, const std::vector<RuleGroup>& groups) {
  std::vector<std::string> found;
  auto written = groups_in(file);
  for (const RuleGroup& group : groups) {
    const auto there = written.find(group.name);
    if (there == written.end())
      found.push_back(fmt::format("group {} is missing", group.name));
    else if (there->second != rule_group_as_yaml(group))
      found.push_back(fmt::format("group {} is not what the definitions say now", group.name));
    if (there != written.end()) written.erase(there);
  }
  for (const auto& [name, text] : written)
    found.push_back(fmt::format("group {} is stale: no objective in the definitions leads to it", name));
  return found;
}

int compare_with(const std::string& file, const std::string& path, const std::vector<RuleGroup>& groups,
                 std::FILE* out, std::FILE* err) {
  const auto content = read_whole_file(file, kLargestFile);
  if (!content) {
    fmt::print(err, "{}: {}\n", file, content.error().what);
    return kUsage;
  }
  if (*content == std::string(kHead) + rules_as_yaml(groups)) {
    fmt::print(out, "{}: as {} has it\n", file, path);
    return kSame;
  }
  for (const std::string& difference : differences(*content, groups))
    fmt::print(out, "{}: {}\n", file, difference);
  fmt::print(out, "{}: differs; write it anew: parallax-controller rules {} > {}\n", file, path, file);
  return kDiffers;
}

}  // namespace

int print_rules(const std::string& path, bool json, const std::string& compare, std::FILE* out, std::FILE* err) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fmt::print(err, "{}: {}\n", path, error ? error.message() : "no such file or directory");
    return kUsage;
  }
  const Loaded loaded = load_definitions(path);
  for (const Problem& problem : loaded.problems) fmt::print(err, "{}\n", to_text(problem));
  if (!loaded.definitions) {
    fmt::print(err, "{}: no rules come of definitions with errors\n", path);
    return kInvalid;
  }
  const std::vector<RuleGroup> groups = objective_rules(*loaded.definitions);
  if (groups.empty())
    fmt::print(err,
               "{}: no service has an objective; write objective = {{ availability = 99.9 }} in its [service]\n",
               path);
  if (!compare.empty()) return compare_with(compare, path, groups, out, err);
  if (json)
    fmt::print(out, "{}", rules_as_json(groups));
  else
    fmt::print(out, "{}{}", kHead, rules_as_yaml(groups));
  return kSame;
}

}  // namespace parallax
