#include <gmock/gmock.h>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class HttpTest : public HttpCheckTest {};

TEST_F(HttpTest, IsUpWithEveryPhaseAndFact) {
  TestServer server(loop, always(answer_of("hello", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n")));
  const Outcome outcome = run(check(server.url("/health")));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.state, proto::STATE_UP);
  EXPECT_THAT(outcome.detail, testing::StartsWith("200 OK in "));
  EXPECT_EQ(outcome.facts.address(), "127.0.0.1");
  const auto& facts = outcome.facts.http();
  EXPECT_EQ(facts.status(), 200);
  EXPECT_EQ(facts.version(), "1.1");
  EXPECT_EQ(facts.redirects(), 0);
  EXPECT_EQ(facts.content_length(), 5);
  EXPECT_EQ(facts.body_bytes(), 5);
  EXPECT_EQ(facts.last_modified(), 784111777);
  EXPECT_EQ(facts.final_url(), server.url("/health"));
  EXPECT_EQ(facts.sent_bytes(), static_cast<std::int64_t>(server.received().size()));
  EXPECT_FALSE(facts.ssl());
  for (const auto p : {proto::PHASE_RESOLVE, proto::PHASE_CONNECT, proto::PHASE_PROCESSING, proto::PHASE_TRANSFER})
    EXPECT_TRUE(outcome.phases.of(p)) << p;
  EXPECT_FALSE(outcome.phases.of(proto::PHASE_TLS));
}

TEST_F(HttpTest, IsUpOverTls) {
  TestServer server(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("hello")));
  const Outcome outcome = run(check(server.url()));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.tls().version(), "TLS 1.3");
  EXPECT_TRUE(outcome.facts.tls().verified());
  EXPECT_TRUE(outcome.facts.http().ssl());
  EXPECT_TRUE(outcome.phases.of(proto::PHASE_TLS));
}

TEST_F(HttpTest, SendsNothingOverAConnectionThatDidNotVerify) {
  for (const char* alpn : {"http/1.1", "h2"}) {
    TestServer server(loop, {.certificate = make_certificate({}), .alpn = alpn}, always(answer_of("hello")));
    auto c = check(server.url());
    set_text(c, "Authorization", "Bearer secret");
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "tls_self_signed") << outcome.detail;
    EXPECT_EQ(phase(outcome), "tls");
    EXPECT_EQ(outcome.facts.tls().certificates_size(), 1);
    EXPECT_FALSE(outcome.facts.http().has_status());
    EXPECT_EQ(server.received(), "");
    EXPECT_FALSE(outcome.phases.of(proto::PHASE_PROCESSING));
    c.mutable_http()->mutable_tls()->set_verify(false);
    run(c);
    EXPECT_NE(server.received(), "");
  }
}

TEST_F(HttpTest, ShowsItsCertificateAndTellsWhenItIsRefused) {
  TestServer server(loop, {.certificate = make_certificate({}, &ca), .client_ca_pem = ca.cert_pem},
                    always(answer_of("hi")));
  const Outcome outcome = run(check(server.url()));
  EXPECT_EQ(reason(outcome), "tls_protocol") << outcome.detail;
  EXPECT_THAT(outcome.detail, HasSubstr("alert"));
}

