#include "base/pattern.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(Pattern, IsFoundInATextOrMatchesAllOfIt) {
  const auto pattern = Pattern::compile("\"status\":\\s*\"UP\"");
  ASSERT_TRUE(pattern.has_value());
  EXPECT_TRUE(pattern->found_in("{\"status\":  \"UP\"}"));
  EXPECT_FALSE(pattern->matches_whole("{\"status\":  \"UP\"}"));
  EXPECT_TRUE(pattern->matches_whole("\"status\":\"UP\""));
  EXPECT_FALSE(pattern->found_in("{\"status\": \"DOWN\"}"));
}

TEST(Pattern, SaysWhatIsWrongWithIt) {
  const auto pattern = Pattern::compile("(UP");
  ASSERT_FALSE(pattern.has_value());
  EXPECT_EQ(pattern.error().what, "missing ): (UP");
}

TEST(Pattern, TakesTimeLinearInTheText) {
  const auto pattern = Pattern::compile("(a*)*b");  // hours for an engine that goes back
  ASSERT_TRUE(pattern.has_value());
  EXPECT_FALSE(pattern->found_in(std::string(1 << 20, 'a')));
}

TEST(Pattern, LooksAtBytesThatAreNoText) {
  const auto pattern = Pattern::compile("UP");
  ASSERT_TRUE(pattern.has_value());
  EXPECT_TRUE(pattern->found_in(std::string_view("\xff\0\xfeUP", 5)));
}

}  // namespace
}  // namespace parallax
