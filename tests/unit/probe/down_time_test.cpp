#include "probe/down_time.h"

#include <gtest/gtest.h>

#include "base/slot_grid.h"

namespace parallax {
namespace {

constexpr std::int64_t kEvery = 10'000;

struct DownTimeTest : testing::Test {
  std::vector<MissedSlots> declared;
  DownTime down_time{[this](MissedSlots missed) { declared.push_back(std::move(missed)); }};
  const SlotGrid grid{"shop/health", Milliseconds(kEvery), 0, 1};
  const std::int64_t now_slot = grid.current(from_unix_us(1'790'000'000'000'000));

  WallTime at(std::int64_t slot) const { return grid.due(slot) + std::chrono::milliseconds(1); }
  static proto::Assignment assignment(std::optional<std::int64_t> accounted, std::int64_t every_ms = kEvery) {
    proto::Assignment assignment;
    auto& assigned = *assignment.add_check();
    assigned.mutable_check()->set_id("shop/health");
    assigned.mutable_check()->set_every_ms(every_ms);
    assigned.set_location_count(1);
    if (accounted) assigned.set_accounted_slot(*accounted);
    return assignment;
  }
  void began(std::int64_t slot, std::int64_t every_ms = kEvery) {
    down_time.began(assignment({}, every_ms).check(0), slot);
  }
  static proto::RunResult ran(std::int64_t slot, std::int64_t every_ms = kEvery) {
    proto::RunResult result;
    result.set_check_id("shop/health");
    result.set_every_ms(every_ms);
    result.set_slot(slot);
    return result;
  }
};

TEST_F(DownTimeTest, DeclaresOnceWhatLiesBetweenTheBooksAndTheFirstRun) {
  began(now_slot);
  EXPECT_TRUE(declared.empty()) << "nobody knows yet what the books have";
  down_time.assigned(assignment(now_slot - 5), at(now_slot));
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].cause, proto::Gap::PROBE_DOWN);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{now_slot - 4, now_slot - 1}));
  EXPECT_EQ(declared[0].every_ms, kEvery);
  down_time.assigned(assignment(now_slot - 5), at(now_slot + 3));  // a reconnect
  began(now_slot + 7);                                             // it left and came back
  EXPECT_EQ(declared.size(), 1U);
}

TEST_F(DownTimeTest, AssignedBeforeTheRunnerBegins) {
  down_time.assigned(assignment(now_slot - 3), at(now_slot));
  began(now_slot + 1);  // too late for the one under way: nobody runs that
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{now_slot - 2, now_slot}));
}

// The word of a new interval was slow: slots of its grid passed before anybody here knew of it.
TEST_F(DownTimeTest, LooksAgainWhenTheIntervalChanged) {
  began(now_slot);
  down_time.assigned(assignment(now_slot - 1), at(now_slot));
  ASSERT_TRUE(declared.empty());
  const std::int64_t faster = kEvery / 2;
  const std::int64_t since = SlotGrid("shop/health", Milliseconds(faster), 0, 1).current(at(now_slot));
  down_time.assigned(assignment(since, faster), at(now_slot));
  EXPECT_TRUE(declared.empty()) << "its runner has not begun";
  began(since + 3, faster);
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].every_ms, faster);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{since + 1, since + 2}));
  down_time.assigned(assignment(since, faster), at(now_slot));  // a reconnect
  EXPECT_EQ(declared.size(), 1U);
}

TEST_F(DownTimeTest, LooksAgainAtACheckThatWasGone) {
  began(now_slot);
  down_time.assigned(assignment(now_slot - 1), at(now_slot));
  proto::Assignment none;
  none.set_whole(true);
  down_time.assigned(none, at(now_slot + 5));
  down_time.assigned(assignment(now_slot + 20), at(now_slot + 24));
  began(now_slot + 24);
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{now_slot + 21, now_slot + 23}));
}

