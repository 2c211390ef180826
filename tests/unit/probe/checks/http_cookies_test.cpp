// Cookies over a chain of redirects, and none beyond its end.
#include <gmock/gmock.h>

#include "probe/net/cookies.h"
#include "tests/unit/probe/checks/named_hosts.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::Not;

const WallTime kNow = from_unix_us(1769853600'000'000);  // 2026-01-31 10:00:00

Url at(const std::string& text) { return *parse_url(text); }

// The Cookie header of a request to `to` after an answer from `from` that set `cookies`.
std::string shown(const std::string& to, const std::string& from, const std::vector<std::string>& cookies) {
  Cookies jar;
  for (const std::string& one : cookies) jar.take(one, at(from), kNow);
  return jar.header_for(at(to), kNow);
}

TEST(Cookies, GoToTheHostThatSetThemUnlessItNamedADomain) {
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1"}), "a=1");
  EXPECT_EQ(shown("http://SHOP.test:8080/", "http://shop.test/", {"a=1"}), "a=1")
      << "neither case nor port matter";
  EXPECT_EQ(shown("http://www.shop.test/", "http://shop.test/", {"a=1"}), "");
  EXPECT_EQ(shown("http://www.shop.test/", "http://shop.test/", {"a=1; Domain=shop.test"}), "a=1");
  EXPECT_EQ(shown("http://www.shop.test/", "http://shop.test/", {"a=1; domain=.SHOP.test"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/", "http://www.shop.test/", {"a=1; Domain=shop.test"}), "a=1");
  EXPECT_EQ(shown("http://notshop.test/", "http://shop.test/", {"a=1; Domain=shop.test"}), "");
}

TEST(Cookies, OfAForeignDomainAreRefused) {
  for (const char* domain : {"other.test", "www.shop.test", "test", "op.test"})
    EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {std::string("a=1; Domain=") + domain}), "")
        << domain;
  EXPECT_EQ(shown("http://10.0.0.1/", "http://10.0.0.1/", {"a=1; Domain=0.0.1"}), "");
  EXPECT_EQ(shown("http://10.0.0.1/", "http://10.0.0.1/", {"a=1; Domain=10.0.0.1"}), "a=1");
  EXPECT_EQ(shown("http://localhost/", "http://localhost/", {"a=1; Domain=localhost"}), "a=1");
}

TEST(Cookies, GoBelowTheirPathAndTheLongestPathComesFirst) {
  EXPECT_EQ(shown("http://shop.test/a/x", "http://shop.test/a/b?c=/d/", {"a=1"}), "a=1")
      << "by default its folder";
  EXPECT_EQ(shown("http://shop.test/b", "http://shop.test/a/b", {"a=1"}), "");
  EXPECT_EQ(shown("http://shop.test/b", "http://shop.test/a", {"a=1"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/ab", "http://shop.test/", {"a=1; Path=/a"}), "") << "whole parts of a path";
  EXPECT_EQ(shown("http://shop.test/a", "http://shop.test/", {"a=1; Path=/a"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/a/", "http://shop.test/", {"a=1; Path=/a"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/a?b", "http://shop.test/", {"a=1; Path=/a"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/a", "http://shop.test/", {"a=1; Path=a"}), "a=1") << "no path: the default";
  EXPECT_EQ(shown("http://shop.test/a/b", "http://shop.test/", {"x=1; Path=/", "y=2; Path=/a", "z=3; Path=/a"}),
            "y=2; z=3; x=1");
}

TEST(Cookies, SecureOnesGoOverTlsAlone) {
  EXPECT_EQ(shown("https://shop.test/", "https://shop.test/", {"a=1; Secure"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/", "https://shop.test/", {"a=1; secure"}), "");
  EXPECT_EQ(shown("http://127.0.0.1/", "https://127.0.0.1/", {"a=1; Secure"}), "") << "loopback is no exception";
  EXPECT_EQ(shown("http://shop.test/", "https://shop.test/", {"a=1"}), "a=1");
}

TEST(Cookies, EndWhenTheyExpire) {
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1; Max-Age=1"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1", "a=2; Max-Age=0"}), "") << "that deletes it";
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1; Max-Age=-5"}), "");
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}), "");
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1; Expires=Sat, 31-Jan-26 10:00:01 GMT"}), "a=1");
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1; Expires=Sat, 31 Jan 2026 10:00:00 GMT"}), "");
  EXPECT_EQ(
      shown("http://shop.test/", "http://shop.test/", {"a=1; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}),
      "a=1")
      << "Max-Age outweighs Expires";
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1; Max-Age=soon; Expires=whenever"}), "a=1");
}

TEST(Cookies, OneOfTheSameNameDomainAndPathTakesThePlaceOfTheOther) {
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=1", "b=2", "a=3"}), "a=3; b=2");
  EXPECT_EQ(shown("http://shop.test/x", "http://shop.test/", {"a=1", "a=2; Path=/x"}), "a=2; a=1");
}

TEST(Cookies, WhatIsNoCookieIsPassedOver) {
  for (const char* none : {"", ";", "=", "=1", "Secure", "just words", "; a=1"})
    EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {none}), "") << none;
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {" a = b=c ;Other=1; HttpOnly"}), "a=b=c");
  EXPECT_EQ(shown("http://shop.test/", "http://shop.test/", {"a=" + std::string(5000, 'x')}), "");
  std::vector<std::string> many;
  for (int i = 0; i < 500; ++i) many.push_back("c" + std::to_string(i) + "=1");
  const std::string header = shown("http://shop.test/", "http://shop.test/", many);
  EXPECT_EQ(std::count(header.begin(), header.end(), '='), 100);
  EXPECT_THAT(header, HasSubstr("c499=1"));
}

class HttpCookiesTest : public NamedHostsTest {};

TEST_F(HttpCookiesTest, EachHopOfAChainSeesItsOwn) {
  TestServer end(loop, always(answer_of("end")));
  TestServer plain(loop, always(redirect_to(url("other.test", end))));
  TestServer www(loop, always(redirect_to(url("shop.test", plain), "302 Found", "Set-Cookie: www=1\r\n")));
  TestServer start(
      loop, tls_for_names(),
      always(redirect_to(url("www.shop.test", www), "302 Found",
                         "Set-Cookie: own=1\r\nSet-Cookie: wide=2; Domain=shop.test\r\n"
                         "Set-Cookie: sealed=3; Domain=shop.test; Secure\r\n"
                         "Set-Cookie: gone=4; Max-Age=0\r\nSet-Cookie: forged=5; Domain=other.test\r\n")));
  auto c = check_by_name(url("shop.test", start));
  set_text(c, "cookie", "mine=0");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(start.received(), HasSubstr("\r\ncookie: mine=0\r\n"));
  EXPECT_THAT(www.received(), HasSubstr("\r\ncookie: mine=0; wide=2\r\n"));
  EXPECT_THAT(plain.received(), HasSubstr("\r\ncookie: mine=0; own=1; wide=2\r\n"));
  EXPECT_THAT(end.received(), HasSubstr("\r\ncookie: mine=0\r\n")) << "a header of the definition goes everywhere";
}

TEST_F(HttpCookiesTest, NoneIsLeftForTheNextRunAlsoWhenOneDied) {
  TestServer server(loop,
                    paths({{"GET /a ", redirect_to("/b", "302 Found", "Set-Cookie: a=1\r\n")},
                           {"GET /b ", "HTTP/1.1 200 OK\r\nSet-Cookie: b=2\r\nContent-Length: 9\r\n\r\nx"}}));
  EXPECT_EQ(reason(run(check(server.url("/a")))), "closed_early");
  EXPECT_THAT(server.received(), HasSubstr("\r\nCookie: a=1\r\n"));
  EXPECT_EQ(reason(run(check(server.url("/a")), 2000)), "closed_early");
  EXPECT_THAT(server.received(), Not(HasSubstr("b=2")));
  run(check(server.url("/b")));
  EXPECT_THAT(server.received(), Not(HasSubstr("ookie")));
}

}  // namespace
}  // namespace parallax
