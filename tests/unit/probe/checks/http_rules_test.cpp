// Keys and rules of http checks at real servers: methods and bodies over redirects, lengths, bounds of bodies,
// TLS.
#include <gmock/gmock.h>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpRulesTest : public HttpCheckTest {
 protected:
  static void want_status(proto::Check& c, std::uint32_t from, std::uint32_t to) {
    auto& range = *c.mutable_http()->mutable_expect()->add_status();
    range.set_from(static_cast<std::int32_t>(from));
    range.set_to(static_cast<std::int32_t>(to));
  }
};

TEST_F(HttpRulesTest, EachRedirectKeepsOrDropsMethodAndBodyAsItsStatusSays) {
  const struct {
    const char *method, *status, *then;
    bool keeps_body;
  } kCases[] = {
      {"POST", "301 X", "GET", false}, {"POST", "302 X", "GET", false},     {"POST", "303 X", "GET", false},
      {"POST", "307 X", "POST", true}, {"POST", "308 X", "POST", true},     {"PUT", "301 X", "PUT", true},
      {"PUT", "303 X", "GET", false},  {"DELETE", "302 X", "DELETE", true}, {"GET", "302 X", "GET", true},
      {"GET", "307 X", "GET", true},   {"GET", "308 X", "GET", true},
  };
  for (const auto& one : kCases) {
    TestServer end(loop, always(answer_of("end"))), start(loop, always(redirect_to(end.url(), one.status)));
    auto c = check(start.url());
    c.mutable_http()->set_method(one.method);
    c.mutable_http()->set_body("payload");
    set_text(c, "Content-Type", "text/x-pay");
    EXPECT_EQ(reason(run(c)), "ok") << one.method << one.status;
    EXPECT_THAT(start.received(), StartsWith(std::string(one.method) + " / ")) << one.status;
    EXPECT_THAT(start.received(), EndsWith("\r\n\r\npayload")) << "a GET with a body is sent as one";
    EXPECT_THAT(end.received(), StartsWith(std::string(one.then) + " / ")) << one.method << " " << one.status;
    if (one.keeps_body) {
      EXPECT_THAT(end.received(), HasSubstr("\r\nContent-Length: 7\r\n")) << one.method << " " << one.status;
      EXPECT_THAT(end.received(), HasSubstr("\r\nContent-Type: text/x-pay\r\n"));
      EXPECT_THAT(end.received(), EndsWith("\r\n\r\npayload"));
    } else {
      EXPECT_THAT(end.received(), Not(HasSubstr("Content-"))) << one.method << " " << one.status;
      EXPECT_THAT(end.received(), EndsWith("\r\n\r\n"));
    }
  }
}

TEST_F(HttpRulesTest, HeadersThatAreNoSecretsGoOnEveryHop) {
  TestServer end(loop, always(answer_of("end"))), start(loop, always(redirect_to(end.url(), "303 See Other")));
  auto c = check(start.url());
  set_text(c, "Content-Type", "application/json");
  set_text(c, "User-Agent", "mine");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(end.received(), HasSubstr("\r\nContent-Type: application/json\r\n")) << "there was no body to lose";
  EXPECT_THAT(end.received(), HasSubstr("\r\nUser-Agent: mine\r\n"));
  EXPECT_THAT(end.received(), Not(HasSubstr("parallax")));
}

TEST_F(HttpRulesTest, HeadStaysHeadAndHasNoBody) {
  TestServer end(loop, script_of("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", After::wait));
  TestServer start(loop,
                   script_of("HTTP/1.1 303 See Other\r\nContent-Length: 99\r\nLocation: " + end.url() + "\r\n\r\n",
                             After::wait));
  auto c = check(start.url());
  c.mutable_http()->set_method("HEAD");
  const Outcome outcome = run(c, 2000);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(end.received(), StartsWith("HEAD / "));
  EXPECT_EQ(outcome.facts.http().content_length(), 1000);
  EXPECT_EQ(outcome.facts.http().body_bytes(), 0);
}

TEST_F(HttpRulesTest, AnEmptyBodyOfAPostIsSaidToBeEmpty) {
  TestServer server(loop, always(answer_of("end")));
  auto c = check(server.url());
  c.mutable_http()->set_method("POST");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(server.received(), HasSubstr("\r\nContent-Length: 0\r\n"));
  EXPECT_THAT(server.received(), Not(HasSubstr("Content-Type")));
}

TEST_F(HttpRulesTest, ARedirectThatIsNotFollowedIsTheAnswer) {
  TestServer server(loop, always(redirect_to("ftp://elsewhere/")));
  auto c = check(server.url());
  c.mutable_http()->set_follow_redirects(0);
  want_status(c, 302, 302);
  auto& rule = *c.mutable_http()->mutable_expect()->add_headers();
  rule.set_name("location");
  rule.set_matches("^ftp:");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().redirects(), 1);
  EXPECT_EQ(outcome.facts.http().final_url(), server.url());
  for (const char* status : {"304 Not Modified", "300 Choose", "302 Nowhere"}) {
    TestServer no_redirect(loop, always(answer_of("", "", status)));
    const Outcome judged = run(check(no_redirect.url()));
    EXPECT_EQ(reason(judged), "status") << status;
    EXPECT_EQ(judged.facts.http().redirects(), 0) << status;
  }
}

TEST_F(HttpRulesTest, RulesJudgeTheFinalAnswerWhateverItsStatus) {
  TestServer end(loop, always(answer_of("gone", "", "410 Gone"))), start(loop, always(redirect_to(end.url())));
  auto c = check(start.url());
  EXPECT_EQ(reason(run(c)), "status");
  want_status(c, 410, 410);
  c.mutable_http()->mutable_expect()->add_body_matches("^gone$");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().status(), 410);
}

