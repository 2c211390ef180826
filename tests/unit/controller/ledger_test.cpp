#include "controller/ledger.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::seconds;

// A ledger with one check at a, b and c, and the first slot that all of them see from its start.
class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    check.check.set_up_when("any");
    check.fingerprint = fingerprint(check.check);
    ledger.apply_definitions(set_of({check}), kStart);
    first = grid_of(check).current(kStart) + 1;
  }

  // When slot `slot` is due at the k-th location.
  WallTime due(std::int64_t slot, std::uint32_t k = 0) const { return grid_of(check, k).due(slot); }

  Applied report(std::int64_t slot, std::uint32_t k, proto::State state) {
    return report(run_of(check, slot, state, k), k, due(slot, k) + seconds(1));
  }
  Applied report(const proto::RunResult& run, std::uint32_t k, WallTime now) {
    return ledger.apply(probe_at(check.locations[k]), run, Milliseconds(0), now);
  }
  const CheckBook& book() const { return ledger.checks().at("shop/health"); }
  const PlaceBook& place(std::size_t k) const { return book().places[k]; }

  DefinedCheck check = http_check("shop", "health", {"a", "b", "c"});
  Ledger ledger;
  std::int64_t first = 0;
};

TEST_F(LedgerTest, GivesTheUptimeAndReachabilityOfThreeLocationsOverFourSlots) {
  const int seen[4][3] = {{1, 1, 1}, {0, 0, 0}, {1, 0, 0}, {1, 1, 0}};
  for (int slot = 0; slot < 4; ++slot)
    for (std::uint32_t k = 0; k < 3; ++k)
      EXPECT_EQ(report(first + slot, k, seen[slot][k] == 1 ? proto::STATE_UP : proto::STATE_DOWN),
                Applied::counted);
  EXPECT_EQ(book().slots.tally().up, 3U);
  EXPECT_EQ(book().slots.tally().down, 1U);
  EXPECT_EQ(book().slots.tally().unknown, 0U);
  std::uint64_t successes = 0;
  std::uint64_t runs = 0;
  for (const PlaceBook& at : book().places) {
    successes += at.counters.success_sum;
    runs += at.counters.success_count;
  }
  EXPECT_EQ(successes, 6U);
  EXPECT_EQ(runs, 12U);
}

}  // namespace
}  // namespace parallax
