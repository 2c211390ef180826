#include "probe/checks/http_judge.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "probe/checks/http_json.h"
#include "proto/names.h"

namespace parallax {
namespace {

using testing::HasSubstr;

proto::HttpExpect rules(const std::string& text) {
  proto::HttpExpect parsed;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &parsed)) << text;
  return parsed;
}

class HttpJudge : public testing::Test {
 protected:
  HttpJudge() {
    answer.status = 200;
    answer.version = "1.1";
    answer.headers = {{"Content-Type", "application/json"}, {"Vary", "Accept"}, {"vary", "Origin"}};
    answer.body = R"({"status": "UP", "queue": {"depth": 7, "names/x": ["a", null]}, "ok": true})";
    answer.body_bytes = 77;
  }

  // The reason and the words, or "holds".
  std::string judged(const std::string& text, bool statuses_by_default = true) {
    const HttpEvidence evidence{answer, tls, duration, from_unix_us(0)};
    const auto failed = judge_http(rules(text), evidence, statuses_by_default);
    return failed ? std::string(name(failed->reason)) + ": " + failed->detail : "holds";
  }

  HttpAnswer answer;
  const proto::TlsFacts* tls = nullptr;
  Nanoseconds duration = Milliseconds(100);
};

TEST_F(HttpJudge, WantsASuccessWhereNoStatusIsWritten) {
  EXPECT_EQ(judged(""), "holds");
  answer.status = 404;
  EXPECT_EQ(judged(""), "status: status 404, wanted 200-299");
  EXPECT_EQ(judged("", false), "holds") << "a warning has no default";
  EXPECT_EQ(judged("status { from: 400 to: 499 }"), "holds");
  EXPECT_EQ(judged("status { from: 200 to: 299 } status { from: 301 to: 301 }"),
            "status: status 404, wanted 200-299 or 301");
}

TEST_F(HttpJudge, LooksAtTheVersionAndAtTls) {
  EXPECT_EQ(judged("http_version: '1.1' http_version: '2'"), "holds");
  EXPECT_EQ(judged("http_version: '2'"), "http_version: HTTP/1.1, wanted 2");
  EXPECT_EQ(judged("tls: 'forbidden'"), "holds");
  EXPECT_THAT(judged("tls: 'required'"), HasSubstr("tls_protocol: "));
  const proto::TlsFacts facts;
  tls = &facts;
  EXPECT_EQ(judged("tls: 'required'"), "holds");
  EXPECT_THAT(judged("tls: 'forbidden'"), HasSubstr("tls_protocol: "));
}

TEST_F(HttpJudge, LooksAtEveryValueOfAHeader) {
  EXPECT_EQ(judged("headers { name: 'content-type' matches: 'json' }"), "holds");
  EXPECT_EQ(judged("headers { name: 'Vary' matches: '^Origin$' }"), "holds") << "one of them matches";
  EXPECT_EQ(judged("headers { name: 'Vary' lacks: '^Origin$' }"),
            "header: header Vary is \"Origin\", wanted none that matches ^Origin$");
  EXPECT_EQ(judged("headers { name: 'Vary' lacks: 'Cookie' }"), "holds");
  EXPECT_EQ(judged("headers { name: 'Vary' matches: 'Accept' lacks: 'Origin' }"),
            "header: header Vary is \"Origin\", wanted none that matches Origin");
  EXPECT_EQ(judged("headers { name: 'X-Gone' matches: '.' }"),
            "header: there is no header X-Gone, wanted one that matches .");
  EXPECT_EQ(judged("headers { name: 'X-Gone' lacks: '.' }"),
            "header: there is no header X-Gone, wanted one without a match of .");
  EXPECT_EQ(judged("headers { name: 'X-Gone' matches: '.' optional: true }"), "holds");
}

TEST_F(HttpJudge, WantsEveryBodyPattern) {
  EXPECT_EQ(judged("body_matches: 'UP' body_matches: 'depth'"), "holds");
  EXPECT_EQ(judged("body_matches: 'UP' body_matches: 'DOWN'"), "body: the body (77 bytes) does not match DOWN");
  EXPECT_EQ(judged("body_lacks: 'DOWN' body_lacks: 'UP'"),
            "body: the body (77 bytes) matches UP, wanted no match");
  answer.body.clear();
  EXPECT_EQ(judged("body_matches: 'UP'"), "body: the body, which is empty, does not match UP");
}

TEST_F(HttpJudge, DoesNotVouchForABodyItDidNotSeeWhole) {
  answer.body_cut = true;
  EXPECT_EQ(judged("body_matches: 'UP'"), "holds");
  EXPECT_THAT(judged("body_lacks: 'DOWN'"), HasSubstr("body_too_large: "));
  EXPECT_THAT(judged("json { pointer: '/ok' exists: true }"), HasSubstr("body_too_large: "));
}

