#include "base/slot_grid.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

WallTime at_ms(std::int64_t ms) { return from_unix_us(ms * 1000); }

TEST(SlotGrid, HashesAsTheFnvReferenceDoes) {
  EXPECT_EQ(fnv1a_64(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a_64("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a_64("foobar"), 0x85944171f73967e8ULL);
  EXPECT_EQ(fnv1a_64("chongo was here!\n"), 0x46810940eff5f915ULL);
  EXPECT_EQ(fnv1a_64("shop-api/health"), 0x1acdcad414e84903ULL);
  EXPECT_EQ(fnv1a_32("foobar"), 0xbf9cf968U);
}

// phase_ms + s x every_ms + floor(k x every_ms / n), computed elsewhere.
TEST(SlotGrid, EverySlotIsDueWhenTheFormulaSays) {
  struct Case {
    const char* id;
    std::int64_t every_ms;
    std::uint32_t k, n;
    std::int64_t slot, due_ms;
  };
  const Case cases[] = {
      {"shop-api/health", 15000, 0, 3, 119333333, 1790000000683},
      {"shop-api/health", 15000, 1, 3, 119333333, 1790000005683},
      {"shop-api/health", 15000, 2, 3, 119333333, 1790000010683},
      {"shop-api/edge", 60000, 0, 1, 29833333, 1789999981640},
      {"shop-api/edge", 60000, 4, 7, 29833333, 1790000015925},
      {"a/b", 1000, 2, 3, 1790000000, 1790000001355},
      {"shop/certificate", 86400000, 6, 7, 20717, 1790034443315},
      {"shop/certificate", 3600000, 1, 3, -1, -1613827},
  };
  for (const auto& c : cases) {
    const SlotGrid grid(c.id, Milliseconds(c.every_ms), c.k, c.n);
    EXPECT_EQ(unix_ms(grid.due(c.slot)), c.due_ms) << c.id << " at " << c.k << " of " << c.n;
    EXPECT_EQ(grid.current(at_ms(c.due_ms)), c.slot);
    EXPECT_EQ(grid.current(at_ms(c.due_ms) - std::chrono::microseconds(1)), c.slot - 1);
  }
}

TEST(SlotGrid, SpreadsThreePlacesOverOnePeriod) {
  const SlotGrid first("shop-api/health", Milliseconds(15000), 0, 3);
  const SlotGrid second("shop-api/health", Milliseconds(15000), 1, 3);
  const SlotGrid third("shop-api/health", Milliseconds(15000), 2, 3);
  EXPECT_EQ(second.due(7) - first.due(7), Milliseconds(5000));
  EXPECT_EQ(third.due(7) - first.due(7), Milliseconds(10000));
  EXPECT_EQ(first.due(8) - first.due(7), Milliseconds(15000));
}

TEST(SlotGrid, PutsTheFirstSlotAtTheHashOfTheIdentity) {
  const SlotGrid grid("shop-api/health", Milliseconds(15000), 0, 3);
  EXPECT_EQ(unix_ms(grid.due(0)), static_cast<std::int64_t>(fnv1a_64("shop-api/health") % 15000));
}

TEST(SlotGrid, TheCurrentSlotIsTheNewestOneThatIsDue) {
  const SlotGrid grid("x", Milliseconds(1000), 0, 1);
  const std::int64_t due = unix_ms(grid.due(1000));
  EXPECT_EQ(grid.current(at_ms(due)), 1000);
  EXPECT_EQ(grid.current(at_ms(due + 999)), 1000);
  EXPECT_EQ(grid.current(at_ms(due) - std::chrono::microseconds(1)), 999);
}

TEST(SlotGrid, CountsBackwardsBeforeItsFirstSlot) {
  const SlotGrid grid("x", Milliseconds(1000), 0, 1);
  EXPECT_EQ(grid.current(grid.due(0) - Milliseconds(1)), -1);
}

TEST(SlotGrid, LetsASlotStartLateByHalfItsPeriodButNeverMoreThanHalfAMinute) {
  EXPECT_EQ(SlotGrid("x", Milliseconds(15000), 0, 1).most_late(), Milliseconds(7500));
  EXPECT_EQ(SlotGrid("x", Milliseconds(3600000), 0, 1).most_late(), Milliseconds(30000));
}

}  // namespace
}  // namespace parallax
