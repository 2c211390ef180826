#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "definitions/definitions.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string all_texts(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_text(problem) + "\n";
  return text;
}

TEST(LoadDefinitions, TakesTheSampleShopAsItIs) {
  const Loaded loaded = load_definitions(std::filesystem::path(SOURCE_DIR) / "checks");
  EXPECT_EQ(all_texts(loaded.problems), "");
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_GE(loaded.definitions->checks.size(), 9U);
  EXPECT_THAT(loaded.definitions->checks.front().locations, ElementsAre("eu-1a", "eu-1b", "eu-1c"));
}

}  // namespace
}  // namespace parallax
