#include <gmock/gmock.h>

#include <fstream>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::Not;

class HttpRedirectTest : public HttpCheckTest {};

TEST_F(HttpRedirectTest, FollowsHopByHopAndAddsThePhasesUp) {
  TestServer server(loop, paths({{"GET /a ", redirect_to("/b")},
                                 {"GET /b ", redirect_to("c?x=1")},
                                 {"GET /c?x=1 ", answer_of("end")}}));
  const Outcome outcome = run(check(server.url("/a")));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().redirects(), 2);
  EXPECT_EQ(outcome.facts.http().final_url(), server.url("/c?x=1"));
  EXPECT_EQ(server.connections(), 3) << "each hop is a connection of its own, timed in full";
}

TEST_F(HttpRedirectTest, StopsAtTheLimitWithTheStatusOfTheRefusedRedirect) {
  TestServer server(loop, always(redirect_to("/again", "307 Temporary Redirect")));
  auto c = check(server.url());
  c.mutable_http()->set_follow_redirects(3);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "redirect_limit");
  EXPECT_EQ(outcome.facts.http().redirects(), 4);
  EXPECT_EQ(outcome.facts.http().status(), 307);
  c.mutable_http()->set_follow_redirects(0);
  const Outcome judged = run(c);
  EXPECT_EQ(reason(judged), "status");
  EXPECT_EQ(judged.facts.http().redirects(), 1);
}

TEST_F(HttpRedirectTest, AsksTheGuardAboutEveryHop) {
  // Loopback is open to this probe, a cloud's metadata service never is.
  TestServer server(loop, always(redirect_to("http://169.254.169.254/latest/meta-data/")));
  const Outcome outcome = run(check(server.url()));
  EXPECT_EQ(reason(outcome), "blocked_by_policy") << outcome.detail;
  EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN);
  guard = *Guard::from_prefixes({"127.0.0.1/32"});
  TestServer loopback(loop, always(redirect_to("http://127.0.0.2:" + std::to_string(server.port()) + "/")));
  const int before = server.connections();
  EXPECT_EQ(reason(run(check(loopback.url()))), "blocked_by_policy");
  EXPECT_EQ(server.connections(), before);
}

TEST_F(HttpRedirectTest, RefusesOtherSchemes) {
  for (const char* where :
       {"ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:70/_x", "javascript:alert(1)"}) {
    TestServer server(loop, always(redirect_to(where)));
    const Outcome outcome = run(check(server.url()));
    EXPECT_EQ(reason(outcome), "protocol_error") << where << " " << outcome.detail;
    EXPECT_EQ(outcome.facts.http().status(), 302);
  }
}

TEST_F(HttpRedirectTest, KeepsCredentialsFromOtherHosts) {
  TestServer other(loop, always(answer_of("end")));
  TestServer server(loop, always(redirect_to("http://localhost:" + std::to_string(other.port()) + "/")));
  auto c = check(server.url());
  c.set_ip("4");
  set_text(c, "Authorization", "Bearer secret-token");
  set_text(c, "X-Plain", "goes everywhere");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(server.received(), HasSubstr("secret-token"));
  EXPECT_THAT(other.received(), Not(HasSubstr("secret-token")));
  EXPECT_THAT(other.received(), HasSubstr("X-Plain: goes everywhere"));
  TestServer same(loop, always(redirect_to(other.url())));
  c.mutable_http()->set_url(same.url());
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(other.received(), HasSubstr("secret-token")) << "the same host name";
}

TEST_F(HttpRedirectTest, SendsCredentialsAgainWhenTheChainComesBack) {
  TestServer home(loop, always(answer_of("end")));
  TestServer other(loop, always(redirect_to(home.url("/end"))));
  TestServer start(loop, always(redirect_to("http://localhost:" + std::to_string(other.port()) + "/")));
  auto c = check(start.url());
  c.set_ip("4");
  auto& keys = *c.mutable_http();
  ::setenv("PARALLAX_TEST_TOKEN", "secret-token", 1);
  keys.mutable_bearer()->set_env("PARALLAX_TEST_TOKEN");
  (*keys.mutable_headers())["X-Key"].set_env("PARALLAX_TEST_TOKEN");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(start.received(), HasSubstr("Authorization: Bearer secret-token"));
  EXPECT_THAT(other.received(), Not(HasSubstr("secret-token"))) << "a header whose value is a secret is one, too";
  EXPECT_THAT(home.received(), HasSubstr("Authorization: Bearer secret-token"));
  EXPECT_THAT(home.received(), HasSubstr("X-Key: secret-token"));
}