TEST_F(HttpJudge, LooksIntoJson) {
  EXPECT_EQ(judged("json { pointer: '/status' equals { text: 'UP' } }"), "holds");
  EXPECT_EQ(judged("json { pointer: '/queue/depth' equals { number: 7 } }"), "holds");
  EXPECT_EQ(judged("json { pointer: '/ok' equals { boolean: true } }"), "holds");
  EXPECT_EQ(judged("json { pointer: '/queue/names~1x/0' equals { text: 'a' } }"), "holds");
  EXPECT_EQ(judged("json { pointer: '/queue/depth' above: 6 below: 8 }"), "holds");
  EXPECT_EQ(judged("json { pointer: '/queue/names~1x/1' exists: true }"), "holds") << "null is a value";
  EXPECT_EQ(judged("json { pointer: '/gone' exists: false }"), "holds");
  EXPECT_EQ(judged("json { pointer: '/status' matches: '^U' }"), "holds");

  EXPECT_EQ(judged("json { pointer: '/status' equals { text: 'DOWN' } }"),
            "json: json /status is \"UP\", wanted \"DOWN\"");
  EXPECT_EQ(judged("json { pointer: '/queue/depth' equals { text: '7' } }"),
            "json: json /queue/depth is 7, wanted \"7\"");
  EXPECT_EQ(judged("json { pointer: '/queue/depth' above: 7 }"), "json: json /queue/depth is 7, wanted above 7");
  EXPECT_EQ(judged("json { pointer: '/status' above: 7 }"), "json: json /status is \"UP\", wanted above 7");
  EXPECT_EQ(judged("json { pointer: '/ok' exists: false }"), "json: json /ok is true, wanted none");
  EXPECT_EQ(judged("json { pointer: '/gone' matches: '.' }"),
            "json: there is no json value at \"/gone\", wanted a match of .");
  EXPECT_EQ(judged("json { pointer: '/gone' above: 1 below: 3 }"),
            "json: there is no json value at \"/gone\", wanted one above 1 and below 3");
  EXPECT_EQ(judged("json { pointer: '/gone' exists: true }"),
            "json: there is no json value at \"/gone\", wanted one");
  answer.body = "<html>";
  EXPECT_THAT(judged("json { pointer: '/ok' exists: false }"),
              HasSubstr("json: the body (77 bytes) is not JSON: "));
}

TEST_F(HttpJudge, LooksAtTimes) {
  EXPECT_EQ(judged("max_duration_ms: 100"), "holds");
  EXPECT_EQ(judged("max_duration_ms: 99"), "too_slow: took 100 ms, wanted at most 99 ms");
  proto::TlsFacts facts;
  facts.set_earliest_expiry(3600);
  facts.set_chain_expiry(7200);
  tls = &facts;
  EXPECT_EQ(judged("expires_in_ms: 7200000"), "holds") << "by the best verified chain";
  EXPECT_THAT(judged("expires_in_ms: 7200001"), HasSubstr("expires_soon: "));
  facts.clear_chain_expiry();
  EXPECT_THAT(judged("expires_in_ms: 7200000"), HasSubstr("expires_soon: ")) << "none verified: the earliest sent";
}

TEST_F(HttpJudge, NamesTheFirstOfSeveralFailedRules) {
  answer.status = 500;
  duration = std::chrono::seconds(5);
  const std::string all =
      "http_version: '2' tls: 'required' headers { name: 'X' matches: 'x' } body_matches: '^x|\"x\"' "
      "json { pointer: '/x' exists: true } max_duration_ms: 1 expires_in_ms: 1";
  EXPECT_THAT(judged(all), HasSubstr("status: "));
  answer.status = 200;
  EXPECT_THAT(judged(all), HasSubstr("http_version: "));
  answer.version = "2";
  EXPECT_THAT(judged(all), HasSubstr("tls_protocol: "));
  const proto::TlsFacts facts;
  tls = &facts;
  EXPECT_THAT(judged(all), HasSubstr("header: "));
  answer.headers.emplace_back("X", "x");
  EXPECT_THAT(judged(all), HasSubstr("body: "));
  answer.body = "x";
  EXPECT_THAT(judged(all), HasSubstr("json: "));
  answer.body = "{\"x\": 1}";
  EXPECT_THAT(judged(all), HasSubstr("too_slow: "));
  duration = Milliseconds(1);
  EXPECT_THAT(judged(all), HasSubstr("expires_soon: "));
}

TEST(JsonDocument, RefusesWhatIsNotOneDocument) {
  for (const char* bad : {"", "{", "{} {}", "[1,]", "nul", "{'a': 1}", "\"\xff\""})
    EXPECT_FALSE(JsonDocument::parse(bad)) << bad;
  EXPECT_FALSE(JsonDocument::parse(std::string(100'000, '['))) << "and does not overflow the stack";
  EXPECT_TRUE(JsonDocument::parse(" [1, 2.5e3, {\"a\": null}] \n"));
  EXPECT_EQ(JsonDocument::parse("7")->at("")->number, 7) << "the empty pointer is the whole document";
}

}  // namespace
}  // namespace parallax
