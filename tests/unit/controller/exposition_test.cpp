// The page as scrapers see it: names, labels and when a series is not there.
#include "controller/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/one_check.h"

namespace parallax {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

TEST_F(ExpositionTest, LabelsASeriesByDefinitionAndCertificateAlone) {
  watch(http_check("shop", "health", {"a"}));
  apply(with_answer(next_run(proto::STATE_UP)));
  EXPECT_THAT(page(), HasSubstr("\nprobe_success{service=\"shop\",check=\"health\",location=\"a\",zone=\"zone-a\","
                                "instance=\"https://shop.example/health\"} 1\n"));
}

TEST_F(ExpositionTest, ShowsAnAnswerUnderTheDropInNames) {
  watch(http_check("shop", "health", {"a"}));
  apply(with_answer(next_run(proto::STATE_UP)));
  const std::pair<const char*, const char*> expected[] = {
      {"probe_success{@}", "1"},
      {"probe_duration_seconds{@}", "0.02"},
      {"probe_timeout_seconds{@}", "10"},
      {"probe_dns_lookup_time_seconds{@}", "0.001"},
      {"probe_ip_protocol{@}", "4"},
      {"probe_ip_addr_hash{@}", "3214735720"},
      {"probe_http_status_code{@}", "200"},
      {"probe_http_version{@}", "2"},
      {"probe_http_ssl{@}", "1"},
      {"probe_http_redirects{@}", "1"},
      {"probe_http_content_length{@}", "-1"},
      {"probe_http_uncompressed_body_length{@}", "110"},
      {"probe_http_last_modified_timestamp_seconds{@}", "absent"},
      {"probe_failed_due_to_regex{@}", "0"},
      {"probe_http_duration_seconds{@,phase=\"resolve\"}", "0.001"},
      {"probe_http_duration_seconds{@,phase=\"connect\"}", "0.002"},
      {"probe_http_duration_seconds{@,phase=\"tls\"}", "0"},
      {"probe_http_duration_seconds{@,phase=\"processing\"}", "0.004"},
      {"probe_http_duration_seconds{@,phase=\"transfer\"}", "0"},
      {"probe_all_success_sum{@}", "1"},
      {"probe_all_success_count{@}", "1"},
      {"probe_all_duration_seconds_bucket{@,le=\"0.01\"}", "0"},
      {"probe_all_duration_seconds_bucket{@,le=\"0.025\"}", "1"},
      {"probe_all_duration_seconds_bucket{@,le=\"1.0\"}", "1"},
      {"probe_all_duration_seconds_bucket{@,le=\"+Inf\"}", "1"},
      {"probe_all_duration_seconds_sum{@}", "0.02"},
      {"probe_all_duration_seconds_count{@}", "1"},
      {"parallax_http_responses_total{@,code=\"200\"}", "1"},
      {"parallax_bytes_total{@,direction=\"sent\"}", "320"},
      {"parallax_bytes_total{@,direction=\"received\"}", "900"},
  };
  for (const auto& [series, value] : expected) EXPECT_EQ(sample(series), value) << series;
}

TEST_F(ExpositionTest, HttpNamesAreZeroWhenARunWentDownBeforeAnAnswer) {
  watch(http_check("shop", "health", {"a"}));
  apply(next_run(proto::STATE_DOWN));
  for (const char* name :
       {"probe_success", "probe_ip_protocol", "probe_ip_addr_hash", "probe_http_status_code", "probe_http_version",
        "probe_http_ssl", "probe_http_redirects", "probe_http_content_length",
        "probe_http_uncompressed_body_length", "probe_failed_due_to_regex", "probe_dns_lookup_time_seconds"})
    EXPECT_EQ(sample(std::string(name) + "{@}"), "0") << name;
  EXPECT_EQ(names_with("probe_http_duration_seconds").size(), 5U);
  EXPECT_THAT(names_with("probe_http_last_modified"), testing::IsEmpty());
  EXPECT_THAT(names_with("probe_ssl"), testing::IsEmpty()) << "an expiry is absent when unknown, never 0";
}

TEST_F(ExpositionTest, ADegradedRunIsASuccess) {
  watch(http_check("shop", "health", {"a"}));
  apply(next_run(proto::STATE_DEGRADED));
  EXPECT_EQ(sample("probe_success{@}"), "1");
  EXPECT_EQ(sample("probe_all_success_sum{@}"), "1");
  EXPECT_EQ(sample("parallax_check_state{@,state=\"degraded\"}"), "1");
}

TEST_F(ExpositionTest, WhenTheNewestRunIsUnknownEveryProbeGaugeIsAbsent) {
  watch(http_check("shop", "health", {"a"}));
  apply(with_answer(next_run(proto::STATE_UP)));
  apply(with_answer(next_run(proto::STATE_UNKNOWN)));
  for (const std::string& series : names_with("probe_")) EXPECT_THAT(series, HasSubstr("probe_all_")) << series;
  EXPECT_EQ(sample("parallax_check_state{@,state=\"unknown\"}"), "1");
  EXPECT_EQ(sample("probe_all_success_count{@}"), "1") << "unknown is neither success nor failure";
  EXPECT_EQ(sample("parallax_runs_total{@,outcome=\"unknown\",arrival=\"fresh\"}"), "1");
  EXPECT_EQ(sample("parallax_failures_total{@,reason=\"probe_fault\"}"), "1");
}

TEST_F(ExpositionTest, AfterTheFreshnessLimitGaugesDisappearAndNoDataIsOne) {
  watch(ping_check("shop", "edge", {"a"}));
  proto::RunResult run = next_run(proto::STATE_UP);
  run.mutable_facts()->mutable_ping()->set_loss(0);
  run.mutable_facts()->mutable_ping()->set_jitter(0.001);
  apply(run);
  EXPECT_EQ(sample("parallax_ping_loss_ratio{@}"), "0");
  now = grid_of(check).due(slot) + seconds(46);
  for (const std::string& series : names_with("probe_")) EXPECT_THAT(series, HasSubstr("probe_all_")) << series;
  EXPECT_EQ(sample("parallax_ping_loss_ratio{@}"), "absent");
  EXPECT_EQ(sample("parallax_ping_jitter_seconds{@}"), "absent");
  EXPECT_EQ(sample("parallax_check_state{@,state=\"no_data\"}"), "1");
  EXPECT_EQ(sample("parallax_check_state{@,state=\"up\"}"), "0");
  EXPECT_EQ(sample("parallax_check_expected{@}"), "1");
  EXPECT_NE(sample("parallax_check_last_result_timestamp_seconds{@}"), "absent");
  EXPECT_EQ(sample("parallax_runs_total{@,outcome=\"up\",arrival=\"fresh\"}"), "1");
  EXPECT_THAT(names_with("parallax_check_up"), testing::IsEmpty());
}

TEST_F(ExpositionTest, EveryClosedSetOfCountersIsThereAtZeroFromTheStart) {
  watch(http_check("shop", "health", {"a"}));
  for (const char* outcome : {"up", "degraded", "down", "unknown"})
    for (const char* arrival : {"fresh", "late"})
      EXPECT_EQ(
          sample("parallax_runs_total{@,outcome=\"" + std::string(outcome) + "\",arrival=\"" + arrival + "\"}"),
          "0");
  for (const char* cause : {"probe_down", "overrun", "overload", "evicted", "corrupt"})
    EXPECT_EQ(sample("parallax_missed_runs_total{@,cause=\"" + std::string(cause) + "\"}"), "0") << cause;
  for (const char* cause : {"removed", "not_expected", "invalid", "clock"})
    EXPECT_EQ(sample("parallax_rejected_results_total{@,cause=\"" + std::string(cause) + "\"}"), "0") << cause;
  for (const char* direction : {"sent", "received"})
    EXPECT_EQ(sample("parallax_bytes_total{@,direction=\"" + std::string(direction) + "\"}"), "0") << direction;
  for (const char* result : {"up", "down", "unknown"})
    EXPECT_EQ(sample("parallax_slots_total{service=\"shop\",check=\"health\",instance=\"\",result=\"" +
                     std::string(result) + "\"}"),
              "0")
        << result;
  for (const char* name : {"parallax_duplicate_results_total", "probe_all_success_sum", "probe_all_success_count",
                           "probe_all_duration_seconds_count"})
    EXPECT_EQ(sample(std::string(name) + "{@}"), "0") << name;
  EXPECT_EQ(sample("parallax_check_state{@,state=\"no_data\"}"), "1");
  EXPECT_EQ(names_with("parallax_check_state").size(), 5U);
  EXPECT_THAT(names_with("probe_success"), testing::IsEmpty());
  EXPECT_EQ(sample("parallax_check_last_result_timestamp_seconds{@}"), "absent");
}

TEST_F(ExpositionTest, CountsOddStatusCodesAsOther) {
  watch(http_check("shop", "health", {"a"}));
  for (int code = 200; code < 220; ++code) {
    proto::RunResult run = next_run(proto::STATE_UP);
    run.mutable_facts()->mutable_http()->set_status(code);
    apply(run);
  }
  for (const int code : {-1, 0, 99, 600, 2000000000}) {
    proto::RunResult run = next_run(proto::STATE_UP);
    run.mutable_facts()->mutable_http()->set_status(code);
    apply(run);
  }
  EXPECT_EQ(names_with("parallax_http_responses_total").size(), 17U);
  EXPECT_EQ(sample("parallax_http_responses_total{@,code=\"other\"}"), "9");
}

TEST_F(ExpositionTest, AReasonOfANewerProbeIsOther) {
  watch(http_check("shop", "health", {"a"}));
  proto::RunResult run = next_run(proto::STATE_DOWN);
  run.set_reason(static_cast<proto::Reason>(77));
  apply(run);
  run = next_run(proto::STATE_DOWN);
  run.set_reason(static_cast<proto::Reason>(78));
  apply(run);
  EXPECT_EQ(sample("parallax_failures_total{@,reason=\"other\"}"), "2");
}

TEST_F(ExpositionTest, ARemovedCheckLeavesNoSeries) {
  watch(http_check("shop", "health", {"a"}));
  apply(with_answer(next_run(proto::STATE_UP)));
  ledger.apply_definitions(shared(set_of({})), now);
  ledger.apply(probe_at("a"), next_run(proto::STATE_UP), Milliseconds(0), now);
  EXPECT_THAT(page(), Not(HasSubstr("check=\"health\"")));
  EXPECT_THAT(page(), HasSubstr("\nparallax_rejected_results_total{location=\"a\",zone=\"zone-a\",instance=\"\","
                                "cause=\"removed\"} 1\n"));
}

TEST_F(ExpositionTest, GivesThePartThatWasAskedFor) {
  ledger.apply_definitions(
      shared(set_of({http_check("shop", "health", {"a", "b"}), http_check("crm", "health", {"a", "b"})})), kStart);
  fleet.connected(probe_at("a"), {}, kStart);
  fleet.connected(probe_at("b"), {}, kStart);
  ExpositionFilter filter;
  filter.services = {"shop", "mes"};
  const std::string shop = page(ExpositionFormat::text, filter);
  EXPECT_THAT(shop, HasSubstr("parallax_check_expected{service=\"shop\",check=\"health\",location=\"b\""));
  EXPECT_THAT(shop, Not(HasSubstr("crm")));
  EXPECT_THAT(shop, HasSubstr("parallax_build_info"));
  filter.locations = {"a"};
  const std::string shop_at_a = page(ExpositionFormat::text, filter);
  EXPECT_THAT(shop_at_a, HasSubstr("location=\"a\""));
  EXPECT_THAT(shop_at_a, Not(HasSubstr("location=\"b\"")));
  EXPECT_THAT(shop_at_a, HasSubstr("parallax_slots_total{service=\"shop\""));
  EXPECT_THAT(page(), HasSubstr("crm"));
}

TEST_F(ExpositionTest, TellsOfTheFleet) {
  watch(http_check("shop", "health", {"a"}));
  proto::Hello hello;
  hello.set_version("0.1.0");
  hello.set_icmp("raw");
  fleet.connected(probe_at("a"), hello, kStart);
  EXPECT_THAT(page(), HasSubstr("\nparallax_probe_connected{probe=\"probe-a\",location=\"a\",zone=\"zone-a\","
                                "instance=\"\"} 1\n"));
  EXPECT_THAT(page(), Not(HasSubstr("parallax_probe_open_fds"))) << "not told yet is not 0";
  proto::Heartbeat beat;
  beat.set_spool_results(7);
  beat.set_open_fds(20);
  beat.set_spool_disk_failing(true);
  beat.set_spool_damaged_files(2);
  for (int i = 0; i < 12; ++i) beat.add_schedule_lag_bucket(1);
  beat.set_schedule_lag_sum_seconds(50);
  fleet.heartbeat(probe_at("a"), beat, Milliseconds(-1500), kStart);
  fleet.heartbeat(probe_at("a"), beat, Milliseconds(-1500), kStart);
  const std::string text = page();
  EXPECT_THAT(text, HasSubstr("parallax_probe_spool_results{probe=\"probe-a\",location=\"a\",zone=\"zone-a\","
                              "instance=\"\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("parallax_probe_spool_disk_failing{probe=\"probe-a\",location=\"a\",zone=\"zone-a\","
                              "instance=\"\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("parallax_probe_spool_damaged_files{probe=\"probe-a\",location=\"a\",zone=\"zone-a\","
                        "instance=\"\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("instance=\"\"} -1.5\n"));
  EXPECT_THAT(text, HasSubstr("parallax_probe_schedule_lag_seconds_bucket{probe=\"probe-a\",location=\"a\","
                              "zone=\"zone-a\",instance=\"\",le=\"1.0\"} 18\n"));
  EXPECT_THAT(text, HasSubstr("parallax_probe_schedule_lag_seconds_count{probe=\"probe-a\",location=\"a\","
                              "zone=\"zone-a\",instance=\"\"} 24\n"));
  EXPECT_THAT(text, Not(HasSubstr("parallax_probe_certificate_expiry"))) << "not known is not 1970";
}

// Rules leave such checks out of what they say of a service.
TEST_F(ExpositionTest, SaysWhetherACheckCountsForItsService) {
  DefinedCheck health = http_check("shop", "health", {"a"});
  watch(health);
  EXPECT_THAT(page(), HasSubstr("interval=\"15s\",up_when=\"majority\",counts=\"true\"} 1\n"));
  health.check.set_counts(false);
  watch(health);
  EXPECT_THAT(page(), HasSubstr("interval=\"15s\",up_when=\"majority\",counts=\"false\"} 1\n"));
}

TEST_F(ExpositionTest, TellsOfItself) {
  watch(http_check("shop", "health", {"a"}));
  controller.process.cpu_seconds = 1.25;
  controller.last_reload_success = kStart;
  EXPECT_EQ(sample("parallax_build_info{version=\"0.1.0\",revision=\"abc\"}"), "1");
  EXPECT_EQ(sample("parallax_checks_revision_info{revision=\"r1\"}"), "1");
  EXPECT_EQ(sample("parallax_config_last_reload_successful"), "1");
  EXPECT_EQ(sample("parallax_config_last_reload_success_timestamp_seconds"), "1769853600");
  EXPECT_EQ(sample("process_cpu_seconds_total"), "1.25");
}

}  // namespace
}  // namespace parallax
