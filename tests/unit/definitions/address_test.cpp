#include "definitions/address.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

std::string url_or_error(const std::string& url) {
  const auto normal = normal_http_url(url);
  return normal ? *normal : "it " + normal.error().what;
}

TEST(Address, OfAUrlKeepsEverythingButTheCaseOfItsScheme) {
  EXPECT_EQ(url_or_error("HTTPS://Shop.example:8443/A?b=C#d"), "https://Shop.example:8443/A?b=C#d");
  EXPECT_EQ(url_or_error("shop.example"), "http://shop.example");
  EXPECT_EQ(url_or_error("rabbitmq:15672/api"), "http://rabbitmq:15672/api");
  EXPECT_EQ(url_or_error("shop.example/login?next=https://shop.example/"),
            "http://shop.example/login?next=https://shop.example/");
  EXPECT_EQ(url_or_error("https://[2001:db8::1]:8443"), "https://[2001:db8::1]:8443");
  EXPECT_EQ(url_or_error("http://192.0.2.7/"), "http://192.0.2.7/");
  EXPECT_EQ(url_or_error("https://shop.example?a"), "https://shop.example?a");
}

TEST(Address, OfAUrlMustBeReachableByHttp) {
  for (const char* url : {"file:///etc/passwd",
                          "gopher://shop.example/",
                          "://shop.example",
                          "https://",
                          "https://?a",
                          "https://shop.example:0x50/",
                          "https://shop.example:/",
                          "https://a b/",
                          "https://a\tb/",
                          "https://u:p@shop.example/",
                          "https://@shop.example/",
                          "https://[::1",
                          "https://[1.2.3.4]/",
                          "https://-a.example/",
                          "https://a..example/",
                          "https://10.0.0/",
                          "mailto:x@y",
                          "https://\\a/",
                          "https://[::1]x/",
                          "https://shop.example:80:80/"})
    EXPECT_TRUE(url_or_error(url).starts_with("it ")) << url << " gave " << url_or_error(url);
}

TEST(Address, TakesAPortOrTheDefault) {
  const auto text = [](const char* address) {
    const auto parsed = parse_host_port(address, 443);
    return parsed ? to_text(*parsed) : "it " + parsed.error().what;
  };
  EXPECT_EQ(text("shop.example"), "shop.example:443");
  EXPECT_EQ(text("shop-db:5432"), "shop-db:5432");
  EXPECT_EQ(text("2001:db8::1"), "[2001:db8::1]:443");
  EXPECT_EQ(text("[2001:db8::1]:8443"), "[2001:db8::1]:8443");
  EXPECT_EQ(text("192.0.2.7:1"), "192.0.2.7:1");
  EXPECT_EQ(text("shop.example."), "shop.example.:443");
  EXPECT_EQ(text("shop.example:65536"), "it has the port \"65536\"; expected 1 to 65535");
  EXPECT_EQ(text(":443"), "it is no host name (write other letters as xn--) and no IP address");
}

TEST(Address, HostsMayBeOneLabelOrALiteral) {
  for (const char* host : {"rabbitmq", "shop_db", "xn--gschft-bua.example", "192.0.2.7", "::1", "[::1]", "a.1b"})
    EXPECT_TRUE(parse_host(host).has_value()) << host;
  for (const char* host :
       {"", ".", "a b", "a/b", "1.2.3", "0x7f.1", "127.1", "shop.example:80", "[::1]:80", "a\nb"})
    EXPECT_FALSE(parse_host(host).has_value()) << host;
}

}  // namespace
}  // namespace parallax
