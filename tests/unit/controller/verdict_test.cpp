#include "controller/verdict.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace parallax {
namespace {

constexpr std::optional<bool> kNone = std::nullopt;

TEST(Verdict, FollowsTheRuleOfTheDefinition) {
  struct Row {
    const char* up_when;
    Votes votes;  // expected, measured, up
    std::optional<bool> up;
  };
  const Row rows[] = {
      // any: one location that measured is enough to say something, one that sees it up to be up
      {"any", {3, 0, 0}, kNone},
      {"any", {3, 1, 0}, false},
      {"any", {3, 1, 1}, true},
      {"any", {3, 3, 1}, true},
      {"any", {3, 3, 0}, false},
      // majority: of those that measured, once most of the expected ones have
      {"majority", {3, 1, 1}, kNone},
      {"majority", {3, 2, 1}, false},
      {"majority", {3, 2, 2}, true},
      {"majority", {3, 3, 1}, false},
      {"majority", {3, 3, 2}, true},
      {"majority", {4, 2, 2}, kNone},
      {"majority", {4, 4, 2}, false},
      {"majority", {4, 4, 3}, true},
      {"majority", {1, 0, 0}, kNone},
      {"majority", {1, 1, 0}, false},
      {"majority", {1, 1, 1}, true},
      {"majority", {2, 1, 1}, kNone},
      {"majority", {2, 2, 1}, false},
      // all: every location that measured
      {"all", {3, 1, 1}, kNone},
      {"all", {3, 2, 2}, true},
      {"all", {3, 3, 2}, false},
      {"all", {3, 3, 3}, true},
      // a number: as many, or all that measured where these are fewer
      {"2", {4, 2, 2}, kNone},
      {"2", {4, 3, 1}, false},
      {"2", {4, 3, 2}, true},
      {"3", {3, 2, 2}, true},
      {"3", {3, 2, 1}, false},
      {"1", {3, 2, 1}, true},
      {"10", {3, 3, 3}, true},
      {"10", {3, 3, 2}, false},
      // nobody expected: nothing to say
      {"any", {0, 0, 0}, kNone},
      {"all", {0, 0, 0}, kNone},
  };
  for (const Row& row : rows)
    EXPECT_EQ(verdict(row.up_when, row.votes), row.up)
        << row.up_when << " " << row.votes.expected << "/" << row.votes.measured << "/" << row.votes.up;
}

TEST(Verdict, OfAServiceIsDownOnceOneCheckIsAndAbsentOnceOneHasNone) {
  using Checks = std::vector<std::optional<bool>>;
  EXPECT_EQ(service_verdict(Checks{true, true}), true);
  EXPECT_EQ(service_verdict(Checks{true, false}), false);
  EXPECT_EQ(service_verdict(Checks{kNone, false}), false);
  EXPECT_EQ(service_verdict(Checks{false, kNone}), false);
  EXPECT_EQ(service_verdict(Checks{true, kNone}), kNone);
  EXPECT_EQ(service_verdict(Checks{}), kNone) << "nothing that counts is not up";
}

}  // namespace
}  // namespace parallax