TEST_F(HttpTest, TellsEveryWayInWhichAnAnswerFails) {
  const struct {
    const char* reason;
    const char* phase;
    Script script;
  } kCases[] = {
      {"closed_early", "processing", script_of("", After::close)},
      {"closed_early", "processing", script_of("", After::reset)},
      {"closed_early", "transfer", script_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", After::close)},
      {"closed_early", "transfer", script_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", After::close)},
      {"closed_early", "transfer", script_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", After::reset)},
      {"protocol_error", "processing", script_of("SSH-2.0-OpenSSH\r\n", After::close)},
      {"protocol_error", "transfer",
       script_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", After::wait)},
      {"protocol_error", "transfer", script_of("HTTP/1.1 200 OK\r\n" + header_lines(201) + "\r\n", After::wait)},
      {"protocol_error", "transfer",
       script_of("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", After::wait)},
      {"response_timeout", "processing", script_of("", After::wait)},
      {"response_timeout", "transfer", script_of("HTTP/1.1 200 OK\r\nContent-Len", After::wait)},
      {"response_timeout", "transfer",
       script_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhell", After::wait)},
  };
  for (const auto& one : kCases) {
    TestServer server(loop, one.script);
    const Instant start = clock.now();
    const Outcome outcome = run(check(server.url()), 300);
    EXPECT_EQ(reason(outcome), one.reason) << outcome.detail << " #" << (&one - kCases);
    EXPECT_EQ(phase(outcome), one.phase) << outcome.detail << " #" << (&one - kCases);
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
    EXPECT_LT(clock.now() - start, Milliseconds(550));
  }
}

TEST_F(HttpTest, StopsAtTheDeadlineOfABodyThatNeverEnds) {
  TestServer drip(loop, drip_for_ever);
  const Instant start = clock.now();
  const Outcome outcome = run(check(drip.url()), 200);
  EXPECT_EQ(reason(outcome), "response_timeout");
  EXPECT_LT(clock.now() - start, Milliseconds(450));
}

TEST_F(HttpTest, StopsReadingAfterSixteenMebibytes) {
  TestServer flood(loop, flood_for_ever);
  const Outcome outcome = run(check(flood.url()), 10000);
  EXPECT_EQ(reason(outcome), "body_too_large") << outcome.detail;
  EXPECT_LT(outcome.facts.http().body_bytes(), 17 << 20);
}

TEST_F(HttpTest, SaysWhenTheRequestIsNotTaken) {
  TestServer deaf(loop, never_read);
  auto c = check(deaf.url());
  c.mutable_http()->set_method("POST");
  c.mutable_http()->set_body(std::string(32 << 20, 'x'));
  const Outcome outcome = run(c, 300);
  EXPECT_EQ(reason(outcome), "send_timeout") << outcome.detail;
  EXPECT_EQ(phase(outcome), "processing");
}

TEST_F(HttpTest, TellsASilentHandshakeFromACutOne) {
  TestServer silent(loop, script_of("", After::wait)), cut(loop, cut_at_once),
      ssh(loop, script_at_once("SSH-2.0-x\r\n"));
  auto c = check("https://" + silent.address());
  EXPECT_EQ(reason(run(c, 200)), "tls_timeout");
  c = check("https://" + cut.address());
  const Outcome closed = run(c);
  EXPECT_EQ(reason(closed), "closed_early") << closed.detail;
  EXPECT_EQ(phase(closed), "tls");
  c = check("https://" + ssh.address());
  EXPECT_EQ(reason(run(c)), "tls_protocol");
}

TEST_F(HttpTest, SendsWhatTheDefinitionSays) {
  TestServer server(loop, always(answer_of("{}")));
  auto c = check(server.url("/orders?id=7"));
  auto& keys = *c.mutable_http();
  keys.set_method("POST");
  keys.set_body("{\"a\":1}");
  set_text(c, "Content-Type", "application/json");
  set_text(c, "X-Empty", "");
  keys.mutable_basic_auth()->set_username("u");
  ::setenv("PARALLAX_TEST_PASSWORD", "p", 1);
  keys.mutable_basic_auth()->mutable_password()->set_env("PARALLAX_TEST_PASSWORD");
  EXPECT_EQ(reason(run(c)), "ok");
  const std::string& sent = server.received();
  EXPECT_THAT(sent, testing::StartsWith("POST /orders?id=7 HTTP/1.1\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nX-Empty:\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nAuthorization: Basic dTpw\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Length: 7\r\n"));
  EXPECT_THAT(sent, testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST_F(HttpTest, UndoesAnEncodingThatWasAskedFor) {
  // gzip of "hello", and the same without its end.
  const std::string gzip(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00", 25);
  TestServer whole(loop, always(answer_of(gzip, "Content-Encoding: gzip\r\n")));
  auto c = check(whole.url());
  c.mutable_http()->add_compression("gzip");
  c.mutable_http()->mutable_expect()->add_body_matches("^hello$");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().body_bytes(), 5);
  EXPECT_EQ(outcome.facts.http().content_length(), 25);
  EXPECT_THAT(whole.received(), HasSubstr("\r\nAccept-Encoding: gzip\r\n"));

  TestServer bad(loop, always(answer_of("not gzip at all", "Content-Encoding: gzip\r\n")));
  c.mutable_http()->set_url(bad.url());
  EXPECT_EQ(reason(run(c)), "protocol_error");
}

TEST_F(HttpTest, JudgesAsItsRulesSay) {
  TestServer server(loop, always(answer_of("{\"status\": \"DOWN\"}", "", "503 Service Unavailable")));
  auto c = check(server.url());
  const Outcome by_status = run(c);
  EXPECT_EQ(reason(by_status), "status");
  EXPECT_EQ(phase(by_status), "") << "a rule failed, no phase";
  EXPECT_EQ(by_status.detail, "status 503, wanted 200-299");
  EXPECT_FALSE(by_status.facts.http().failed_due_to_regex());
  auto& range = *c.mutable_http()->mutable_expect()->add_status();
  range.set_from(503);
  range.set_to(503);
  EXPECT_EQ(reason(run(c)), "ok");
  c.mutable_http()->mutable_warn()->add_body_matches("UP");
  const Outcome warned = run(c);
  EXPECT_EQ(warned.state, proto::STATE_DEGRADED);
  EXPECT_EQ(reason(warned), "body");
  EXPECT_FALSE(warned.facts.http().failed_due_to_regex());
  c.mutable_http()->mutable_expect()->add_body_matches("UP");
  const Outcome down = run(c);
  EXPECT_EQ(down.state, proto::STATE_DOWN);
  EXPECT_TRUE(down.facts.http().failed_due_to_regex());
}

TEST_F(HttpTest, DoesNotJudgeABodyThatItDidNotSeeWhole) {
  TestServer server(loop, always(answer_of(std::string(5000, 'a'))));
  auto c = check(server.url());
  c.mutable_http()->set_max_body_bytes(1000);
  c.mutable_http()->mutable_expect()->add_body_matches("aaa");
  EXPECT_EQ(reason(run(c)), "ok");
  c.mutable_http()->mutable_expect()->add_body_lacks("ERROR");
  EXPECT_EQ(reason(run(c)), "body_too_large");
}

TEST_F(HttpTest, IgnoresAProxyOfTheEnvironment) {
  TestServer proxy(loop, always(answer_of("proxy"))), server(loop, always(answer_of("server")));
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  ::setenv("ALL_PROXY", proxy.url().c_str(), 1);
  EXPECT_EQ(reason(run(check(server.url()))), "ok");
  ::unsetenv("http_proxy");
  ::unsetenv("ALL_PROXY");
  EXPECT_EQ(proxy.connections(), 0);
}

TEST_F(HttpTest, AsksOverIpv6) {
  TestServer server(loop, always(answer_of("hello")), "::1");
  const Outcome outcome = run(check("http://[::1]:" + std::to_string(server.port()) + "/"));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.address(), "::1");
  EXPECT_EQ(outcome.facts.ip_protocol(), 6U);
}

TEST_F(HttpTest, LeavesNoDescriptorBehind) {
  TestServer good(loop, always(answer_of("x"))), drip(loop, drip_for_ever),
      tls(loop, {.certificate = make_certificate({})}, always(answer_of("x")));
  run(check(good.url()));
  run(check(drip.url()), 50);
  run(check(tls.url()));
  loop.run_for(Milliseconds(100));  // the servers notice that their peers have gone
  const auto before = open_descriptors();
  for (int i = 0; i < 5; ++i) {
    run(check(good.url()));
    run(check(drip.url()), 50);
    run(check(tls.url()));
  }
  loop.run_for(Milliseconds(100));
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace parallax
