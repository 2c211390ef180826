#include "probe/finished_run.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

proto::Check check_with_timeout(Milliseconds timeout) {
  proto::Check check;
  check.set_id("shop-api/health");
  check.set_timeout_ms(timeout.count());
  return check;
}

FinishedRun run_that_failed_with(proto::Reason reason) {
  FinishedRun run;
  run.outcome.fail_rule(Failure{reason, "took 900 ms, more than 800 ms"}, state_of(reason));
  return run;
}

TEST(FinishedRun, ASlowRunOfASlowProbeIsNotTheTargetsDoing) {
  auto run = run_that_failed_with(proto::REASON_TOO_SLOW);
  mark_overload(run, check_with_timeout(Milliseconds(10000)), Milliseconds(101));
  EXPECT_EQ(run.outcome.state, proto::STATE_UNKNOWN);
  EXPECT_EQ(run.outcome.reason, proto::REASON_PROBE_OVERLOADED);
  EXPECT_NE(run.outcome.detail.find("101 ms late"), std::string::npos) << run.outcome.detail;
  EXPECT_NE(run.outcome.detail.find("took 900 ms"), std::string::npos) << run.outcome.detail;
}

TEST(FinishedRun, AShortTimeoutBearsLessOfOurOwnLateness) {
  auto run = run_that_failed_with(proto::REASON_CONNECT_TIMEOUT);
  mark_overload(run, check_with_timeout(Milliseconds(200)), Milliseconds(21));
  EXPECT_EQ(run.outcome.reason, proto::REASON_PROBE_OVERLOADED);
}

TEST(FinishedRun, ALittleLatenessExcusesNobody) {
  auto run = run_that_failed_with(proto::REASON_TOO_SLOW);
  mark_overload(run, check_with_timeout(Milliseconds(10000)), Milliseconds(100));
  EXPECT_EQ(run.outcome.state, proto::STATE_DOWN);
}

TEST(FinishedRun, WhatDoesNotDependOnOurSpeedStandsHoweverLateWeWere) {
  for (const auto reason : {proto::REASON_STATUS, proto::REASON_CONNECT_REFUSED, proto::REASON_TLS_EXPIRED}) {
    auto run = run_that_failed_with(reason);
    mark_overload(run, check_with_timeout(Milliseconds(1000)), Milliseconds(5000));
    EXPECT_EQ(run.outcome.reason, reason);
  }
}

// A lost packet and a silent proxy are waited for: our lateness counts where the deadline cut that wait short.
TEST(FinishedRun, WhatWasWaitedForUpToTheDeadlineDependsOnOurSpeed) {
  for (const auto reason : {proto::REASON_PACKET_LOSS, proto::REASON_PROXY}) {
    auto cut_short = run_that_failed_with(reason);
    cut_short.duration = Milliseconds(1001);
    mark_overload(cut_short, check_with_timeout(Milliseconds(1000)), Milliseconds(500));
    EXPECT_EQ(cut_short.outcome.reason, proto::REASON_PROBE_OVERLOADED);
    EXPECT_EQ(cut_short.outcome.state, proto::STATE_UNKNOWN);
    auto in_time = run_that_failed_with(reason);
    in_time.duration = Milliseconds(999);
    mark_overload(in_time, check_with_timeout(Milliseconds(1000)), Milliseconds(500));
    EXPECT_EQ(in_time.outcome.reason, reason);
    EXPECT_EQ(in_time.outcome.state, proto::STATE_DOWN);
  }
}

TEST(FinishedRun, EveryTimeoutOfALateProbeIsItsOwnAndAPassStaysWhatItIs) {
  for (const auto reason :
       {proto::REASON_RESOLVE_TIMEOUT, proto::REASON_CONNECT_TIMEOUT, proto::REASON_TLS_TIMEOUT,
        proto::REASON_SEND_TIMEOUT, proto::REASON_RESPONSE_TIMEOUT}) {
    auto run = run_that_failed_with(reason);
    mark_overload(run, check_with_timeout(Milliseconds(1000)), Milliseconds(500));
    EXPECT_EQ(run.outcome.reason, proto::REASON_PROBE_OVERLOADED);
  }
  FinishedRun passed;
  passed.duration = Milliseconds(1200);
  passed.outcome.succeed("200 OK");
  mark_overload(passed, check_with_timeout(Milliseconds(1000)), Milliseconds(5000));
  EXPECT_EQ(passed.outcome.state, proto::STATE_UP);
  EXPECT_EQ(passed.outcome.reason, proto::REASON_OK);
  auto unknown = run_that_failed_with(proto::REASON_PROBE_ISOLATED);
  mark_overload(unknown, check_with_timeout(Milliseconds(1000)), Milliseconds(5000));
  EXPECT_EQ(unknown.outcome.reason, proto::REASON_PROBE_ISOLATED);
}

TEST(FinishedRun, AResultCarriesWhatTheRunFoundAndNothingElse) {
  FinishedRun run;
  run.started = from_unix_us(1769853600000123);
  run.duration = Nanoseconds(12'300'000);
  run.attempts = 2;
  run.outcome.phases.add(proto::PHASE_RESOLVE, Nanoseconds(400'000));
  run.outcome.phases.add(proto::PHASE_CONNECT, Nanoseconds(200'000));
  run.outcome.facts.set_address("192.0.2.7");
  run.outcome.succeed("200 OK");

  const auto result = to_result(check_with_timeout(Milliseconds(1000)), run);
  EXPECT_EQ(result.check_id(), "shop-api/health");
  EXPECT_EQ(result.started_us(), 1769853600000123);
  EXPECT_EQ(result.duration_ns(), 12'300'000);
  EXPECT_EQ(result.attempts(), 2u);
  EXPECT_EQ(result.state(), proto::STATE_UP);
  EXPECT_EQ(result.reason(), proto::REASON_OK);
  EXPECT_EQ(result.phase(), proto::PHASE_UNSPECIFIED);
  ASSERT_EQ(result.phases_size(), 2);
  EXPECT_EQ(result.phases(1).phase(), proto::PHASE_CONNECT);
  EXPECT_EQ(result.phases(1).nanoseconds(), 200'000);
  EXPECT_EQ(result.facts().address(), "192.0.2.7");
}

}  // namespace
}  // namespace parallax
