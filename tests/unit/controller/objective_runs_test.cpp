// parallax_objective_runs_total: which runs were faster than what their service promised.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/one_check.h"

namespace parallax {
namespace {

constexpr const char* kFast = "parallax_objective_runs_total{@,result=\"fast\",arrival=\"fresh\"}";
constexpr const char* kSlow = "parallax_objective_runs_total{@,result=\"slow\",arrival=\"fresh\"}";
constexpr const char* kLateFast = "parallax_objective_runs_total{@,result=\"fast\",arrival=\"late\"}";
constexpr const char* kLateSlow = "parallax_objective_runs_total{@,result=\"slow\",arrival=\"late\"}";

class ObjectiveRunsTest : public ExpositionTest {
 protected:
  void promise(const DefinedCheck& defined, std::int64_t latency_ms) {
    check = defined;
    Definitions set = set_of({check});
    set.services.front().mutable_objective()->set_availability(99.9);
    if (latency_ms > 0) set.services.front().mutable_objective()->set_latency_ms(latency_ms);
    ledger.apply_definitions(shared(set), now);
    if (slot == 0) slot = grid_of(check).current(now);
  }
  void run_took(proto::State state, std::int64_t duration_ns) {
    proto::RunResult run = next_run(state);
    run.set_duration_ns(duration_ns);
    apply(run);
  }
  void expect_runs(const char* fast, const char* slow) {
    EXPECT_EQ(sample(kFast), fast);
    EXPECT_EQ(sample(kSlow), slow);
  }
};

TEST_F(ObjectiveRunsTest, AreThereAtZeroBeforeTheFirstRun) {
  promise(http_check("shop", "health", {"a"}), 300);
  expect_runs("0", "0");
  EXPECT_EQ(sample(kLateFast), "0");
  EXPECT_EQ(sample(kLateSlow), "0");
}

TEST_F(ObjectiveRunsTest, ARunIsFastOnlyIfItTookLessThanWasPromisedToTheNanosecond) {
  promise(http_check("shop", "health", {"a"}), 300);
  run_took(proto::STATE_UP, 299'999'999);
  expect_runs("1", "0");
  run_took(proto::STATE_UP, 300'000'000);
  expect_runs("1", "1");
}

TEST_F(ObjectiveRunsTest, ADegradedRunHasAnsweredAndIsTimed) {
  promise(http_check("shop", "health", {"a"}), 300);
  run_took(proto::STATE_DEGRADED, 20'000'000);
  run_took(proto::STATE_DEGRADED, 900'000'000);
  expect_runs("1", "1");
}

TEST_F(ObjectiveRunsTest, ADownRunSpendsTheAvailabilityAndNotTheLatencyToo) {
  promise(http_check("shop", "health", {"a"}), 300);
  run_took(proto::STATE_DOWN, 5'000'000'000);
  run_took(proto::STATE_DOWN, 1'000'000);
  expect_runs("0", "0");
}

TEST_F(ObjectiveRunsTest, WhatCouldNotBeMeasuredIsNeitherFastNorSlow) {
  promise(http_check("shop", "health", {"a"}), 300);
  run_took(proto::STATE_UNKNOWN, 1'000'000);
  expect_runs("0", "0");
}

TEST_F(ObjectiveRunsTest, TellsALateResultFromAFreshOneAndCountsNothingTwice) {
  promise(http_check("shop", "health", {"a"}), 300);
  const proto::RunResult run = next_run(proto::STATE_UP);
  const WallTime hours_later = kStart + std::chrono::hours(5);
  EXPECT_EQ(ledger.apply(probe_at("a"), run, Milliseconds(0), hours_later), Applied::counted);
  EXPECT_EQ(ledger.apply(probe_at("a"), run, Milliseconds(0), hours_later), Applied::duplicate);
  expect_runs("0", "0");
  EXPECT_EQ(sample(kLateFast), "1");
  EXPECT_EQ(sample(kLateSlow), "0");
}

TEST_F(ObjectiveRunsTest, AreOfHttpChecksAlone) {
  promise(ping_check("shop", "edge", {"a"}), 300);
  EXPECT_THAT(names_with("parallax_objective_runs_total"), testing::IsEmpty());
}

TEST_F(ObjectiveRunsTest, AreAbsentWithoutALatencyObjective) {
  promise(http_check("shop", "health", {"a"}), 0);
  run_took(proto::STATE_UP, 1'000'000);
  EXPECT_THAT(names_with("parallax_objective_runs_total"), testing::IsEmpty());
}

TEST_F(ObjectiveRunsTest, CountOnWhenTheObjectiveChangesAndStartAnewWhenItComesBack) {
  const DefinedCheck health = http_check("shop", "health", {"a"});
  promise(health, 300);
  run_took(proto::STATE_UP, 200'000'000);
  promise(health, 100);
  run_took(proto::STATE_UP, 200'000'000);
  expect_runs("1", "1");
  promise(health, 0);
  EXPECT_EQ(sample(kFast), "absent");
  promise(health, 300);
  expect_runs("0", "0");
}

TEST_F(ObjectiveRunsTest, AreACounterInBothFormats) {
  promise(http_check("shop", "health", {"a"}), 300);
  EXPECT_THAT(page(), testing::HasSubstr("# TYPE parallax_objective_runs_total counter\n"));
  EXPECT_THAT(page(ExpositionFormat::open_metrics),
              testing::HasSubstr("# TYPE parallax_objective_runs counter\n"));
}

}  // namespace
}  // namespace parallax
