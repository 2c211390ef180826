#include <gmock/gmock.h>

#include "tests/unit/probe/checks/check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class HttpTest : public CheckTest {
 protected:
  proto::Check check(const std::string& url) {
    proto::Check check;
    check.set_target(url);
    check.set_ip("any");
    auto& keys = *check.mutable_http();
    keys.set_url(url);
    keys.set_method("GET");
    keys.set_http_version("auto");
    keys.set_follow_redirects(10);
    keys.set_max_body_bytes(1 << 20);
    return check;
  }
};

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
  for (const auto phase :
       {proto::PHASE_RESOLVE, proto::PHASE_CONNECT, proto::PHASE_PROCESSING, proto::PHASE_TRANSFER})
    EXPECT_TRUE(outcome.phases.of(phase)) << phase;
  EXPECT_FALSE(outcome.phases.of(proto::PHASE_TLS));
}

TEST_F(HttpTest, IsUpOverTls) {
  const TestCertificate ca = make_authority("Example CA");
  TestServer server(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("hello")));
  auto c = check(server.url());
  c.mutable_http()->mutable_tls()->set_ca_pem(ca.cert_pem);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.tls().version(), "TLS 1.3");
  EXPECT_TRUE(outcome.facts.tls().verified());
  EXPECT_TRUE(outcome.phases.of(proto::PHASE_TLS));
}

}  // namespace
}  // namespace parallax
