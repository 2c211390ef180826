// HTTP/2 with servers of hand-made frames.
#include <gmock/gmock.h>

#include "probe/net/http_talk.h"
#include "tests/unit/probe/checks/http2_server.h"

namespace parallax {
namespace {

using namespace http2;

class Http2Test : public HttpCheckTest {
 protected:
  // A check that speaks HTTP/2 from the first byte on.
  proto::Check check2(const std::string& url) {
    auto made = check(url);
    made.mutable_http()->set_http_version("2");
    return made;
  }

  Outcome at(Script script, int timeout_ms = 5000) {
    TestServer server(loop, std::move(script));
    return run(check2(server.url()), timeout_ms);
  }
};

TEST_F(Http2Test, AnswersAreJudgedAsOfHttp1) {
  TestServer server(loop, script_of(hello() + answer("200", "hello"), After::wait));
  auto c = check2(server.url("/a?b"));
  c.mutable_http()->mutable_expect()->add_http_version("2");
  c.mutable_http()->mutable_expect()->add_body_matches("^hello$");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().version(), "2");
  EXPECT_EQ(outcome.facts.http().status(), 200);
  EXPECT_EQ(outcome.facts.http().body_bytes(), 5);
  EXPECT_FALSE(outcome.facts.http().has_content_length()) << "it did not say";
  EXPECT_THAT(server.received(), testing::StartsWith("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  c.mutable_http()->mutable_expect()->clear_http_version();
  c.mutable_http()->mutable_expect()->add_http_version("1.1");
  EXPECT_EQ(reason(run(c)), "http_version");
}

// Whether frames of this type are among `bytes` of a client.
bool has_frame(const std::string& bytes, Type type) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  for (std::size_t at = 24; at + 9 <= bytes.size();) {  // behind the preface
    if (byte(at + 3) == type) return true;
    at += 9 + (std::size_t{byte(at)} << 16U | std::size_t{byte(at + 1)} << 8U | byte(at + 2));
  }
  return false;
}

TEST_F(Http2Test, TheRequestIsInTheFirstPacketBesideThePreface) {
  HttpRequest request;
  request.url = *parse_url("https://shop.example/health");
  HttpAnswerReader reader(request);
  const auto talk = make_http2_talk(request, "", reader);
  const std::string first(talk->to_send());  // is one write
  EXPECT_TRUE(has_frame(first, kSettings));
  EXPECT_TRUE(has_frame(first, kHeaders)) << first.size();
}

TEST_F(Http2Test, IsChosenByAlpnWhereTheDefinitionLeavesItOpen) {
  TestServer server(loop, {.certificate = make_certificate({}, &ca), .alpn = "h2"},
                    script_of(hello() + answer("200", "hello"), After::wait));
  auto c = check(server.url());
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().version(), "2");
  EXPECT_EQ(outcome.facts.tls().alpn(), "h2");

  TestServer old(loop, {.certificate = make_certificate({}, &ca), .alpn = "h2"}, always(answer_of("hello")));
  c = check(old.url());
  c.mutable_http()->set_http_version("1.1");
  EXPECT_EQ(reason(run(c)), "ok") << "1.1 does not offer the other";
  EXPECT_THAT(old.received(), testing::StartsWith("GET / HTTP/1.1\r\n"));
}

TEST_F(Http2Test, RedirectsAndInformationalAnswersAreFollowed) {
  TestServer end(loop, script_of(hello() + frame(kHeaders, kEndHeaders, 1, status("103") + header("link", "<a>")) +
                                     answer("200", "end"),
                                 After::wait));
  TestServer start(loop, script_of(hello() + frame(kHeaders, kEndHeaders | kEndStream, 1,
                                                   status("302") + header("location", end.url())),
                                   After::wait));
  const Outcome outcome = run(check2(start.url()));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.http().redirects(), 1);
  EXPECT_EQ(outcome.facts.http().status(), 200);
}