TEST_F(HttpRulesTest, HttpIsAssumedAndTheCaseOfASchemeDoesNotMatter) {
  TestServer server(loop, always(answer_of("end")));
  for (const std::string& url : {server.address(), server.address() + "/", "HTTP://" + server.address(),
                                 "Http://" + server.address() + "/"}) {
    const Outcome outcome = run(check(url));
    EXPECT_EQ(reason(outcome), "ok") << url << " " << outcome.detail;
    EXPECT_EQ(outcome.facts.http().final_url(), server.url()) << url;
  }
}

TEST_F(HttpRulesTest, LengthsAreThoseSaidAndThoseRead) {
  const struct {
    std::string words;
    std::optional<int> length;
    int bytes;
  } kCases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 5, 5},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, 0},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", {}, 5},
      {"HTTP/1.1 200 OK\r\n\r\nhello", {}, 5},
      {"HTTP/1.1 204 No Content\r\n\r\n", {}, 0},
  };
  for (const auto& one : kCases) {
    TestServer server(loop, script_of(one.words, After::close));
    const Outcome outcome = run(check(server.url()));
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    const auto& facts = outcome.facts.http();
    EXPECT_EQ(facts.has_content_length(), one.length.has_value()) << one.words;
    EXPECT_EQ(facts.content_length(), one.length.value_or(0)) << one.words;
    EXPECT_EQ(facts.body_bytes(), one.bytes) << one.words;
    EXPECT_EQ(facts.received_bytes(), static_cast<std::int64_t>(one.words.size())) << one.words;
  }
}

TEST_F(HttpRulesTest, ABodyThatEndsWithItsConnectionIsWholeInTheClearAndNotOverTls) {
  const Script script = script_of("HTTP/1.1 200 OK\r\n\r\nhel", After::close);
  TestServer plain(loop, script), secure(loop, {.certificate = make_certificate({}, &ca)}, script);
  EXPECT_EQ(reason(run(check(plain.url()))), "ok");
  const Outcome cut = run(check(secure.url()));
  EXPECT_EQ(reason(cut), "closed_early") << "without its goodbye anybody may have cut it";
  EXPECT_EQ(phase(cut), "transfer");
}

TEST_F(HttpRulesTest, RulesSeeTheFirstBytesUpToMaxBody) {
  const std::string body = R"({"ok": true})";
  TestServer server(loop, always(answer_of(body)));
  auto c = check(server.url());
  auto& expect = *c.mutable_http()->mutable_expect();
  auto& rule = *expect.add_json();
  rule.set_pointer("/ok");
  rule.mutable_equals()->set_boolean(true);
  expect.add_body_lacks("false");
  c.mutable_http()->set_max_body_bytes(static_cast<std::int64_t>(body.size()));
  EXPECT_EQ(reason(run(c)), "ok") << "exactly as long is not cut";
  c.mutable_http()->set_max_body_bytes(static_cast<std::int64_t>(body.size()) - 1);
  const Outcome cut = run(c);
  EXPECT_EQ(reason(cut), "body_too_large");
  EXPECT_EQ(phase(cut), "") << "a rule failed";
  EXPECT_EQ(cut.facts.http().body_bytes(), static_cast<std::int64_t>(body.size())) << "read all the same";
  expect.clear_json();
  EXPECT_EQ(reason(run(c)), "body_too_large");
  expect.clear_body_lacks();
  expect.add_body_matches("true\\}");
  EXPECT_EQ(reason(run(c)), "body") << "what is behind is not seen";
  *c.mutable_http()->mutable_warn() = expect;
  expect.clear_body_matches();
  EXPECT_EQ(run(c).state, proto::STATE_DEGRADED);
}

TEST_F(HttpRulesTest, WhetherTlsHadToBeIsJudgedOfTheFinalAnswer) {
  TestServer plain(loop, always(answer_of("end")));
  TestServer secure(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("end")));
  TestServer up(loop, always(redirect_to(secure.url())));
  const auto judged = [&](const TestServer& server, const char* wanted) {
    auto c = check(server.url());
    c.mutable_http()->mutable_expect()->set_tls(wanted);
    return reason(run(c));
  };
  EXPECT_EQ(judged(secure, "required"), "ok");
  EXPECT_EQ(judged(plain, "required"), "tls_protocol");
  EXPECT_EQ(judged(up, "required"), "ok") << "from http to https is fine";
  EXPECT_EQ(judged(plain, "forbidden"), "ok");
  EXPECT_EQ(judged(secure, "forbidden"), "tls_protocol");
  EXPECT_EQ(judged(up, "forbidden"), "tls_protocol");
}

TEST_F(HttpRulesTest, ExpiryIsOfTheFinalAnswersCertificate) {
  const CertificateWish soon{.ends = std::chrono::hours(24)}, late{.ends = std::chrono::hours(24 * 30)};
  TestServer end(loop, {.certificate = make_certificate(soon, &ca)}, always(answer_of("end")));
  TestServer start(loop, {.certificate = make_certificate(late, &ca)}, always(redirect_to(end.url())));
  auto c = check(start.url());
  c.mutable_http()->mutable_expect()->set_expires_in_ms(std::int64_t{7} * 24 * 3600 * 1000);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "expires_soon") << outcome.detail;
  EXPECT_EQ(phase(outcome), "");
  c.mutable_http()->set_follow_redirects(0);
  want_status(c, 302, 302);
  EXPECT_EQ(reason(run(c)), "ok");
}

}  // namespace
}  // namespace parallax
