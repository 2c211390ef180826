#include "probe/roster.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace parallax {
namespace {

using Seconds = std::chrono::seconds;

// A clock that a test sets. Its steady moments are long past for the loop's own timers, so that every wait is over
// at once and a runner asks again: simulated time passes as fast as the test moves it.
struct TestClock final : Clock {
  Instant steady{Seconds(1)};
  WallTime at = from_unix_us(1'790'000'000'000'000);
  Instant now() const override { return steady; }
  WallTime wall() const override { return at; }
};

struct RosterTest : testing::Test {
  Loop loop;
  TestClock clock;
  Places places{loop, 3};
  LoopWatch watch;
  ScheduleLag lag;
  std::set<std::string> hanging;  // checks whose runs do not end
  std::map<std::string, int> started;
  std::vector<proto::RunResult> results;
  std::vector<MissedSlots> missed;
  int changes = 0;

  RunnerTools tools{loop,
                    clock,
                    places,
                    watch,
                    lag,
                    [this](const proto::Check& check) { return run(check); },
                    [this](const proto::RunResult& result, bool changed) { keep(result, changed); },
                    [this](MissedSlots slots) { missed.push_back(std::move(slots)); }};
  Roster roster{tools};

  Task<FinishedRun> run(const proto::Check& check) {
    ++started[check.id()];
    while (hanging.contains(check.id())) {
      const Instant soon = clock.now();
      co_await sleep_until(soon);
    }
    FinishedRun run;
    run.attempts = 1;
    run.started = clock.wall();
    run.outcome.succeed("200 OK");
    co_return run;
  }
  void keep(const proto::RunResult& result, bool changed) {
    changes += changed;
    results.push_back(result);
  }
  // Every runner gets its turn many times over.
  void settle() {
    for (int i = 0; i < 60; ++i) {
      loop.restart();
      loop.poll_one();
    }
  }
  void pass(Nanoseconds time) {
    for (Nanoseconds step = Milliseconds(250); time > Nanoseconds(0); time -= step) {
      clock.steady += step;
      clock.at += std::chrono::duration_cast<std::chrono::microseconds>(step);
      settle();
    }
  }
  static proto::AssignedCheck check(const std::string& id, std::uint64_t definition = 1,
                                    Milliseconds every = Seconds(10), std::uint32_t k = 0, std::uint32_t n = 1) {
    proto::AssignedCheck assigned;
    assigned.mutable_check()->set_id(id);
    assigned.mutable_check()->set_every_ms(every.count());
    assigned.mutable_check()->set_timeout_ms(1000);
    assigned.set_definition(definition);
    assigned.set_location_index(k);
    assigned.set_location_count(n);
    return assigned;
  }
  static proto::Assignment whole(const std::vector<proto::AssignedCheck>& checks) {
    proto::Assignment assignment;
    assignment.set_whole(true);
    for (const auto& assigned : checks) *assignment.add_check() = assigned;
    return assignment;
  }
  void expect_no_slot_twice() const {
    std::set<std::pair<std::string, std::int64_t>> slots;
    for (const auto& result : results)
      EXPECT_TRUE(slots.emplace(result.check_id(), result.slot()).second)
          << result.check_id() << " slot " << result.slot();
  }
  ~RosterTest() override {
    hanging.clear();
    roster.stop();
    for (int i = 0; i < 10; ++i) settle();
  }
};

TEST_F(RosterTest, RunsWhatIsAssignedAndStampsItsResults) {
  const auto difference = roster.apply(whole({check("shop/health", 77)}));
  EXPECT_EQ(difference.added, 1U);
  pass(Seconds(6));
  ASSERT_GE(results.size(), 1U);
  EXPECT_EQ(results[0].check_id(), "shop/health");
  EXPECT_EQ(results[0].definition(), 77U);
  EXPECT_EQ(results[0].slot(),
            SlotGrid("shop/health", Seconds(10), 0, 1).current(from_unix_us(results[0].started_us())));
  EXPECT_EQ(results[0].state(), proto::STATE_UP);
  EXPECT_EQ(changes, 1);  // from nothing to up; up again is no change
}

TEST_F(RosterTest, WhatDidNotChangeKeepsItsPhaseAndState) {
  roster.apply(whole({check("shop/health"), check("shop/cart")}));
  pass(Seconds(21));
  const int before = started["shop/health"];
  const auto difference = roster.apply(whole({check("shop/health"), check("shop/login")}));
  EXPECT_EQ(difference.kept, 1U);
  EXPECT_EQ(difference.added, 1U);
  EXPECT_EQ(difference.removed, std::vector<std::string>{"shop/cart"});
  settle();
  EXPECT_EQ(started["shop/health"], before);  // no run of its own accord
  pass(Seconds(20));
  EXPECT_EQ(started["shop/health"], before + 2);
  EXPECT_EQ(changes, 3);
  EXPECT_TRUE(missed.empty());
  expect_no_slot_twice();
}

TEST_F(RosterTest, TellsTheFirstSlotOfEachRunnerOnceAndStampsThePeriod) {
  std::vector<std::pair<std::string, std::int64_t>> began;
  tools.began = [&](const proto::AssignedCheck& assigned, std::int64_t slot) {
    began.emplace_back(assigned.check().id(), slot);
  };
  roster.apply(whole({check("shop/health")}));
  pass(Seconds(31));
  ASSERT_EQ(began.size(), 1U);
  ASSERT_FALSE(results.empty());
  EXPECT_EQ(began[0].first, "shop/health");
  EXPECT_EQ(began[0].second, results[0].slot());
  EXPECT_EQ(results[0].every_ms(), 10'000);
}

TEST_F(RosterTest, ASlotThatRanBeforeTheProgramStartedDoesNotRunAgain) {
  const SlotGrid grid("shop/health", Seconds(10), 0, 1);
  clock.at = grid.due(grid.current(clock.at)) + std::chrono::milliseconds(500);
  const std::int64_t current = grid.current(clock.at);
  roster.had("shop/health", 10'000, current - 1);
  roster.had("shop/health", 10'000, current);
  roster.had("shop/cart", 20'000, current);  // of another interval: it says nothing of this one's slots
  roster.apply(whole({check("shop/health"), check("shop/cart")}));
  pass(Seconds(8));
  EXPECT_EQ(started["shop/health"], 0);
  EXPECT_GE(started["shop/cart"], 1);
  pass(Seconds(4));
  EXPECT_EQ(started["shop/health"], 1);
  EXPECT_TRUE(missed.empty());
}

TEST_F(RosterTest, ADifferenceLeavesTheOthersAlone) {
  roster.apply(whole({check("shop/health"), check("shop/cart")}));
  proto::Assignment assignment;
  *assignment.add_check() = check("shop/login");
  assignment.add_removed("shop/cart");
  assignment.add_removed("shop/unknown");
  const auto difference = roster.apply(assignment);
  EXPECT_EQ(difference.kept, 1U);
  EXPECT_EQ(difference.added, 1U);
  EXPECT_EQ(difference.removed.size(), 1U);
  EXPECT_EQ(roster.size(), 2U);
}

TEST_F(RosterTest, AChangedDefinitionIsReportedFromTheNextSlotOn) {
  roster.apply(whole({check("shop/health", 1)}));
  pass(Seconds(15));
  roster.apply(whole({check("shop/health", 2)}));
  pass(Seconds(20));
  EXPECT_EQ(results.back().definition(), 2U);
  EXPECT_EQ(changes, 2);  // its first result is news again
  expect_no_slot_twice();
}

TEST_F(RosterTest, ARunUnderWayIsReportedUnderTheDefinitionItBeganWith) {
  hanging.insert("shop/health");
  roster.apply(whole({check("shop/health", 1)}));
  pass(Seconds(6));
  roster.apply(whole({check("shop/health", 2)}));
  hanging.clear();
  settle();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].definition(), 1U);
}

TEST_F(RosterTest, ACheckThatLeavesAndComesBackRunsNoSlotTwice) {
  for (int i = 0; i < 5; ++i) {
    roster.apply(whole({check("shop/health")}));
    pass(Seconds(7));
    roster.apply(whole({}));
    pass(Seconds(1));
  }
  EXPECT_GE(results.size(), 3U);
  expect_no_slot_twice();
}

TEST_F(RosterTest, SlotsThatFindNoPlaceInTimeAreMissedAsOverload) {
  hanging = {"shop/a", "shop/b", "shop/c"};
  roster.apply(whole({check("shop/a"), check("shop/b"), check("shop/c")}));
  pass(Seconds(6));
  roster.apply(whole({check("shop/a"), check("shop/b"), check("shop/c"), check("shop/late")}));
  pass(Seconds(20));
  // This clock makes every wait end at once: in a real loop the slot would wait for a place up to its lateness.
  ASSERT_FALSE(missed.empty());
  for (const auto& slots : missed) {
    if (slots.check_id == "shop/late") {
      EXPECT_EQ(slots.cause, proto::Gap::OVERLOAD);
    }
  }
  EXPECT_EQ(started["shop/late"], 0);
  hanging.clear();
  pass(Seconds(20));
  EXPECT_GE(started["shop/late"], 1);
  EXPECT_EQ(places.free(), 3U);
}

TEST_F(RosterTest, ARemovedCheckGivesItsPlaceBackAndReportsNothing) {
  hanging = {"shop/a"};
  roster.apply(whole({check("shop/a")}));
  pass(Seconds(6));
  EXPECT_EQ(places.free(), 2U);
  roster.apply(whole({}));
  settle();
  EXPECT_EQ(places.free(), 3U);
  EXPECT_TRUE(results.empty());
}

TEST_F(RosterTest, AnAssignmentWithoutATimetableIsRefusedNotRun) {
  auto never = check("shop/never");
  never.mutable_check()->clear_every_ms();
  const auto difference = roster.apply(whole({never, check("shop/nowhere", 1, Seconds(10), 2, 2)}));
  EXPECT_EQ(difference.refused.size(), 2U);
  EXPECT_EQ(roster.size(), 0U);
}

}  // namespace
}  // namespace parallax