TEST_F(Http2Test, TellsEveryWayInWhichAnAnswerFails) {
  const std::string headers = frame(kHeaders, kEndHeaders, 1, status("200"));
  std::string many;
  for (int i = 0; i < 300; ++i) many += header("x-" + std::to_string(i), "1");
  const std::string lying = frame(kHeaders, kEndHeaders, 1, status("200") + header("content-length", "9"));
  const std::string forged = frame(kHeaders, kEndHeaders, 1, status("200") + header("x", "a\r\nb: c"));
  const struct {
    const char* reason;
    const char* phase;
    Script script;
  } kCases[] = {
      {"closed_early", "processing", script_of(hello(), After::close)},
      {"closed_early", "processing", script_of("", After::reset)},
      {"closed_early", "processing", script_of(hello() + frame(kReset, 0, 1, number(7)), After::wait)},
      {"closed_early", "processing",
       script_of(hello() + frame(kGoaway, 0, 0, number(0) + number(0)), After::wait)},
      {"closed_early", "transfer", script_of(hello() + headers + frame(kData, 0, 1, "hel"), After::close)},
      {"protocol_error", "processing", script_of("HTTP/1.1 400 Bad Request\r\n\r\n", After::wait)},
      {"protocol_error", "processing", script_of(std::string(1000, 'x'), After::wait)},
      {"protocol_error", "processing",
       script_of(hello() + frame(kHeaders, kEndHeaders, 1, header("x", "no status")), After::wait)},
      {"protocol_error", "transfer", script_of(hello() + lying + frame(kData, kEndStream, 1, "hel"), After::wait)},
      {"protocol_error", "transfer", script_of(hello() + headers + frame(kReset, 0, 1, number(2)), After::wait)},
      {"protocol_error", "transfer",
       script_of(hello() + frame(kHeaders, kEndHeaders, 1, status("200") + many), After::wait)},
      {"protocol_error", "", script_of(hello() + forged, After::wait)},
      {"response_timeout", "processing", script_of(hello(), After::wait)},
      {"response_timeout", "transfer", script_of(hello() + headers, After::wait)},
      {"response_timeout", "processing", dripping(hello(), frame(kPing, 0, 0, "12345678"))},
      {"response_timeout", "transfer", dripping(hello() + headers, frame(kData, 0, 1, ""))},
  };
  for (const auto& one : kCases) {
    const Instant start = clock.now();
    const Outcome outcome = at(one.script, 300);
    EXPECT_EQ(reason(outcome), one.reason) << "#" << (&one - kCases) << " " << outcome.detail;
    if (*one.phase) {
      EXPECT_EQ(phase(outcome), one.phase) << "#" << (&one - kCases) << " " << outcome.detail;
    }
    EXPECT_LT(clock.now() - start, Milliseconds(800)) << "#" << (&one - kCases);
  }
}

TEST_F(Http2Test, HeadersThatDoNotEndAreBounded) {
  const std::string some = header("x-header", std::string(100, 'x'));
  std::string flood = hello() + frame(kHeaders, 0, 1, status("200"));
  for (int i = 0; i < 10'000; ++i) flood += frame(kContinuation, 0, 1, some);
  const Outcome outcome = at(script_of(flood, After::wait));
  EXPECT_EQ(reason(outcome), "protocol_error") << outcome.detail;
}

Task<> say_hello_and_read(TestConnection& connection) {
  co_await connection.read_request();
  for (bool there = co_await connection.send(hello()); there; there = co_await connection.send(""))
    co_await connection.read_some();
}

TEST_F(Http2Test, ABodyBeyondTheWindowThatIsNeverOpenedIsNotTaken) {
  TestServer server(loop, say_hello_and_read);
  auto c = check2(server.url());
  c.mutable_http()->set_method("POST");
  c.mutable_http()->set_body(std::string(100'000, 'x'));
  const Outcome outcome = run(c, 300);
  EXPECT_EQ(reason(outcome), "send_timeout") << outcome.detail;
  EXPECT_EQ(phase(outcome), "processing");
}

TEST_F(Http2Test, AnEndlessBodyEndsAtSixteenMebibytes) {
  std::string flood = hello() + frame(kHeaders, kEndHeaders, 1, status("200"));
  for (int i = 0; i < 1100; ++i) flood += frame(kData, 0, 1, std::string(16'384, 'x'));
  const Outcome outcome = at(script_of(flood, After::wait));
  EXPECT_EQ(reason(outcome), "body_too_large") << outcome.detail;
}

}  // namespace
}  // namespace parallax
