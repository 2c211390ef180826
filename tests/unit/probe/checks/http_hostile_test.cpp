// Servers that send what no server should: each costs a bounded time and memory and gets an exact reason.
#include <gmock/gmock.h>

#include "tests/unit/probe/checks/flooder.h"
#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class HttpHostileTest : public HttpCheckTest {
 protected:
  Outcome at(Script script, int timeout_ms = 5000) {
    TestServer server(loop, std::move(script));
    return run(check(server.url()), timeout_ms);
  }
};

std::string times(int count, const std::string& words) {
  std::string all;
  for (int i = 0; i < count; ++i) all += words;
  return all;
}

const std::string kHints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

TEST_F(HttpHostileTest, InformationalAnswersBeforeTheRealOneAreNotIt) {
  for (const std::string& words :
       {kContinue, kHints, times(60, kHints), times(60, kContinue), kHints + kContinue}) {
    TestServer server(loop, always(words + answer_of("hello", "X-Real: yes\r\n")));
    auto c = check(server.url());
    auto& expect = *c.mutable_http()->mutable_expect();
    expect.add_body_matches("^hello$");
    auto& rule = *expect.add_headers();
    rule.set_name("Link");
    rule.set_lacks(".");
    rule.set_optional(true);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.http().status(), 200);
  }
}

TEST_F(HttpHostileTest, HundredsOfInformationalAnswersAreOverTheBoundsOfHeaders) {
  for (const std::string& one : {kHints, kContinue, "HTTP/1.1 199 " + std::string(1000, 'x') + "\r\n\r\n"}) {
    const Outcome outcome = at(always(times(400, one) + answer_of("hello")));
    EXPECT_EQ(reason(outcome), "protocol_error") << outcome.detail;
    EXPECT_EQ(phase(outcome), "transfer");
    EXPECT_FALSE(outcome.facts.http().has_status()) << "the real answer was not seen";
  }
}

TEST_F(HttpHostileTest, AnInformationalAnswerAloneIsNoStatus) {
  const Outcome silent = at(script_of(kHints, After::wait), 200);
  EXPECT_EQ(reason(silent), "response_timeout") << silent.detail;
  EXPECT_FALSE(silent.facts.http().has_status());
  EXPECT_FALSE(silent.facts.http().has_version());
  const Outcome closed = at(script_of(kContinue, After::close));
  EXPECT_EQ(reason(closed), "closed_early") << closed.detail;
  EXPECT_FALSE(closed.facts.http().has_status());
}

