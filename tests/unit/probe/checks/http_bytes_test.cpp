// Whatever bytes a server sends in whatever place, a result can be read by the controller and is proper JSON.
#include <gmock/gmock.h>

#include <boost/json/parse.hpp>

#include "base/utf8.h"
#include "probe/bounded_result.h"
#include "probe/by_hand_json.h"
#include "probe/by_hand_table.h"
#include "probe/finished_run.h"
#include "tests/unit/probe/checks/http2_server.h"

namespace parallax {
namespace {

namespace json = boost::json;
using testing::HasSubstr;

// No UTF-8, half a character, a quote, escapes for terminals, line and paragraph separators, DEL, a forged sample.
const std::string kNasty =
    "\xff\xfe \xc3 \"\\' \x1b[31m \xe2\x80\xa8\xe2\x80\xa9 \x7f \xc2\x9b} forged_metric 1 {\"";

class HttpBytesTest : public HttpCheckTest {
 protected:
  // Runs the check as a runner and as `run` by hand do; gives the result that the controller reads.
  proto::RunResult result_of(const proto::Check& c) {
    FinishedRun finished;
    finished.outcome = run(c, 1000);
    proto::RunResult by_hand = to_result(c, finished);
    const std::string text = to_json(c, by_hand);
    EXPECT_TRUE(is_utf8(text));
    boost::system::error_code error;
    const auto read = json::parse(text, error);
    EXPECT_FALSE(error) << error.message() << ": " << text;
    if (!error) {
      EXPECT_TRUE(read.at("detail").is_string());
    }
    const std::string row = Table(TableStyle{}).row(c, by_hand, Table::Facts::all);
    for (const char bad : {'\x1b', '\x7f', '\x9b', '\xff'}) EXPECT_EQ(row.find(bad), std::string::npos) << row;

    bound(by_hand);
    proto::RunResult received;
    EXPECT_TRUE(received.ParseFromString(by_hand.SerializeAsString()));
    EXPECT_TRUE(is_utf8(received.detail()));
    EXPECT_TRUE(is_utf8(received.facts().http().final_url()));
    return received;
  }
};

TEST_F(HttpBytesTest, InTheStatusLine) {
  TestServer server(loop, always(answer_of("hello", "", "200 " + kNasty)));
  EXPECT_EQ(result_of(check(server.url())).reason(), proto::REASON_OK);
}

TEST_F(HttpBytesTest, InAHeaderThatAReasonQuotes) {
  TestServer server(loop,
                    always(answer_of("hello", "X-Nasty: " + kNasty + "\r\nLast-Modified: " + kNasty + "\r\n")));
  auto c = check(server.url());
  auto& rule = *c.mutable_http()->mutable_expect()->add_headers();
  rule.set_name("X-Nasty");
  rule.set_matches("^nice$");
  const auto result = result_of(c);
  EXPECT_EQ(result.reason(), proto::REASON_HEADER);
  EXPECT_THAT(result.detail(), HasSubstr("wanted one that matches ^nice$"));
  EXPECT_FALSE(result.facts().http().has_last_modified());
}

TEST_F(HttpBytesTest, InABodyThatIsSearchedAndQuoted) {
  const std::string body = kNasty + std::string(1, '\0') + "needle";
  TestServer server(loop, always(answer_of(body)));
  auto c = check(server.url());
  c.mutable_http()->mutable_expect()->add_body_matches("needle$");
  EXPECT_EQ(result_of(c).reason(), proto::REASON_OK) << "patterns see all of it";
  auto& rule = *c.mutable_http()->mutable_expect()->add_json();
  rule.set_pointer("/a");
  rule.set_exists(true);
  EXPECT_EQ(result_of(c).reason(), proto::REASON_JSON);
  TestServer quoted(loop, always(answer_of("{\"a\": \"\\u0000\\u001b[31m\\u2028" + std::string(59, (char)120) +
                                           "\\u00e9 and more of it, so that it is cut\"}")));
  c.mutable_http()->set_url(quoted.url());
  c.mutable_http()->mutable_expect()->clear_body_matches();
  c.mutable_http()->mutable_expect()->mutable_json(0)->set_matches("^nice$");
  EXPECT_EQ(result_of(c).reason(), proto::REASON_JSON);
}

TEST_F(HttpBytesTest, InTheTargetOfARedirect) {
  TestServer end(loop, always(answer_of("end")));
  for (const std::string& where :
       {end.url("/" + kNasty), end.url("/?" + kNasty), kNasty, "//" + kNasty + "/", "http://[" + kNasty,
        "ftp://" + kNasty, "nasty\x01scheme:" + kNasty, "http://" + end.address() + "\\@" + kNasty}) {
    TestServer server(loop, always(redirect_to(where)));
    auto c = check(server.url());
    c.mutable_http()->set_follow_redirects(2);
    const auto result = result_of(c);
    EXPECT_NE(result.state(), proto::STATE_UNKNOWN) << result.detail();
    // Nothing of it becomes a line of the next request.
    EXPECT_EQ(end.received().find("forged_metric 1 {\"\r\n"), std::string::npos);
  }
}

TEST_F(HttpBytesTest, InEveryPlaceAtOnceAndWithNul) {
  std::string every;
  for (int i = 1; i < 256; ++i)
    if (i != '\r' && i != '\n') every += static_cast<char>(i);
  const std::string nul("a\0b", 3);
  for (const std::string& bytes : {every, nul}) {
    for (const std::string& words :
         {"HTTP/1.1 200 " + bytes + "\r\n\r\nhello", "HTTP/1.1 200 OK\r\nX: " + bytes + "\r\n\r\nhello",
          "HTTP/1.1 200 OK\r\n" + bytes + ": x\r\n\r\nhello", bytes,
          "HTTP/1.1 302 Found\r\nLocation: " + bytes + "\r\n\r\n", "HTTP/" + bytes + " 200 OK\r\n\r\n"}) {
      TestServer server(loop, script_of(words, After::close));
      auto c = check(server.url());
      c.mutable_http()->set_follow_redirects(1);
      result_of(c);
    }
  }
}

TEST_F(HttpBytesTest, InHeadersOfHttp2) {
  using namespace http2;
  TestServer server(loop, script_of(hello() +
                                        frame(kHeaders, kEndHeaders, 1,
                                              status("302") + header("location", "/" + kNasty.substr(0, 40))) +
                                        frame(kData, kEndStream, 1, kNasty),
                                    After::wait));
  auto c = check(server.url());
  c.mutable_http()->set_http_version("2");
  c.mutable_http()->set_follow_redirects(1);
  result_of(c);
}

}  // namespace
}  // namespace parallax
