#include "base/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace parallax {
namespace {

const std::vector<std::string> kKeys = {"every", "timeout", "attempts", "ip", "http_version"};

TEST(DidYouMean, KnowsTheUsualSlipsOfAFinger) {
  EXPECT_EQ(edit_distance("every", "every"), 0U);
  EXPECT_EQ(edit_distance("evry", "every"), 1U);
  EXPECT_EQ(edit_distance("everyy", "every"), 1U);
  EXPECT_EQ(edit_distance("evevy", "every"), 1U);
  EXPECT_EQ(edit_distance("eveyr", "every"), 1U);
  EXPECT_EQ(edit_distance("Every", "every"), 0U);
  EXPECT_EQ(edit_distance("", "every"), 5U);
}

TEST(DidYouMean, NamesTheNearest) {
  EXPECT_EQ(did_you_mean("timeuot", kKeys), "; did you mean \"timeout\"?");
  EXPECT_EQ(did_you_mean("http-version", kKeys), "; did you mean \"http_version\"?");
}

TEST(DidYouMean, ListsWhatThereIsWhenNothingIsNear) {
  EXPECT_EQ(did_you_mean("colour", kKeys), "; there are: every, timeout, attempts, ip, http_version");
  EXPECT_EQ(did_you_mean("id", kKeys), "; there are: every, timeout, attempts, ip, http_version");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(DidYouMean, SpendsNothingOnAnAbsurdlyLongWord) {
  EXPECT_EQ(did_you_mean(std::string(1 << 20, 'e'), kKeys),
            "; there are: every, timeout, attempts, ip, http_version");
}

TEST(UnknownCommand, IsNamedWithTheOneThatWasMeant) {
  const std::vector<std::string> commands = {"serve", "run", "doctor"};
  const auto said = [&](std::vector<const char*> words) {
    words.insert(words.begin(), "parallax-probe");
    return unknown_command(words, commands);
  };
  EXPECT_EQ(said({"rnu", "checks/"}), "unknown command \"rnu\"; did you mean \"run\"?");
  EXPECT_EQ(said({"frobnicate"}), "unknown command \"frobnicate\"; there are: serve, run, doctor");
  EXPECT_EQ(said({"run", "frobnicate"}), "");
  EXPECT_EQ(said({"--version"}), "");
  EXPECT_EQ(said({}), "");
}

}  // namespace
}  // namespace parallax
