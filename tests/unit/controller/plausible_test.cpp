#include "controller/plausible.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

proto::RunResult good_ping() {
  proto::RunResult run = run_of(ping_check("shop", "edge", {"a"}), 1, proto::STATE_UP);
  auto& ping = *run.mutable_facts()->mutable_ping();
  ping.set_sent(5);
  ping.set_received(5);
  ping.add_rtt(0.001);
  auto& phase = *run.add_phases();
  phase.set_phase(proto::PHASE_RTT);
  phase.set_nanoseconds(1'000'000);
  return run;
}

TEST(Plausible, IsWhatAProbeOfOursSends) {
  EXPECT_TRUE(plausible(good_ping()));
  const DefinedCheck check = http_check("shop", "health", {"a"});
  for (const auto state : {proto::STATE_UP, proto::STATE_DEGRADED, proto::STATE_DOWN, proto::STATE_UNKNOWN})
    EXPECT_TRUE(plausible(run_of(check, 1, state))) << state;
}

TEST(Plausible, IsAReasonOfANewerProbe) {
  proto::RunResult run = good_ping();
  run.set_state(proto::STATE_DOWN);
  run.set_reason(static_cast<proto::Reason>(99));
  EXPECT_TRUE(plausible(run));
}

TEST(Plausible, IsNotWhatNoProbeOfOursSends) {
  using Change = std::function<void(proto::RunResult&)>;
  const std::pair<const char*, Change> changes[] = {
      {"no state", [](auto& run) { run.set_state(proto::STATE_UNSPECIFIED); }},
      {"a state there is not", [](auto& run) { run.set_state(static_cast<proto::State>(5)); }},
      {"a negative state", [](auto& run) { run.set_state(static_cast<proto::State>(-1)); }},
      {"no reason", [](auto& run) { run.set_reason(proto::REASON_UNSPECIFIED); }},
      {"up for a reason", [](auto& run) { run.set_reason(proto::REASON_STATUS); }},
      {"down and ok", [](auto& run) { run.set_state(proto::STATE_DOWN); }},
      {"down by our own trouble",
       [](auto& run) {
         run.set_state(proto::STATE_DOWN);
         run.set_reason(proto::REASON_PROBE_FAULT);
       }},
      {"unknown by the target's trouble",
       [](auto& run) {
         run.set_state(proto::STATE_UNKNOWN);
         run.set_reason(proto::REASON_STATUS);
       }},
      {"a negative duration", [](auto& run) { run.set_duration_ns(-1); }},
      {"an endless duration", [](auto& run) { run.set_duration_ns(std::numeric_limits<std::int64_t>::max()); }},
      {"a negative lateness", [](auto& run) { run.set_lateness_us(-1); }},
      {"too many attempts", [](auto& run) { run.set_attempts(11); }},
      {"a negative phase", [](auto& run) { run.set_phase(static_cast<proto::Phase>(-1)); }},
      {"no phase, timed", [](auto& run) { run.add_phases()->set_nanoseconds(1); }},
      {"a phase below zero", [](auto& run) { run.mutable_phases(0)->set_nanoseconds(-1); }},
      {"the same phase twice", [](auto& run) { *run.add_phases() = run.phases(0); }},
      {"an endless detail", [](auto& run) { run.set_detail(std::string(1'000'000, 'x')); }},
      {"a round trip below zero", [](auto& run) { run.mutable_facts()->mutable_ping()->set_rtt(0, -1); }},
      {"a round trip that is no number",
       [](auto& run) { run.mutable_facts()->mutable_ping()->set_rtt(0, std::nan("")); }},
      {"an endless loss",
       [](auto& run) { run.mutable_facts()->mutable_ping()->set_loss(std::numeric_limits<double>::infinity()); }},
      {"too many round trips",
       [](auto& run) {
         for (int i = 0; i < 2000; ++i) run.mutable_facts()->mutable_ping()->add_rtt(0.001);
       }},
      {"bytes below zero", [](auto& run) { run.mutable_facts()->mutable_http()->set_sent_bytes(-1); }},
      {"an expiry that is no number",
       [](auto& run) { run.mutable_facts()->mutable_tls()->add_certificates()->set_not_after(std::nan("")); }},
      {"certificates without end",
       [](auto& run) {
         for (int i = 0; i < 200; ++i)
           run.mutable_facts()->mutable_tls()->add_certificates()->set_subject(std::string(1000, 'x'));
       }},
  };
  for (const auto& [what, change] : changes) {
    proto::RunResult run = good_ping();
    change(run);
    EXPECT_FALSE(plausible(run)) << what;
  }
}

}  // namespace
}  // namespace parallax
