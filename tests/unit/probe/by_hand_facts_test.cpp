#include "probe/by_hand_facts.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace parallax {

void PrintTo(const FactLine& line, std::ostream* out) { *out << line.label << " | " << line.text; }

namespace {

using testing::ElementsAre;

constexpr double kNow = 1769853600;  // 2026-01-31T10:00:00Z
constexpr double kDay = 86400;

auto line(const std::string& label, const std::string& text) {
  return testing::AllOf(testing::Field(&FactLine::label, label), testing::Field(&FactLine::text, text));
}

proto::RunResult run() {
  proto::RunResult result;
  result.set_started_us(1769853600000000);
  result.set_state(proto::STATE_UP);
  result.set_reason(proto::REASON_OK);
  return result;
}

TEST(FactLines, TellAnAnswerOverHttp) {
  auto result = run();
  auto& facts = *result.mutable_facts();
  facts.set_address("2001:db8::7");
  facts.set_ip_protocol(6);
  facts.mutable_http()->set_status(200);
  facts.mutable_http()->set_version("2");
  facts.mutable_http()->set_redirects(1);
  facts.mutable_http()->set_final_url("https://shop.example/health");
  facts.mutable_http()->set_body_bytes(110);
  facts.mutable_http()->set_content_length(80);
  facts.mutable_http()->set_last_modified(kNow);
  facts.mutable_http()->set_sent_bytes(320);
  facts.mutable_http()->set_received_bytes(1);
  EXPECT_THAT(fact_lines(result, true),
              ElementsAre(line("address", "2001:db8::7 (IPv6)"), line("http", "status 200, HTTP/2, 1 redirect"),
                          line("final url", "https://shop.example/health"),
                          line("body", "110 bytes, Content-Length 80, last modified 2026-01-31T10:00:00Z"),
                          line("traffic", "320 bytes sent, 1 byte received")));
}

TEST(FactLines, TellNothingThatWasNotTaken) {
  EXPECT_THAT(fact_lines(run(), true), ElementsAre());
  auto result = run();
  result.mutable_facts()->mutable_http()->set_redirects(0);
  result.mutable_facts()->mutable_http()->set_sent_bytes(0);
  EXPECT_THAT(fact_lines(result, true), ElementsAre()) << "no answer came";
}

proto::RunResult expired_chain() {
  auto result = run();
  result.set_state(proto::STATE_DOWN);
  result.set_reason(proto::REASON_TLS_EXPIRED);
  auto& tls = *result.mutable_facts()->mutable_tls();
  tls.set_version("TLS 1.3");
  tls.set_cipher("TLS_AES_256_GCM_SHA384");
  tls.set_verified(false);
  tls.set_verify_error("certificate has expired");
  tls.set_ocsp("good");
  tls.set_earliest_expiry(kNow - 2 * kDay);
  auto& leaf = *tls.add_certificates();
  leaf.set_subject("CN=shop.example");
  leaf.set_issuer("CN=Issuing CA");
  leaf.set_not_before(kNow - 90 * kDay);
  leaf.set_not_after(kNow - 2 * kDay);
  leaf.set_key("EC 256");
  leaf.set_signature("ecdsa-with-SHA256");
  for (int i = 0; i < 10; ++i) leaf.add_sans("a" + std::to_string(i));
  auto& root = *tls.add_certificates();
  root.set_subject("CN=Issuing CA");
  root.set_issuer("CN=Issuing CA");
  root.set_not_before(kNow + kDay);
  root.set_not_after(kNow + 100 * kDay);
  return result;
}

TEST(FactLines, TellWhichCertificateOfAChainIsBad) {
  EXPECT_THAT(fact_lines(expired_chain(), false),
              ElementsAre(line("tls", "TLS 1.3, TLS_AES_256_GCM_SHA384, no ALPN, stapled OCSP response good"),
                          line("verified", "no: certificate has expired"),
                          line("expiry", "earliest of those sent: expired 2 days ago (2026-01-29T10:00:00Z)"),
                          line("chain 0", "CN=shop.example, issued by CN=Issuing CA"),
                          line("", "expired 2 days ago (2026-01-29T10:00:00Z), EC 256, ecdsa-with-SHA256"),
                          line("", "for a0, a1, a2, a3, a4, a5, a6, a7 and 2 more"),
                          line("chain 1", "CN=Issuing CA, issued by itself"),
                          line("", "not valid before 2026-02-01T10:00:00Z")));
}

TEST(FactLines, TellTheVerifiedChainsEndApartFromTheEarliestSent) {
  auto result = expired_chain();
  auto& tls = *result.mutable_facts()->mutable_tls();
  tls.set_verified(true);
  tls.clear_verify_error();
  tls.set_alpn("h2");
  tls.set_chain_expiry(kNow + 57 * kDay);
  const auto lines = fact_lines(result, true);
  EXPECT_THAT(lines, testing::Contains(line("verified", "yes")));
  EXPECT_THAT(lines, testing::Contains(line("expiry", "verified chain: 57 days left (2026-03-29T10:00:00Z)")));
  EXPECT_THAT(lines,
              testing::Contains(line("", "earliest of those sent: expired 2 days ago (2026-01-29T10:00:00Z)")));
}

TEST(FactLines, AmongManyTheChainIsToldOnlyWhereItIsTheTrouble) {
  const auto has_chain = [](const proto::RunResult& result) {
    const auto lines = fact_lines(result, false);
    return std::any_of(lines.begin(), lines.end(), [](const auto& l) { return l.label == "chain 0"; });
  };
  auto result = expired_chain();
  EXPECT_TRUE(has_chain(result));
  result.mutable_facts()->mutable_tls()->set_verified(true);
  result.set_reason(proto::REASON_STATUS);
  EXPECT_FALSE(has_chain(result));
  for (const auto reason : {proto::REASON_EXPIRES_SOON, proto::REASON_CERTIFICATE, proto::REASON_WEAK}) {
    result.set_reason(reason);
    EXPECT_TRUE(has_chain(result));
  }
}

TEST(FactLines, TellAPing) {
  auto result = run();
  auto& ping = *result.mutable_facts()->mutable_ping();
  ping.set_sent(5);
  ping.set_received(4);
  ping.set_duplicates(1);
  ping.set_late(1);
  ping.set_loss(0.2);
  for (const auto set : {&proto::PingFacts::set_min, &proto::PingFacts::set_mean, &proto::PingFacts::set_median,
                         &proto::PingFacts::set_p95, &proto::PingFacts::set_max, &proto::PingFacts::set_stddev})
    (ping.*set)(0.001);
  ping.set_jitter(0.0001);
  ping.set_timestamps("kernel");
  ping.set_hop_limit(64);
  EXPECT_THAT(
      fact_lines(result, true),
      ElementsAre(
          line("packets", "5 sent, 4 received, 20 % lost, 1 duplicate, 1 late"),
          line("round trip",
               "min 1.0 ms, mean 1.0 ms, median 1.0 ms, p95 1.0 ms, max 1.0 ms, stddev 1.0 ms, jitter 100 us"),
          line("timed", "by the kernel; hop limit 64")));
}

TEST(FactLines, TellEveryAddressOfACheckOfEach) {
  auto result = run();
  for (const auto& [address, state] : {std::pair{"192.0.2.7", "up"}, {"2001:db8::7", "down"}}) {
    auto& one = *result.mutable_facts()->add_addresses();
    one.set_address(address);
    one.set_state(state);
    one.set_reason("ok");
    one.set_detail("200 in 5 ms");
  }
  EXPECT_THAT(fact_lines(result, false), ElementsAre(line("addresses", "192.0.2.7    up        ok: 200 in 5 ms"),
                                                     line("", "2001:db8::7  down      ok: 200 in 5 ms")));
}

}  // namespace
}  // namespace parallax