TEST_F(DownTimeTest, ADifferenceForgetsNoCheckThatItDoesNotName) {
  began(now_slot);
  down_time.assigned({}, at(now_slot));
  down_time.assigned(assignment(now_slot - 5), at(now_slot));
  ASSERT_EQ(declared.size(), 1U) << "its first slot is still known";
  proto::Assignment gone;
  gone.add_removed("shop/health");
  down_time.assigned(gone, at(now_slot + 5));
  down_time.assigned(assignment(now_slot + 20), at(now_slot + 24));
  began(now_slot + 24);
  EXPECT_EQ(declared.size(), 2U);
}

TEST_F(DownTimeTest, LeavesOutWhatTheSpoolTellsOf) {
  down_time.had(ran(now_slot - 8));
  down_time.had(ran(now_slot - 7));
  down_time.had(MissedSlots{"shop/health", proto::Gap::OVERRUN, {now_slot - 5}, {}, kEvery});
  proto::Gap evicted;
  auto& of_check = *evicted.add_check();
  of_check.set_check_id("shop/health");
  of_check.set_every_ms(kEvery);
  of_check.add_range(now_slot - 20);
  of_check.add_range(now_slot - 9);
  down_time.had(evicted);
  began(now_slot);
  down_time.assigned(assignment(now_slot - 12), at(now_slot));
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].ranges,
            (std::vector<std::int64_t>{now_slot - 6, now_slot - 6, now_slot - 4, now_slot - 1}));
}

TEST_F(DownTimeTest, NothingIsMissingWhereTheBooksAreUpToDate) {
  began(now_slot);
  down_time.assigned(assignment(now_slot - 1), at(now_slot));
  EXPECT_TRUE(declared.empty());
  down_time.assigned(assignment(now_slot - 9), at(now_slot));
  EXPECT_TRUE(declared.empty()) << "looked at once";
}

TEST_F(DownTimeTest, SaysNothingWhereTheControllerDoesNot) {
  began(now_slot);
  down_time.assigned(assignment(std::nullopt), at(now_slot));
  EXPECT_TRUE(declared.empty());
}

TEST_F(DownTimeTest, ADamagedFileMakesItALossOfTheDisk) {
  down_time.spool_lost_some();
  began(now_slot);
  down_time.assigned(assignment(now_slot - 3), at(now_slot));
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].cause, proto::Gap::CORRUPT);
}

TEST_F(DownTimeTest, AClockThatIsAheadDeclaresNothingThatIsStillToCome) {
  began(now_slot + 100'000);
  down_time.assigned(assignment(now_slot - 2), at(now_slot));
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{now_slot - 1, now_slot - 1}));
}

TEST_F(DownTimeTest, AClockThatIsBehindDeclaresNothing) {
  began(now_slot - 1'000'000);
  down_time.assigned(assignment(now_slot - 2), at(now_slot));
  EXPECT_TRUE(declared.empty());
}

TEST_F(DownTimeTest, AMonthIsBoundedToTheNewestSlots) {
  began(now_slot);
  down_time.assigned(assignment(now_slot - 3'000'000), at(now_slot));
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{now_slot - 100'000, now_slot - 1}));
}

TEST_F(DownTimeTest, ManyHolesAreToldInSeveralRecords) {
  for (std::int64_t slot = now_slot - 10'000; slot < now_slot; slot += 2) down_time.had(ran(slot));
  began(now_slot);
  down_time.assigned(assignment(now_slot - 10'001), at(now_slot));
  EXPECT_EQ(declared.size(), 3U);
  std::size_t slots = 0;
  for (const auto& missed : declared) slots += missed.ranges.size() / 2;
  EXPECT_EQ(slots, 5000U);
}

TEST_F(DownTimeTest, WaitsForTheRunnerOfTheIntervalInForce) {
  began(now_slot);  // by the kept assignment
  const SlotGrid other("shop/health", Milliseconds(20'000), 0, 1);
  const WallTime now = at(now_slot);
  const std::int64_t slot = other.current(now);
  down_time.assigned(assignment(slot - 4, 20'000), now);
  EXPECT_TRUE(declared.empty());
  began(slot, 20'000);
  ASSERT_EQ(declared.size(), 1U);
  EXPECT_EQ(declared[0].every_ms, 20'000);
  EXPECT_EQ(declared[0].ranges, (std::vector<std::int64_t>{slot - 3, slot - 1}));
}

}  // namespace
}  // namespace parallax
