// What the schedule promises of many checks, many places and much time together: nothing starts in a crowd,
// nothing is left out, nothing runs twice, whatever happens to the clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "probe/schedule.h"

namespace parallax {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using Since = Schedule::Since;

const WallTime kMorning = from_unix_us(1'790'000'000'000'000);

struct Run {
  std::int64_t slot;
  WallTime start;
  WallTime due;
  Nanoseconds took;
};

// A runner in simulated time.
struct Simulation {
  Schedule schedule;
  WallTime now;
  Since since = Since::waiting;
  std::vector<Run> runs = {};
  std::vector<std::int64_t> missed = {};

  void go_until(WallTime end, Nanoseconds run_takes) {
    while (now < end) {
      const auto next = schedule.next(now, since);
      missed.insert(missed.end(), next.missed.begin(), next.missed.end());
      since = next.run ? Since::running : Since::waiting;
      if (next.run) runs.push_back({*next.run, now, next.due, run_takes});
      // Nobody sleeps past the end: there something happens to the clock, and everyone looks again.
      const auto step = std::chrono::ceil<microseconds>(next.run ? run_takes : next.wait);
      const auto most = next.run ? step : std::min(step, end - now);
      now += std::max(most, microseconds(1));
    }
  }
};

// So that a thousand checks are spread as the roster spreads them: by the golden ratio.
Simulation one_of_a_thousand(int i, Milliseconds every, WallTime start) {
  const SlotGrid grid("shop/" + std::to_string(i), every, 0, 1);
  return {.schedule = Schedule(grid, std::fmod(i * 0.6180339887498949, 1.0), 5760), .now = start};
}

// The most starts of a thousand checks in a tenth of a second, from the moment that the clock was set on.
int thickest_crowd(Milliseconds every, Nanoseconds step_after, Nanoseconds step) {
  std::map<std::int64_t, int> starts;
  for (int i = 0; i < 1000; ++i) {
    auto sim = one_of_a_thousand(i, every, kMorning);
    sim.go_until(kMorning + std::chrono::duration_cast<microseconds>(step_after), Milliseconds(20));
    sim.now += std::chrono::duration_cast<microseconds>(step);
    const WallTime set_at = sim.now;
    sim.runs.clear();
    sim.go_until(set_at + seconds(10), Milliseconds(20));
    for (const auto& run : sim.runs) ++starts[(run.start - set_at) / Milliseconds(100)];
  }
  int most = 0;
  for (const auto& [moment, count] : starts) most = std::max(most, count);
  return most;
}

const Nanoseconds kSteps[] = {Milliseconds(0), seconds(1),  seconds(-1),      seconds(4),
                              seconds(-4),     seconds(20), hours(1),         hours(-1),
                              hours(25),       hours(-25),  hours(24 * 3650), hours(-24 * 3650)};

// On the grid a thousand checks once a minute are 1.7 starts in a tenth of a second; spread over 5 s they are 20.
TEST(ScheduleCrowd, AClockSetInTheMiddleOfTheDayMakesNoCrowd) {
  for (const auto step : kSteps) EXPECT_LE(thickest_crowd(minutes(1), minutes(10), step), 40) << to_text(step);
}

// The first thing that happens to many a machine: it starts, and then its clock is set. (A start alone gives up to
// 80: who arrives near the end of a slot is spread over little.)
TEST(ScheduleCrowd, AClockSetJustAfterTheStartMakesNoCrowd) {
  for (const auto every : {Milliseconds(15000), Milliseconds(300000)})
    for (const auto step : kSteps)
      EXPECT_LE(thickest_crowd(every, Milliseconds(700), step), 100)
          << to_text(step) << ", every " << to_text(every);
}

TEST(ScheduleCrowd, AfterAPauseTheStartsAreSpreadOverWhatIsLeftOfTheLateness) {
  for (const auto pause : {seconds(8), seconds(40), seconds(600)}) {
    std::set<std::int64_t> moments;
    int late = 0;
    for (int i = 0; i < 1000; ++i) {
      auto sim = one_of_a_thousand(i, seconds(15), kMorning);
      sim.go_until(kMorning + minutes(10), Milliseconds(20));
      sim.runs.clear();
      sim.now += pause;
      const WallTime back = sim.now;
      sim.go_until(back + Milliseconds(7500), Milliseconds(20));
      for (const auto& run : sim.runs) {
        EXPECT_LE(run.start - run.due, Milliseconds(7500));
        if (run.due >= back - Milliseconds(250)) continue;
        ++late;
        moments.insert((run.start - back) / Milliseconds(10));
      }
    }
    EXPECT_GT(late, 300) << "half of what was due is not too late yet";
    EXPECT_GT(static_cast<int>(moments.size()), late / 2) << "each at its own moment";
  }
}

// A run that had to wait for a place to run in, after a pause: its slot's lateness is the limit all the same.
TEST(ScheduleCrowd, PatienceEndsWithTheLatenessOfTheSlotHoweverTheStartWasSpread) {
  const SlotGrid grid("shop-api/health", minutes(1), 0, 1);
  for (const double fraction : {0.0, 0.5, 0.9}) {
    Schedule schedule(grid, fraction, 5760, 100);
    ASSERT_FALSE(schedule.next(grid.due(100) + seconds(10), Since::waiting).run);
    auto next = schedule.next(grid.due(105) + seconds(10), Since::waiting);
    WallTime now = grid.due(105) + seconds(10);
    if (!next.run) {
      now += std::chrono::ceil<microseconds>(next.wait);
      next = schedule.next(now, Since::waiting);
    }
    ASSERT_EQ(next.run, 105);
    EXPECT_EQ(now + next.patience - grid.due(105), grid.most_late()) << fraction;
  }
}

TEST(ScheduleCrowd, ThreePlacesLookInTurnsAThirdOfThePeriodApart) {
  std::vector<std::pair<WallTime, std::uint32_t>> starts;
  for (std::uint32_t k = 0; k < 3; ++k) {
    Simulation sim{.schedule = Schedule(SlotGrid("shop-api/health", seconds(15), k, 3), 0.5, 5760),
                   .now = kMorning};
    sim.go_until(kMorning + minutes(10), Milliseconds(20));
    for (std::size_t i = 1; i < sim.runs.size(); ++i) starts.emplace_back(sim.runs[i].start, k);
  }
  std::sort(starts.begin(), starts.end());
  for (std::size_t i = 4; i < starts.size(); ++i) {
    EXPECT_EQ(starts[i].first - starts[i - 1].first, seconds(5));
    EXPECT_EQ(starts[i].second, (starts[i - 1].second + 1) % 3);
  }
}

// Hours of every kind of trouble; what must hold of each place by itself.
struct Chaos {
  std::uint64_t seed;
  std::int64_t operator()(std::uint64_t below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::int64_t>((seed >> 33) % below);
  }
};

void expect_promises_kept(const Simulation& sim, const SlotGrid& grid) {
  std::multiset<std::int64_t> all(sim.missed.begin(), sim.missed.end());
  for (const auto& run : sim.runs) all.insert(run.slot);
  ASSERT_FALSE(all.empty());
  const std::set<std::int64_t> once(all.begin(), all.end());
  EXPECT_EQ(once.size(), all.size()) << "a slot ran or was declared twice";
  EXPECT_EQ(static_cast<std::int64_t>(once.size()), *once.rbegin() - *once.begin() + 1) << "a slot was left out";
  for (std::size_t i = 0; i < sim.runs.size(); ++i) {
    const auto& run = sim.runs[i];
    EXPECT_GE(run.start, run.due) << "before its moment";
    if (i == 0) continue;
    EXPECT_LE(run.start - run.due, grid.most_late()) << "slot " << run.slot;
    EXPECT_GT(run.slot, sim.runs[i - 1].slot);
  }
}

TEST(ScheduleCrowd, ADayOfTroubleLeavesNoSlotOutAndRunsNoneTwice) {
  Chaos chaos{20260131};
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    const Milliseconds every(1000 + chaos(round % 10 == 0 ? 3'600'000 : 120'000));
    auto n = static_cast<std::uint32_t>(1 + chaos(5));
    auto k = static_cast<std::uint32_t>(chaos(n));
    SlotGrid grid("shop/" + std::to_string(round), every, k, n);
    Simulation sim{.schedule = Schedule(grid, static_cast<double>(chaos(1000)) / 1000, 1'000'000),
                   .now = kMorning};
    for (int event = 0; event < 40; ++event) {
      const Milliseconds run_takes(1 + chaos(static_cast<std::uint64_t>(every.count()) * 3 / 2));
      sim.go_until(sim.now + Milliseconds(chaos(static_cast<std::uint64_t>(every.count()) * 20)), run_takes);
      switch (chaos(5)) {
        case 0:
          sim.now += Milliseconds(chaos(7'200'000) - 3'600'000);  // the clock is set
          break;
        case 1:
          sim.now +=
              Milliseconds(chaos(static_cast<std::uint64_t>(every.count()) * 4));  // the machine stands still
          break;
        case 2:
          n = static_cast<std::uint32_t>(1 + chaos(5));
          k = static_cast<std::uint32_t>(chaos(n));
          sim.schedule.change_grid(SlotGrid("shop/" + std::to_string(round), every, k, n), sim.now);
          break;
        default:
          break;
      }
    }
    expect_promises_kept(sim, grid);
  }
}

}  // namespace
}  // namespace parallax
