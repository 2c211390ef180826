#include <gtest/gtest.h>

#include "definitions/definitions.h"
#include "definitions/places.h"

namespace parallax {
namespace {

proto::Check sample() {
  proto::Check check = check_from_url("https://shop.example/").value();
  check.set_id("shop/health");
  return check;
}

TEST(Fingerprint, IsLeftAloneByWordsForPeople) {
  proto::Check check = sample();
  const auto before = fingerprint(check);
  check.set_title("Health page");
  check.set_note("moved in March");
  EXPECT_EQ(fingerprint(check), before);
}

TEST(Fingerprint, ChangesWithEverythingElse) {
  const auto before = fingerprint(sample());
  proto::Check check = sample();
  check.set_every_ms(15'000);
  EXPECT_NE(fingerprint(check), before);
  check = sample();
  check.mutable_http()->set_url("https://shop.example/health");
  EXPECT_NE(fingerprint(check), before);
  check = sample();
  check.mutable_http()->set_follow_redirects(0);
  EXPECT_NE(fingerprint(check), before);
  check = sample();
  check.set_id("shop/front");
  EXPECT_NE(fingerprint(check), before);
  check = sample();
  check.mutable_http()->mutable_tls()->set_ca_pem("x");
  EXPECT_NE(fingerprint(check), before);
}

TEST(Fingerprint, DoesNotDependOnTheOrderOfHeaders) {
  proto::Check one = sample();
  proto::Check other = sample();
  for (int i = 0; i < 20; ++i) {
    (*one.mutable_http()->mutable_headers())["X-" + std::to_string(i)].set_text("v");
    (*other.mutable_http()->mutable_headers())["X-" + std::to_string(19 - i)].set_text("v");
  }
  EXPECT_EQ(fingerprint(one), fingerprint(other));
}

TEST(Glob, MatchesTheWholeName) {
  EXPECT_TRUE(matches_glob("eu-*", "eu-1a"));
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*-1?", "eu-west-1a"));
  EXPECT_TRUE(matches_glob("e**a", "eu-1a"));
  EXPECT_FALSE(matches_glob("eu", "eu-1a"));
  EXPECT_FALSE(matches_glob("eu-*b", "eu-1a"));
  EXPECT_FALSE(matches_glob("?", ""));
  EXPECT_FALSE(matches_glob("", "eu-1a"));
}

}  // namespace
}  // namespace parallax
