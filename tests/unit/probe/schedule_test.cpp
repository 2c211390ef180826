#include "probe/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace parallax {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Since = Schedule::Since;

constexpr std::size_t kPlenty = 100'000;
const WallTime kMorning = from_unix_us(1'790'000'000'000'000);

// A runner in simulated time: asks, waits, runs. `takes` says how long the run of a slot lasts.
struct Simulation {
  struct Run {
    std::int64_t slot;
    WallTime start;
  };
  Schedule schedule;
  WallTime now;
  Since since = Since::waiting;
  std::vector<Run> runs = {};
  std::vector<std::pair<std::int64_t, proto::Gap::Cause>> missed = {};

  void go_until(WallTime end, Nanoseconds run_takes) {
    while (now < end) {
      const auto next = schedule.next(now, since);
      for (const auto slot : next.missed) missed.emplace_back(slot, next.cause);
      since = next.run ? Since::running : Since::waiting;
      if (next.run) runs.push_back({*next.run, now});
      const Nanoseconds step = next.run ? run_takes : next.wait;
      now += std::max(std::chrono::ceil<std::chrono::microseconds>(step), std::chrono::microseconds(1));
    }
  }
  // What every schedule must keep, whatever happens: no slot twice, neither run nor declared, and none left out.
  void expect_every_slot_once(bool none_left_out = true) const {
    std::multiset<std::int64_t> all;
    for (const auto& run : runs) all.insert(run.slot);
    for (const auto& [slot, cause] : missed) all.insert(slot);
    for (const auto slot : all) EXPECT_EQ(all.count(slot), 1U) << "slot " << slot;
    if (!none_left_out || all.empty()) return;
    EXPECT_EQ(static_cast<std::int64_t>(all.size()), *all.rbegin() - *all.begin() + 1) << "a slot was left out";
  }
};

SlotGrid every(Milliseconds period, std::uint32_t k = 0, std::uint32_t n = 1) {
  return SlotGrid("shop-api/health", period, k, n);
}

Simulation simulation(const SlotGrid& grid, WallTime start, double fraction = 0.5) {
  return Simulation{.schedule = Schedule(grid, fraction, kPlenty), .now = start};
}

TEST(Schedule, RunsEverySlotOnceAtItsMoment) {
  auto sim = simulation(every(seconds(15)), kMorning);
  sim.go_until(kMorning + hours(1), Milliseconds(20));
  sim.expect_every_slot_once();
  EXPECT_TRUE(sim.missed.empty());
  EXPECT_NEAR(static_cast<double>(sim.runs.size()), 240, 1);
  for (std::size_t i = 1; i < sim.runs.size(); ++i)
    EXPECT_EQ(sim.runs[i].start, every(seconds(15)).due(sim.runs[i].slot));
}

TEST(Schedule, ANewCheckRunsWithinFiveSecondsForTheSlotThatIsCurrent) {
  const SlotGrid grid = every(hours(1));
  const WallTime arrival = grid.due(497'000) + minutes(40);  // far later than a slot may start otherwise
  for (const double fraction : {0.0, 0.3, 0.99}) {
    auto sim = simulation(grid, arrival, fraction);
    sim.go_until(arrival + seconds(10), Milliseconds(20));
    ASSERT_EQ(sim.runs.size(), 1U);
    EXPECT_EQ(sim.runs[0].slot, 497'000);
    EXPECT_LE(sim.runs[0].start - arrival, seconds(5));
    EXPECT_TRUE(sim.missed.empty());
  }
}

// Seen on a busy machine: a check arrived 14 ms before the end of a slot, its timer came late, and a slot was
// declared as missed that had been over before the probe was asked to run it.
TEST(Schedule, ANewCheckMissesNoSlotBecauseItArrivedLateInOneAndItsTimerWasLateToo) {
  const SlotGrid grid = every(seconds(1));
  for (int arrives = 0; arrives < 1000; arrives += 7)
    for (const double fraction : {0.0, 0.5, 0.999}) {
      auto sim = simulation(grid, grid.due(100) + Milliseconds(arrives), fraction);
      const auto first = sim.schedule.next(sim.now, Since::waiting);
      EXPECT_TRUE(first.missed.empty());
      if (!first.run) sim.now += std::chrono::ceil<std::chrono::microseconds>(first.wait) + Milliseconds(240);
      sim.go_until(grid.due(110), Milliseconds(200));
      sim.expect_every_slot_once();
      EXPECT_TRUE(sim.missed.empty()) << "arrived " << arrives << " ms into the slot, spread by " << fraction;
    }
}

TEST(Schedule, ANewCheckWaitsForItsSlotWhenThatIsNear) {
  const SlotGrid grid = every(seconds(8));
  auto sim = simulation(grid, grid.due(100) + seconds(5), 0.5);
  sim.go_until(grid.due(101) + seconds(1), Milliseconds(20));
  ASSERT_EQ(sim.runs.size(), 1U);
  EXPECT_EQ(sim.runs[0].slot, 101);
  EXPECT_EQ(sim.runs[0].start, grid.due(101));
  EXPECT_TRUE(sim.missed.empty());
}

TEST(Schedule, ThousandNewChecksDoNotStartAtOnce) {
  std::map<std::int64_t, int> starts_by_100_ms;
  for (int i = 0; i < 1000; ++i) {
    auto sim = simulation(SlotGrid("shop/" + std::to_string(i), minutes(5), 0, 1), kMorning, i / 1000.0);
    sim.go_until(kMorning + seconds(6), Milliseconds(20));
    ASSERT_GE(sim.runs.size(), 1U);
    ++starts_by_100_ms[(sim.runs[0].start - kMorning) / Milliseconds(100)];
  }
  for (const auto& [moment, count] : starts_by_100_ms) EXPECT_LE(count, 40) << "in 100 ms number " << moment;
}

TEST(Schedule, SkipsAndCountsTheSlotsASlowCheckOverran) {
  const SlotGrid grid = every(seconds(10));
  auto sim = simulation(grid, grid.due(100), 0);
  sim.go_until(grid.due(100) + seconds(1), seconds(38));  // over slots 101, 102 and 103: 103 is 8 s late
  sim.go_until(grid.due(110), Milliseconds(20));
  sim.expect_every_slot_once();
  ASSERT_EQ(sim.missed.size(), 3U);
  EXPECT_EQ(sim.missed[0].first, 101);
  EXPECT_EQ(sim.missed[2].first, 103);
  EXPECT_EQ(sim.missed[0].second, proto::Gap::OVERRUN);
  EXPECT_EQ(sim.runs[1].slot, 104);
  EXPECT_EQ(sim.runs[1].start, grid.due(104));
}

TEST(Schedule, ASlotStillRunsUpToHalfItsPeriodLate) {
  const SlotGrid grid = every(seconds(10));
  auto sim = simulation(grid, grid.due(100), 0);
  sim.go_until(grid.due(100) + seconds(1), seconds(14));  // 101 is 4 s late when the run ends
  sim.go_until(grid.due(103), Milliseconds(20));
  EXPECT_TRUE(sim.missed.empty());
  EXPECT_EQ(sim.runs[1].slot, 101);
  EXPECT_EQ(sim.runs[1].start, grid.due(100) + seconds(14));
}

TEST(Schedule, ARunNeverOverlapsItself) {
  const SlotGrid grid = every(seconds(1));
  auto sim = simulation(grid, kMorning);
  const Milliseconds takes(1700);
  sim.go_until(kMorning + minutes(10), takes);
  sim.expect_every_slot_once();
  for (std::size_t i = 1; i < sim.runs.size(); ++i) EXPECT_GE(sim.runs[i].start - sim.runs[i - 1].start, takes);
}

TEST(Schedule, AfterAStandstillTheSlotsPassedOverAreProbeDownAndTheCurrentOneIsSpread) {
  const SlotGrid grid = every(seconds(60));
  std::set<std::int64_t> starts;
  for (int i = 0; i < 100; ++i) {
    auto sim = simulation(grid, grid.due(1000), i / 100.0);
    sim.go_until(grid.due(1001) - seconds(1), Milliseconds(20));
    sim.now = grid.due(1010) + seconds(10);  // SIGSTOP for nine minutes
    sim.go_until(grid.due(1011), Milliseconds(20));
    sim.expect_every_slot_once();
    ASSERT_EQ(sim.missed.size(), 9U);
    EXPECT_EQ(sim.missed[0].second, proto::Gap::PROBE_DOWN);
    ASSERT_EQ(sim.runs.size(), 2U);
    EXPECT_EQ(sim.runs[1].slot, 1010);
    EXPECT_LE(sim.runs[1].start - grid.due(1010), grid.most_late());
    starts.insert((sim.runs[1].start - grid.due(1010)) / Milliseconds(1));
  }
  EXPECT_GE(starts.size(), 99U);                          // a hundred checks, a hundred moments
  EXPECT_GT(*starts.rbegin() - *starts.begin(), 15'000);  // over the 20 s that were left
}

TEST(Schedule, ASlotTooLateAfterAStandstillIsMissedToo) {
  const SlotGrid grid = every(seconds(60));
  auto sim = simulation(grid, grid.due(1000), 0);
  sim.go_until(grid.due(1001) - seconds(1), Milliseconds(20));
  sim.now = grid.due(1003) + seconds(45);
  sim.go_until(grid.due(1005), Milliseconds(20));
  sim.expect_every_slot_once();
  EXPECT_EQ(sim.missed.size(), 3U);
  EXPECT_EQ(sim.runs[1].start, grid.due(1004));
}

TEST(Schedule, AClockThatStepsForwardMakesNoBurst) {
  const SlotGrid grid = every(seconds(15));
  auto sim = simulation(grid, kMorning);
  sim.go_until(kMorning + minutes(1), Milliseconds(20));
  const auto before = sim.runs.size();
  sim.now += hours(1);
  sim.go_until(sim.now + seconds(15), Milliseconds(20));
  sim.expect_every_slot_once();
  EXPECT_LE(sim.runs.size() - before, 2U);
  EXPECT_NEAR(static_cast<double>(sim.missed.size()), 240, 2);
}

TEST(Schedule, AClockThatStepsBackRunsNoSlotTwice) {
  const SlotGrid grid = every(seconds(15));
  auto sim = simulation(grid, kMorning);
  sim.go_until(kMorning + minutes(20), Milliseconds(20));
  sim.now -= minutes(10);
  const auto before = sim.runs.size();
  sim.go_until(kMorning + minutes(19), Milliseconds(20));
  EXPECT_EQ(sim.runs.size(), before);  // those slots have been
  sim.go_until(kMorning + minutes(30), Milliseconds(20));
  sim.expect_every_slot_once();
  EXPECT_TRUE(sim.missed.empty());
}

TEST(Schedule, AClockSetBackByYearsDoesNotStopTheCheck) {
  const SlotGrid grid = every(seconds(15));
  auto sim = simulation(grid, kMorning);
  sim.go_until(kMorning + minutes(1), Milliseconds(20));
  sim.now -= hours(24 * 365);
  const WallTime back = sim.now;
  sim.runs.clear();
  sim.go_until(back + minutes(1), Milliseconds(20));
  EXPECT_GE(sim.runs.size(), 4U);
}

TEST(Schedule, AStepOfTenYearsDeclaresNoMoreThanItMay) {
  const SlotGrid grid = every(seconds(1));
  Schedule schedule(grid, 0, 5760);
  ASSERT_TRUE(schedule.next(grid.due(1000), Since::waiting).run);
  const WallTime later = grid.due(1000) + hours(24 * 3650);
  const auto next = schedule.next(later + Milliseconds(900), Since::waiting);
  EXPECT_EQ(next.missed.size(), 5760U);
  EXPECT_EQ(next.missed.back(), grid.current(later));  // the newest, and too late itself
  EXPECT_FALSE(next.run);
  EXPECT_LE(next.wait, Nanoseconds(seconds(1)));
}

TEST(Schedule, AChangedNumberOfPlacesTakesEffectWithTheNextSlotAndMissesNone) {
  for (std::uint32_t before = 1; before <= 4; ++before)
    for (std::uint32_t after = 1; after <= 4; ++after)
      for (std::uint32_t k = 0; k < std::min(before, after); ++k)
        for (int moment = 0; moment < 60; ++moment) {
          auto sim = simulation(every(seconds(15), k, before), kMorning);
          sim.go_until(kMorning + minutes(2) + Milliseconds(moment * 500), Milliseconds(20));
          sim.schedule.change_grid(every(seconds(15), after - 1 - k, after), sim.now);
          sim.go_until(sim.now + minutes(2), Milliseconds(20));
          sim.expect_every_slot_once();
          EXPECT_TRUE(sim.missed.empty()) << k << " of " << before << " to " << after << " at " << moment;
          const auto& last = sim.runs.back();
          EXPECT_EQ(last.start, every(seconds(15), after - 1 - k, after).due(last.slot));
        }
}

TEST(Schedule, ACheckThatComesBackDoesNotRunItsLastSlotAgain) {
  const SlotGrid grid = every(seconds(60));
  Schedule schedule(grid, 0, kPlenty, 1000);
  const auto next = schedule.next(grid.due(1000) + seconds(5), Since::waiting);
  EXPECT_FALSE(next.run);
  EXPECT_EQ(next.wait, Nanoseconds(seconds(55)));
}

TEST(Schedule, SurvivesAnyClockWithoutEverRunningASlotTwice) {
  std::uint64_t seed = 1;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((seed >> 33) % below);
  };
  for (int round = 0; round < 200; ++round) {
    const SlotGrid grid = every(Milliseconds(1000 + random(90'000)), 0, 1 + static_cast<std::uint32_t>(random(4)));
    auto sim = simulation(grid, kMorning, static_cast<double>(random(1000)) / 1000);
    for (int event = 0; event < 30; ++event) {
      sim.go_until(sim.now + Milliseconds(random(300'000)), Milliseconds(1 + random(20'000)));
      if (random(3) == 0) sim.now += Milliseconds(random(3'600'000) - 1'800'000);
    }
    sim.expect_every_slot_once();
  }
}

}  // namespace
}  // namespace parallax
