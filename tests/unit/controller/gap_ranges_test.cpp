#include <gtest/gtest.h>

#include <limits>

#include "controller/gap_slots.h"
#include "controller/ledger.h"
#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::seconds;

class GapRangesTest : public testing::Test {
 protected:
  GapRangesTest() { ledger.apply_definitions(shared(set_of({check})), kStart); }

  proto::CheckGap gap(std::int64_t from, std::int64_t to, std::int64_t every_ms = 0) const {
    proto::CheckGap gap;
    gap.set_check_id("shop/health");
    gap.add_range(from);
    gap.add_range(to);
    gap.set_every_ms(every_ms);
    return gap;
  }
  Applied declare(const proto::CheckGap& declared, proto::Gap::Cause cause = proto::Gap::PROBE_DOWN) {
    return ledger.apply_gap(probe_at("a"), declared, cause, now);
  }
  std::uint64_t missed(proto::Gap::Cause cause) const {
    return place().counters.missed[static_cast<std::size_t>(cause) - 1];
  }
  const PlaceBook& place() const { return ledger.checks().at("shop/health").places[0]; }

  DefinedCheck check = http_check("shop", "health", {"a"});
  Ledger ledger;
  const std::int64_t first = grid_of(check).current(kStart) + 1;
  const WallTime now = grid_of(check).due(first + 200'000);
};

TEST_F(GapRangesTest, CountsEachSlotOfARangeOnce) {
  EXPECT_EQ(declare(gap(first, first + 99'999)), Applied::counted);
  EXPECT_EQ(missed(proto::Gap::PROBE_DOWN), 100'000U);
  EXPECT_EQ(declare(gap(first + 50, first + 149)), Applied::duplicate);
  EXPECT_EQ(declare(gap(first + 99'990, first + 100'009)), Applied::counted);
  EXPECT_EQ(missed(proto::Gap::PROBE_DOWN), 100'010U);
  EXPECT_EQ(place().counters.fresh_runs, OutcomeCounts{});
  EXPECT_EQ(place().counters.late_runs, OutcomeCounts{});
}

TEST_F(GapRangesTest, ARunAndADeclarationOfItsSlotAreNeverBothCounted) {
  ledger.apply(probe_at("a"), run_of(check, first + 3, proto::STATE_UP), Milliseconds(0), now);
  EXPECT_EQ(declare(gap(first, first + 9)), Applied::counted);
  EXPECT_EQ(missed(proto::Gap::PROBE_DOWN), 9U);
  EXPECT_EQ(ledger.apply(probe_at("a"), run_of(check, first + 4, proto::STATE_UP), Milliseconds(0), now),
            Applied::duplicate);
}

// An outage's evictions are told as runs of one state each. Whatever part of them was counted before, by whichever
// probe or in whichever life of this one, what is left is known exactly.
TEST_F(GapRangesTest, OfEvictedRunsThatAreCountedInPartTheRestKeepsItsOutcomes) {
  auto up = gap(first, first + 9);
  up.set_runs_up(10);
  auto down = gap(first + 10, first + 19);
  down.set_runs_down(10);
  for (const std::int64_t slot : {first + 1, first + 2, first + 11})
    ledger.apply(probe_at("a"), run_of(check, slot, slot < first + 10 ? proto::STATE_UP : proto::STATE_DOWN),
                 Milliseconds(0), now);
  declare(up, proto::Gap::EVICTED);
  declare(down, proto::Gap::EVICTED);
  const auto& late = place().counters.late_runs;
  EXPECT_EQ(late[0], 10U);
  EXPECT_EQ(late[2], 10U);
  EXPECT_EQ(missed(proto::Gap::EVICTED), 17U);
  // Another life of the probe, folded otherwise.
  auto more = gap(first + 5, first + 25);
  more.set_runs_up(21);
  declare(more, proto::Gap::EVICTED);
  EXPECT_EQ(late[0], 16U);
}

TEST_F(GapRangesTest, SlotsOfAFormerIntervalAreAnotherGrids) {
  const std::int64_t slot = first / 2;  // of 30 s: about the same moment
  EXPECT_EQ(declare(gap(slot, slot + 9, 30'000)), Applied::counted);
  EXPECT_EQ(declare(gap(slot, slot + 9, 30'000)), Applied::duplicate);
  EXPECT_EQ(missed(proto::Gap::PROBE_DOWN), 10U);
  EXPECT_TRUE(place().accounted.at(30'000).contains(slot));
  EXPECT_FALSE(place().accounted.contains(15'000));
}

TEST_F(GapRangesTest, RefusesRangesThatCannotBe) {
  constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
  constexpr auto kSmallest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(declare(gap(first + 1, first)), Applied::invalid);
  EXPECT_EQ(declare(gap(first, first + 100'000)), Applied::invalid);
  EXPECT_EQ(declare(gap(kSmallest, kLargest)), Applied::invalid);
  auto odd = gap(first, first + 1);
  odd.add_range(first + 5);
  EXPECT_EQ(declare(odd), Applied::invalid);
  EXPECT_EQ(declare(gap(kLargest, kLargest)), Applied::clock);
  EXPECT_EQ(declare(gap(kSmallest, kSmallest + 5)), Applied::clock);
  EXPECT_EQ(declare(gap(first, first + 1, -5)), Applied::invalid);
  EXPECT_EQ(declare(gap(first, first + 1, kLargest)), Applied::invalid);
  auto too_many = gap(first, first + 1);
  too_many.set_runs_up(3);
  EXPECT_EQ(declare(too_many, proto::Gap::EVICTED), Applied::invalid);
  EXPECT_EQ(missed(proto::Gap::PROBE_DOWN) + missed(proto::Gap::EVICTED), 0U);
}

TEST_F(GapRangesTest, AProbeCannotMakeTheBooksGrowByInventingIntervals) {
  for (std::int64_t every_ms = 1000; every_ms < 2000; ++every_ms) declare(gap(first, first, every_ms));
  EXPECT_LE(place().accounted.size(), 33U);
  EXPECT_EQ(declare(gap(first, first)), Applied::counted) << "the interval in force always has its place";
}

TEST(GapSlots, AMessageIsBoundedAsAWhole) {
  proto::Gap gap;
  for (int i = 0; i < 2; ++i) {
    auto& check = *gap.add_check();
    check.add_range(0);
    check.add_range(49'999);
  }
  EXPECT_EQ(slots_of(gap), 100'000U);
  gap.mutable_check(0)->add_slot(7);
  EXPECT_EQ(slots_of(gap), std::nullopt);
}

}  // namespace
}  // namespace parallax