TEST_F(HttpHostileTest, HeadersAreReadUpToTheBoundsAndNoFurther) {
  EXPECT_EQ(reason(at(always("HTTP/1.1 200 OK\r\n" + header_lines(199) + "Content-Length: 0\r\n\r\n"))), "ok");
  const std::string long_one = "X: " + std::string(15'000, 'x') + "\r\n";
  EXPECT_EQ(reason(at(always("HTTP/1.1 200 OK\r\n" + times(4, long_one) + "Content-Length: 0\r\n\r\n"))), "ok");
  const std::string too_much[] = {
      "HTTP/1.1 200 OK\r\n" + header_lines(200) + "Content-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n" + times(5, long_one) + "Content-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'),                   // without end
      "HTTP/1.1 200 OK\r\n" + std::string(200'000, 'x'),                      // a name without end
      "HTTP/1.1 200 " + std::string(200'000, 'x'),                            // a phrase without end
      "HTTP/1.1 200 OK\r\nX: a\r\n" + times(10'000, " folded for ever\r\n"),  // RFC 9112, 5.2
      times(200'000, "\r\n"),                                                 // before the status line
  };
  for (const std::string& words : too_much) {
    const Outcome outcome = at(script_of(words, After::wait));
    EXPECT_EQ(reason(outcome), "protocol_error") << (&words - too_much) << " " << outcome.detail;
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
  }
}

TEST_F(HttpHostileTest, WhatFollowsTheBodyIsBoundedToo) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
  EXPECT_EQ(reason(at(always(chunked + "0\r\nX-Trailer: fine\r\n\r\n"))), "ok");
  for (const std::string& words : {
           chunked + "0\r\n" + header_lines(300) + "\r\n", chunked + "0\r\nX: " + std::string(200'000, 'x'),
           chunked + "5;" + std::string(200'000, 'x'),  // a chunk's extension
           chunked + std::string(200'000, '0'),         // its size
       }) {
    const Outcome outcome = at(script_of(words, After::wait));
    EXPECT_EQ(reason(outcome), "protocol_error") << outcome.detail;
    EXPECT_EQ(phase(outcome), "transfer");
  }
}

TEST_F(HttpHostileTest, TellsNonsenseFromAnEnd) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const struct {
    const char* reason;
    Script script;
  } kCases[] = {
      {"protocol_error", script_of("<html>no HTTP</html>", After::wait)},
      {"protocol_error", script_of(std::string("\0\0\0\x12\x04\0\0\0\0", 9), After::wait)},  // HTTP/2
      {"protocol_error", script_of("\x15\x03\x01\x01\x02\x02\x28", After::wait)},            // a TLS alert
      {"protocol_error", script_of("HTTP/1.1 OK\r\n\r\n", After::wait)},
      {"protocol_error", script_of("HTTP/1.1 99999 OK\r\n\r\n", After::wait)},
      {"protocol_error", script_of("HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n", After::wait)},
      {"protocol_error", script_of("HTTP/x.y 200 OK\r\n\r\n", After::wait)},
      {"protocol_error", script_of("GET / HTTP/1.1\r\n\r\n", After::wait)},
      {"protocol_error", script_of(ok + "No colon\r\n\r\n", After::wait)},
      {"protocol_error", script_of(ok + "Content-Length: -1\r\n\r\n", After::wait)},
      {"protocol_error", script_of(ok + "Content-Length: ten\r\n\r\n", After::wait)},
      {"protocol_error", script_of(ok + "Content-Length: 99999999999999999999999\r\n\r\n", After::wait)},
      {"protocol_error", script_of(ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", After::wait)},
      {"protocol_error", script_of(ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n", After::wait)},
      {"protocol_error", script_of(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", After::wait)},
      {"protocol_error", script_of(ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx", After::wait)},
      {"closed_early", script_of("HTTP/1.1 20", After::close)},
      {"closed_early", script_of("HTTP/1.1 20", After::reset)},
      {"closed_early", script_of("HTTP/1.1 200 OK\r\n", After::close)},
      {"closed_early", script_of(ok + "X: y\r\n", After::reset)},
      {"closed_early", script_of(ok + "X: y\r\n\r\nhel", After::reset)},
      {"closed_early", script_of(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", After::close)},
      {"closed_early", script_of(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", After::close)},
      {"closed_early", script_of(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", After::reset)},
      {"closed_early", script_of(ok + "Content-Length: 9223372036854775807\r\n\r\nhello", After::close)},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = at(one.script, 2000);
    EXPECT_EQ(reason(outcome), one.reason) << "#" << (&one - kCases) << " " << outcome.detail;
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
  }
}

TEST_F(HttpHostileTest, ForgivesWhatServersInTheWildGetWrong) {
  for (const std::string& words :
       {std::string("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"),
        std::string("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), std::string("HTTP/1.0 200 OK\r\n\r\nhello"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and what nobody announced"),
        std::string("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                    "3\r\n\r\n5\r\nhello\r\n0\r\n\r\n")}) {
    TestServer server(loop, script_of(words, After::close));
    auto c = check(server.url());
    c.mutable_http()->mutable_expect()->add_body_matches("^hello$");
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << words << ": " << outcome.detail;
    EXPECT_EQ(outcome.facts.http().body_bytes(), 5) << words;
  }
}

TEST_F(HttpHostileTest, AFoldedHeaderIsOneWithASpaceInPlaceOfTheFold) {
  TestServer server(loop, always(answer_of("hello", "X-Folded: one\r\n two\r\n\tthree\r\n")));
  auto c = check(server.url());
  auto& rule = *c.mutable_http()->mutable_expect()->add_headers();
  rule.set_name("X-Folded");
  rule.set_matches("^one\\s+two\\s+three$");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
}

TEST_F(HttpHostileTest, AServerThatSwitchesProtocolsUnaskedHasAnswered) {
  const Outcome outcome = at(
      script_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxyz", After::wait),
      1000);
  EXPECT_EQ(reason(outcome), "status") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().status(), 101);
}

TEST_F(HttpHostileTest, AnEarlyAnswerToALargeRequestIsTheAnswer) {
  TestServer server(loop, script_of(answer_of("", "", "413 Content Too Large"), After::wait));
  auto c = check(server.url());
  c.mutable_http()->set_method("POST");
  c.mutable_http()->set_body(std::string(32 << 20, 'x'));
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "status") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().status(), 413);
}

TEST_F(HttpHostileTest, EndlessBodiesEndAtSixteenMebibytes) {
  for (const char* head :
       {"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"}) {
    Flooder flood(head, "x");
    const Outcome outcome = run(check(flood.url()), 10'000);
    EXPECT_EQ(reason(outcome), "body_too_large") << outcome.detail;
    EXPECT_EQ(phase(outcome), "transfer");
    EXPECT_LT(outcome.facts.http().body_bytes(), 17 << 20);
  }
}

// Deadline and other runs have their turn however fast a peer sends.
TEST_F(HttpHostileTest, AFloodThatNoBoundStopsStillEndsAtTheDeadline) {
  // Brotli's empty metadata blocks, a byte each: they take their time to decode, to nothing, for ever.
  Flooder flood("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n\x0c", "\x06");
  auto c = check(flood.url());
  c.mutable_http()->add_compression("br");
  const Instant start = clock.now();
  const Outcome outcome = run(c, 300);
  EXPECT_LT(clock.now() - start, Milliseconds(1300)) << "300 ms, 250 ms too late, and a busy machine";
  EXPECT_EQ(reason(outcome), "response_timeout") << outcome.detail;
  EXPECT_EQ(phase(outcome), "transfer");
}

TEST_F(HttpHostileTest, AHandshakeThatIsFloodedEndsAtTheDeadlineToo) {
  // HelloRequest, which a client in a handshake passes over (RFC 5246, 7.4.1.1).
  Flooder flood("", std::string("\x16\x03\x03\x00\x04\x00\x00\x00\x00", 9));
  const Instant start = clock.now();
  const Outcome outcome = run(check(flood.url("https")), 300);
  EXPECT_LT(clock.now() - start, Milliseconds(1300));
  EXPECT_EQ(reason(outcome), "tls_timeout") << outcome.detail;
  EXPECT_EQ(phase(outcome), "tls");
}

TEST_F(HttpHostileTest, ARingOfRedirectsEndsAtTheLimit) {
  TestServer server(loop, paths({{"GET /a ", redirect_to("/b")}, {"GET /b ", redirect_to("/a", "308 X")}}));
  const Outcome outcome = run(check(server.url("/a")));
  EXPECT_EQ(reason(outcome), "redirect_limit") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().redirects(), 11);
  EXPECT_EQ(outcome.facts.http().status(), 302) << "of the one refused";
  EXPECT_EQ(server.connections(), 11);
  TestServer nowhere(loop, always(redirect_to("")));
  EXPECT_EQ(run(check(nowhere.url())).state, proto::STATE_DOWN);
}

}  // namespace
}  // namespace parallax
