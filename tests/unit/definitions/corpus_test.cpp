// Walks tests/corpus/invalid: one mistake a file, its message in the first line.
//
// NAME.toml is read as shop.toml beside a locations.toml with eu-1a, eu-1b and office; a folder NAME is read as it
// is, with that locations.toml where it has none of its own, and one of its files carries the line `# expect:
// ...`.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "definitions/definitions.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "# expect: ";

std::vector<fs::path> corpus() {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(fs::path(TESTS_DIR) / "corpus/invalid"))
    entries.push_back(entry);
  std::sort(entries.begin(), entries.end());
  return entries;
}

// The message in the first line of a file; empty when it has none.
std::string expectation_in(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line.starts_with(kMark) ? line.substr(kMark.size()) : "";
}

// Lays the entry out as a directory of definitions; returns the message it must give.
std::string lay_out(const fs::path& entry, const Folder& folder) {
  folder.write("locations.toml", kThreeLocations);
  if (!fs::is_directory(entry)) {
    fs::copy_file(entry, folder.path() / "shop.toml");
    return expectation_in(entry);
  }
  fs::copy(entry, folder.path(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing | fs::copy_options::copy_symlinks);
  std::string expected;
  for (const auto& file : fs::directory_iterator(entry))
    if (file.is_regular_file() && expected.empty()) expected = expectation_in(file.path());
  return expected;
}

class InvalidDefinitions : public testing::TestWithParam<fs::path> {};

TEST_P(InvalidDefinitions, GiveExactlyTheirOneProblem) {
  const Folder folder;
  const std::string expected = lay_out(GetParam(), folder);
  const Loaded loaded = load_definitions(folder.path());
  std::string told;
  for (Problem problem : loaded.problems) {
    problem.file = fs::relative(problem.file, folder.path()).string();
    told += (told.empty() ? "" : "\n") + to_text(problem);
  }
  EXPECT_EQ(told, expected);
  const bool is_warning = expected.find(": warning: ") != std::string::npos;
  EXPECT_EQ(loaded.definitions.has_value(), is_warning);
}

std::string test_name(const testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.stem().string();
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, InvalidDefinitions, testing::ValuesIn(corpus()), test_name);

}  // namespace
}  // namespace parallax
