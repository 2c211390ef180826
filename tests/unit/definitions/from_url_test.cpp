#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "definitions/definitions.h"

namespace parallax {
namespace {

using testing::HasSubstr;

TEST(CheckFromUrl, HasTheDefaultsOfItsType) {
  const auto http = check_from_url("HTTPS://shop.example/health");
  ASSERT_TRUE(http.has_value()) << http.error().what;
  EXPECT_EQ(http->http().url(), "https://shop.example/health");
  EXPECT_EQ(http->target(), "HTTPS://shop.example/health");
  EXPECT_EQ(http->timeout_ms(), 10'000);
  EXPECT_EQ(http->http().expect().status_size(), 1);
  EXPECT_EQ(http->id(), "");
  EXPECT_EQ(http->service(), "");
  EXPECT_EQ(http->name(), "");

  const auto ping = check_from_url("ping://shop.example/");
  ASSERT_TRUE(ping.has_value()) << ping.error().what;
  EXPECT_EQ(ping->ping().host(), "shop.example");
  EXPECT_EQ(ping->ping().packets(), 5U);

  const auto tls = check_from_url("tls://[::1]");
  ASSERT_TRUE(tls.has_value()) << tls.error().what;
  EXPECT_EQ(tls->tls().address(), "[::1]:443");
  EXPECT_EQ(tls->tls().tls().min_version(), "1.2");
}

TEST(CheckFromUrl, NamesTheSchemesThereAre) {
  for (const char* url : {"gopher://shop.example", "shop.example", "", "://", "postgres://u@h/"}) {
    const auto check = check_from_url(url);
    ASSERT_FALSE(check.has_value()) << url;
    EXPECT_THAT(check.error().what, HasSubstr("http://, https://, ping://, tls://")) << url;
  }
}

TEST(CheckFromUrl, SaysWhatIsWrongWithTheRest) {
  EXPECT_THAT(check_from_url("tls://shop.example:0").error().what, HasSubstr("the port \"0\""));
  EXPECT_THAT(check_from_url("ping://shop.example/path").error().what, HasSubstr("no host name"));
  EXPECT_THAT(check_from_url("ping://").error().what, HasSubstr("empty"));
  const auto leaky = check_from_url("https://u:hunter2@shop.example/");
  ASSERT_FALSE(leaky.has_value());
  EXPECT_EQ(leaky.error().what.find("hunter2"), std::string::npos) << leaky.error().what;
}

}  // namespace
}  // namespace parallax
