#include "controller/slot_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <set>

namespace parallax {
namespace {

TEST(SlotSet, TakesEachSlotOnce) {
  SlotSet slots;
  EXPECT_TRUE(slots.insert(7));
  EXPECT_FALSE(slots.insert(7));
  EXPECT_TRUE(slots.insert(-7));
  EXPECT_TRUE(slots.contains(7));
  EXPECT_FALSE(slots.contains(6));
}

TEST(SlotSet, IsOneRangeAfterAYearWithoutAHole) {
  SlotSet slots;
  for (std::int64_t slot = 0; slot < 2'000'000; ++slot) ASSERT_TRUE(slots.insert(slot));
  EXPECT_EQ(slots.ranges(), 1U);
  EXPECT_FALSE(slots.insert(1'234'567));
}

TEST(SlotSet, AgreesWithAPlainSetInAnyOrder) {
  std::mt19937 random(1);
  SlotSet slots;
  std::set<std::int64_t> plain;
  for (int i = 0; i < 20'000; ++i) {
    const auto slot = static_cast<std::int64_t>(random() % 1500);
    ASSERT_EQ(slots.insert(slot), plain.insert(slot).second) << slot;
  }
  for (std::int64_t slot = -1; slot <= 1500; ++slot) ASSERT_EQ(slots.contains(slot), plain.contains(slot)) << slot;
}

TEST(SlotSet, SaysUpToWhereItIsWhole) {
  SlotSet set;
  EXPECT_EQ(set.whole_up_to(7), 7);
  for (const std::int64_t slot : {3, 4, 8, 9, 10, 12}) set.insert(slot);
  EXPECT_EQ(set.whole_up_to(1), 1);
  EXPECT_EQ(set.whole_up_to(2), 4);
  EXPECT_EQ(set.whole_up_to(3), 4);
  EXPECT_EQ(set.whole_up_to(7), 10) << "the first one may be missing: it was under way";
  EXPECT_EQ(set.whole_up_to(10), 10);
  EXPECT_EQ(set.whole_up_to(11), 12);
  EXPECT_EQ(set.whole_up_to(20), 20);
}

TEST(SlotSet, StaysSmallWhenEveryOtherSlotIsLeftOutAndNeverTakesOneTwice) {
  SlotSet slots;
  for (std::int64_t slot = 0; slot < 10'000; slot += 2) ASSERT_TRUE(slots.insert(slot));
  EXPECT_LE(slots.ranges(), SlotSet::kMostRanges);
  for (std::int64_t slot = 0; slot < 10'000; slot += 2) ASSERT_FALSE(slots.insert(slot)) << slot;
  EXPECT_TRUE(slots.insert(9'997)) << "recent holes are still open";
  EXPECT_FALSE(slots.insert(1)) << "the oldest are given up";
}

}  // namespace
}  // namespace parallax
