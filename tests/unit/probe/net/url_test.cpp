#include "probe/net/url.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

TEST(Url, IsTakenApart) {
  const auto url = parse_url("HTTPS://Shop.Example:8443/a/../b?x=1#top");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "Shop.Example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(parse_url("shop-db/health")->port, 80) << "http where no scheme is written";
  EXPECT_EQ(parse_url("https://shop.example")->port, 443);
}

TEST(Url, GivesAddressesWithoutBrackets) {
  EXPECT_EQ(parse_url("http://[2001:db8::7]:81/")->host, "2001:db8::7");
  EXPECT_EQ(parse_url("http://[fe80::1%25lo]/")->host, "fe80::1%lo");
  // libcurl reads these as an address: what is guarded must be what is connected to.
  EXPECT_EQ(parse_url("http://0x7f.1/")->host, "127.0.0.1");
  EXPECT_EQ(parse_url("http://2130706433/")->host, "127.0.0.1");
}

TEST(Url, DropsUserAndPassword) {
  const auto url = parse_url("http://user:pass@shop.example/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "shop.example");
  EXPECT_EQ(url->text, "http://shop.example/x");
}

TEST(Url, WantsNamesInAscii) {
  const auto url = parse_url(
      "http://b\xc3\xbc"
      "cher.example/");
  ASSERT_FALSE(url);
  EXPECT_NE(url.error().what.find("xn--"), std::string::npos) << url.error().what;
  EXPECT_EQ(parse_url("http://xn--bcher-kva.example/")->host, "xn--bcher-kva.example");
}

TEST(Url, ResolvesARedirectAsABrowserDoes) {
  const Url base = *parse_url("https://shop.example/a/b?x=1");
  EXPECT_EQ(resolve_location(base, "c")->text, "https://shop.example/a/c");
  EXPECT_EQ(resolve_location(base, "/c")->text, "https://shop.example/c");
  EXPECT_EQ(resolve_location(base, "//crm.example/c")->text, "https://crm.example/c");
  EXPECT_EQ(resolve_location(base, "?y=2")->text, "https://shop.example/a/b?y=2");
  EXPECT_EQ(resolve_location(base, "http://crm.example")->scheme, "http");
  EXPECT_EQ(resolve_location(base, "ftp://crm.example/")->scheme, "ftp");
  EXPECT_EQ(resolve_location(base, "/with space")->text, "https://shop.example/with%20space");
}

TEST(Url, SaysWhatIsWrong) {
  for (const char* bad : {"http://", "http://shop.example:99999/", "http://sh op.example/", "http://[::1/"}) {
    const auto url = parse_url(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_NE(url.error().what.find(bad), std::string::npos);
  }
}

}  // namespace
}  // namespace parallax
