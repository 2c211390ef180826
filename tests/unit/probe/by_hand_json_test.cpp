#include "probe/by_hand_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "base/time.h"

namespace json = boost::json;

namespace parallax {
namespace {

proto::Check shop_health() {
  proto::Check check;
  check.set_id("shop-api/health");
  check.set_service("shop-api");
  check.set_name("health");
  check.set_target("https://shop.example/health");
  check.set_timeout_ms(10000);
  check.mutable_http();
  return check;
}

void add_phase(proto::RunResult& result, proto::Phase phase, std::int64_t nanoseconds) {
  auto* time = result.add_phases();
  time->set_phase(phase);
  time->set_nanoseconds(nanoseconds);
}

proto::RunResult healthy() {
  proto::RunResult result;
  result.set_state(proto::STATE_UP);
  result.set_reason(proto::REASON_OK);
  result.set_detail("200 OK in 12 ms");
  result.set_started_us(1769853600000123);
  result.set_duration_ns(12'300'000);
  result.set_attempts(1);
  add_phase(result, proto::PHASE_RESOLVE, 400'000);
  add_phase(result, proto::PHASE_CONNECT, 200'000);
  auto& facts = *result.mutable_facts();
  facts.set_address("192.0.2.7");
  facts.set_ip_protocol(4);
  facts.set_address_hash(12345);
  facts.mutable_http()->set_status(200);
  facts.mutable_http()->set_version("2");
  facts.mutable_http()->set_redirects(0);
  facts.mutable_http()->set_ssl(true);
  facts.mutable_tls()->set_verified(true);
  facts.mutable_tls()->set_earliest_expiry(1774778400);
  auto& certificate = *facts.mutable_tls()->add_certificates();
  certificate.set_subject("CN=shop.example");
  certificate.set_not_before(0);
  certificate.set_not_after(1774778400);
  certificate.add_sans("shop.example");
  return result;
}

TEST(ByHandJson, HasTheFieldsOfTheContractInItsOrder) {
  EXPECT_EQ(
      to_json(shop_health(), healthy()),
      R"({"service": "shop-api", "check": "health", "type": "http", "target": "https://shop.example/health", )"
      R"("location": null, "slot": null, "state": "up", "reason": "ok", "phase": null, )"
      R"("detail": "200 OK in 12 ms", "started": "2026-01-31T10:00:00.000123Z", "duration_seconds": 0.0123, )"
      R"("timeout_seconds": 10, "attempts": 1, "phases": {"resolve": 0.0004, "connect": 0.0002}, )"
      R"("facts": {"address": "192.0.2.7", "ip_protocol": 4, )"
      R"("http": {"status": 200, "version": "2", "redirects": 0, "content_length": null, "last_modified": null}, )"
      R"("tls": {"alpn": null, "verified": true, "verify_error": null, "ocsp": null, )"
      R"("earliest_expiry": "2026-03-29T10:00:00Z", "chain_expiry": null, "certificates": [)"
      R"({"subject": "CN=shop.example", "issuer": "", "serial": "", "not_before": "1970-01-01T00:00:00Z", )"
      R"("not_after": "2026-03-29T10:00:00Z", "sans": ["shop.example"], "key": "", "signature": "", )"
      R"("fingerprint_sha256": ""}]}}})");
}

TEST(ByHandJson, AUrlHasNeitherServiceNorCheck) {
  auto check = shop_health();
  check.clear_id();
  check.clear_service();
  check.clear_name();
  const auto read = json::parse(to_json(check, healthy()));
  EXPECT_TRUE(read.at("service").is_null());
  EXPECT_TRUE(read.at("check").is_null());
}

TEST(ByHandJson, ARunThatDiedHasItsPhaseAndNoFactItDidNotTake) {
  proto::RunResult result;
  result.set_state(proto::STATE_DOWN);
  result.set_reason(proto::REASON_RESOLVE_NOT_FOUND);
  result.set_phase(proto::PHASE_RESOLVE);
  const auto read = json::parse(to_json(shop_health(), result));
  EXPECT_EQ(read.at("phase").as_string(), "resolve");
  EXPECT_TRUE(read.at("facts").as_object().empty());
  EXPECT_TRUE(read.at("phases").as_object().empty());
}

TEST(ByHandJson, APingThatLostEverythingHasItsCountsAndNoRoundTrip) {
  proto::Check check;
  check.set_target("shop.example");
  check.set_timeout_ms(1500);
  check.mutable_ping();
  proto::RunResult result;
  result.set_state(proto::STATE_DOWN);
  result.set_reason(proto::REASON_PACKET_LOSS);
  result.mutable_facts()->mutable_ping()->set_sent(5);
  result.mutable_facts()->mutable_ping()->set_loss(1);
  const auto text = to_json(check, result);
  EXPECT_NE(text.find(R"("ping": {"sent": 5, "received": 0, "duplicates": 0, "late": 0, "loss": 1})"), text.npos)
      << text;
  EXPECT_NE(text.find(R"("type": "ping")"), text.npos) << text;
  EXPECT_NE(text.find(R"("timeout_seconds": 1.5)"), text.npos) << text;
  EXPECT_EQ(text.find("rtt"), text.npos) << text;
}

TEST(ByHandJson, IsWellFormedWhateverATargetSent) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\xf0\x9f\x92";  // cut short
  auto result = healthy();
  auto& certificate = *result.mutable_facts()->mutable_tls()->mutable_certificates(0);
  result.set_detail(bytes);
  certificate.set_subject(bytes);
  certificate.add_sans(bytes);
  certificate.set_not_after(1e300);
  result.mutable_facts()->mutable_http()->set_final_url(bytes);
  boost::system::error_code error;
  const auto read = json::parse(to_json(shop_health(), result), error);
  ASSERT_FALSE(error) << error.message();
  const auto& written = read.at("facts").at("tls").at("certificates").at(0);
  EXPECT_TRUE(written.at("not_after").is_null()) << "a date that cannot be written";
  EXPECT_EQ(written.at("subject").as_string().size(), read.at("detail").as_string().size());
}

}  // namespace
}  // namespace parallax