TEST_F(HttpRedirectTest, SignsOnlyForTheHostThatTheKeysWereWrittenFor) {
  TestServer other(loop, always(answer_of("end")));
  TestServer start(loop, always(redirect_to("http://localhost:" + std::to_string(other.port()) + "/")));
  auto c = check(start.url("/orders?b=2&a=1"));
  c.set_ip("4");
  auto& aws = *c.mutable_http()->mutable_aws_sigv4();
  aws.set_region("eu-central-1");
  aws.set_service("execute-api");
  ::setenv("PARALLAX_TEST_ACCESS", "AKIDEXAMPLE", 1);
  ::setenv("PARALLAX_TEST_SECRET", "wJalr", 1);
  aws.mutable_access_key()->set_env("PARALLAX_TEST_ACCESS");
  aws.mutable_secret_key()->set_env("PARALLAX_TEST_SECRET");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(start.received(), testing::StartsWith("GET /orders?b=2&a=1 HTTP/1.1\r\n"));
  EXPECT_THAT(start.received(), HasSubstr("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"));
  EXPECT_THAT(
      start.received(),
      HasSubstr("X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n"));
  EXPECT_THAT(start.received(), Not(HasSubstr("wJalr")));
  EXPECT_THAT(other.received(), Not(HasSubstr("AKIDEXAMPLE")));
}

TEST_F(HttpRedirectTest, KeepsCredentialsFromPlainHttpAfterHttps) {
  TestServer plain(loop, always(answer_of("end")));
  TestServer server(loop, {.certificate = make_certificate({}, &ca)}, always(redirect_to(plain.url())));
  auto c = check(server.url());
  set_text(c, "Authorization", "Bearer secret-token");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(plain.received(), Not(HasSubstr("secret-token")));
  EXPECT_FALSE(outcome.facts.has_tls()) << "the final answer came without TLS";
  c.mutable_http()->mutable_expect()->set_tls("required");
  const Outcome required = run(c);
  EXPECT_EQ(reason(required), "tls_protocol");
  EXPECT_EQ(required.facts.http().status(), 302);
}

TEST_F(HttpRedirectTest, TurnsPostIntoGetAsTheStatusSays) {
  TestServer server(loop,
                    paths({{"POST /a ", redirect_to("/b", "303 See Other")}, {"GET /b ", answer_of("end")}}));
  auto c = check(server.url("/a"));
  c.mutable_http()->set_method("POST");
  c.mutable_http()->set_body("payload");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(server.received(), Not(HasSubstr("payload")));
  TestServer keeps(
      loop, paths({{"POST /a ", redirect_to("/b", "308 Permanent Redirect")}, {"POST /b ", answer_of("end")}}));
  c.mutable_http()->set_url(keeps.url("/a"));
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_THAT(keeps.received(), HasSubstr("payload"));
}

TEST_F(HttpRedirectTest, CarriesCookiesWithinARunAndNotIntoTheNext) {
  TestServer server(loop,
                    paths({{"GET /a ", redirect_to("/b", "302 Found", "Set-Cookie: session=abc; Path=/\r\n")},
                           {"GET /b ", answer_of("end")}}));
  EXPECT_EQ(reason(run(check(server.url("/a")))), "ok");
  EXPECT_THAT(server.received(), HasSubstr("\r\nCookie: session=abc\r\n"));
  EXPECT_EQ(reason(run(check(server.url("/b")))), "ok");
  EXPECT_THAT(server.received(), Not(HasSubstr("Cookie:")));
}

}  // namespace
}  // namespace parallax
