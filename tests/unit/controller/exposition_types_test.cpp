// What pings and certificates look like on the page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/one_check.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::Not;

proto::RunResult ping_run(proto::RunResult run, int received) {
  proto::PingFacts& ping = *run.mutable_facts()->mutable_ping();
  ping.set_sent(5);
  ping.set_received(static_cast<std::uint32_t>(received));
  ping.set_loss(1 - received / 5.0);
  for (int i = 0; i < received; ++i) ping.add_rtt(0.0002);
  run.set_duration_ns(900'000'000);
  const std::pair<proto::Phase, std::int64_t> phases[] = {
      {proto::PHASE_RESOLVE, 1'000'000}, {proto::PHASE_SETUP, 2'000'000}, {proto::PHASE_RTT, 200'000}};
  for (const auto& [phase, ns] : phases) {
    if (phase == proto::PHASE_RTT && received == 0) continue;
    proto::PhaseTime& time = *run.add_phases();
    time.set_phase(phase);
    time.set_nanoseconds(ns);
  }
  return run;
}

TEST_F(ExpositionTest, APingTakesAsLongAsItsPhasesWhateverTheSpacing) {
  watch(ping_check("shop", "edge", {"a"}));
  apply(ping_run(next_run(proto::STATE_UP), 5));
  EXPECT_EQ(sample("probe_duration_seconds{@}"), "0.0032");
  EXPECT_EQ(sample("probe_icmp_duration_seconds{@,phase=\"rtt\"}"), "2e-04");
  EXPECT_EQ(sample("parallax_ping_rtt_seconds_count{@}"), "5");
  EXPECT_EQ(sample("parallax_ping_rtt_seconds_bucket{@,le=\"0.0001\"}"), "0");
  EXPECT_EQ(sample("parallax_ping_rtt_seconds_bucket{@,le=\"0.00025\"}"), "5");
  EXPECT_EQ(sample("parallax_ping_packets_sent_total{@}"), "5");
  EXPECT_EQ(sample("parallax_ping_packets_late_total{@}"), "0");
  EXPECT_THAT(names_with("probe_http"), testing::IsEmpty()) << "HTTP names exist only for HTTP checks";
}

TEST_F(ExpositionTest, OnTotalLossThereIsNoRoundTripAndThePingTakesTheRunsTime) {
  watch(ping_check("shop", "edge", {"a"}));
  apply(ping_run(next_run(proto::STATE_DOWN), 0));
  EXPECT_EQ(sample("probe_duration_seconds{@}"), "0.9");
  EXPECT_EQ(names_with("probe_icmp_duration_seconds").size(), 2U);
  EXPECT_EQ(sample("probe_icmp_duration_seconds{@,phase=\"rtt\"}"), "absent");
  EXPECT_EQ(sample("probe_icmp_reply_hop_limit{@}"), "absent");
  EXPECT_EQ(sample("parallax_ping_loss_ratio{@}"), "1");
}

// An ICMP error ends a run at once: the time until then is no round trip.
TEST_F(ExpositionTest, ARefusedPingHasNoRoundTripEither) {
  watch(ping_check("shop", "edge", {"a"}));
  auto refused = ping_run(next_run(proto::STATE_DOWN), 0);
  refused.set_reason(proto::REASON_CONNECT_UNREACHABLE);
  refused.set_phase(proto::PHASE_RTT);
  proto::PhaseTime& until_refused = *refused.add_phases();
  until_refused.set_phase(proto::PHASE_RTT);
  until_refused.set_nanoseconds(5'000'000);
  apply(refused);
  EXPECT_EQ(sample("probe_icmp_duration_seconds{@,phase=\"rtt\"}"), "absent");
  EXPECT_EQ(sample("probe_icmp_duration_seconds{@,phase=\"setup\"}"), "0.002");
  EXPECT_EQ(sample("probe_duration_seconds{@}"), "0.9") << "the run's time";
}

TEST_F(ExpositionTest, EveryRoundTripOfEveryRunIsInTheHistogram) {
  watch(ping_check("shop", "edge", {"a"}));
  for (const int received : {5, 3, 0, 5})
    apply(ping_run(next_run(received ? proto::STATE_UP : proto::STATE_DOWN), received));
  EXPECT_EQ(sample("parallax_ping_rtt_seconds_count{@}"), "13") << "of 20, less the losses";
  EXPECT_EQ(sample("parallax_ping_packets_sent_total{@}"), "20");
  EXPECT_EQ(sample("parallax_ping_packets_received_total{@}"), "13");
}

proto::RunResult with_certificates(proto::RunResult run) {
  proto::TlsFacts& tls = *run.mutable_facts()->mutable_tls();
  tls.set_version("TLS 1.3");
  tls.set_cipher("TLS_AES_256_GCM_SHA384");
  tls.set_earliest_expiry(1774778400);
  for (const char* subject : {"CN=shop.example", "CN=Example \"CA\"\\\nO=\xff"}) {
    proto::Certificate& certificate = *tls.add_certificates();
    certificate.set_subject(subject);
    certificate.set_issuer("CN=Example CA");
    certificate.set_serial("0bff");
    certificate.set_not_after(1774778400);
    certificate.add_sans("shop.example");
    certificate.add_sans("www.shop.example");
    certificate.set_fingerprint_sha256("aa11");
  }
  return run;
}

TEST_F(ExpositionTest, ShowsCertificatesUnderTheDropInNames) {
  watch(tls_check("shop", "certificate", {"a"}));
  apply(with_certificates(next_run(proto::STATE_UP)));
  EXPECT_EQ(sample("probe_ssl_last_chain_info{@,subject=\"CN=shop.example\",issuer=\"CN=Example CA\","
                   "serialnumber=\"0bff\",subjectalternative=\"shop.example,www.shop.example\","
                   "fingerprint_sha256=\"aa11\"}"),
            "1");
  EXPECT_EQ(sample("probe_tls_version_info{@,version=\"TLS 1.3\"}"), "1");
  EXPECT_EQ(sample("probe_tls_cipher_info{@,cipher=\"TLS_AES_256_GCM_SHA384\"}"), "1");
  EXPECT_EQ(sample("probe_ssl_earliest_cert_expiry{@}"), "1774778400");
  EXPECT_EQ(sample("probe_ssl_last_chain_expiry_timestamp_seconds{@}"), "absent");
  EXPECT_EQ(sample("parallax_tls_certificate_expiry_timestamp_seconds{@,position=\"0\"}"), "1774778400");
  EXPECT_EQ(sample("parallax_tls_certificate_expiry_timestamp_seconds{@,position=\"1\"}"), "1774778400");
  EXPECT_THAT(names_with("probe_http"), testing::IsEmpty());
}

TEST_F(ExpositionTest, AnHttpCheckShowsTheCertificatesOfItsConnectionAndAPingShowsNone) {
  watch(http_check("shop", "health", {"a"}));
  apply(with_certificates(with_answer(next_run(proto::STATE_UP))));
  EXPECT_EQ(sample("probe_ssl_earliest_cert_expiry{@}"), "1774778400");
  watch(ping_check("shop", "edge", {"a"}));
  apply(with_certificates(with_answer(next_run(proto::STATE_UP))));
  EXPECT_THAT(names_with("probe_ssl"), testing::IsEmpty()) << "no ping of ours has certificates";
  EXPECT_THAT(names_with("probe_http"), testing::IsEmpty());
}

TEST_F(ExpositionTest, NamesFamiliesAsEachFormatDoes) {
  watch(tls_check("shop", "certificate", {"a"}));
  apply(with_certificates(next_run(proto::STATE_UP)));
  const std::string text = page();
  const std::string open = page(ExpositionFormat::open_metrics);
  EXPECT_THAT(text, HasSubstr("# TYPE parallax_runs_total counter\n"));
  EXPECT_THAT(open, HasSubstr("# TYPE parallax_runs counter\nparallax_runs_total{"));
  EXPECT_THAT(text, HasSubstr("# TYPE parallax_build_info gauge\n"));
  EXPECT_THAT(open, HasSubstr("# TYPE parallax_build info\nparallax_build_info{"));
  for (const std::string& both : {text, open}) {
    EXPECT_THAT(both, HasSubstr("# TYPE probe_ssl_last_chain_info gauge\n"));
    EXPECT_THAT(both, HasSubstr("# TYPE parallax_check_state gauge\n"));
    EXPECT_THAT(both, HasSubstr("# TYPE probe_all_success summary\nprobe_all_success_sum{"));
    EXPECT_THAT(both, Not(HasSubstr("_created")));
  }
  EXPECT_TRUE(open.ends_with("\n# EOF\n"));
  EXPECT_THAT(text, Not(HasSubstr("# EOF")));
}

}  // namespace
}  // namespace parallax
