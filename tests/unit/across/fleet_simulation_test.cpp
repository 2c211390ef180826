#include "tests/unit/across/fleet_simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace parallax {
namespace {

constexpr std::uint64_t kSteps = 90'000;  // of one seed
constexpr std::uint64_t kRounds = 3;      // of trouble and healing

// PARALLAX_SEED=N replays one seed; else these are played, each in a test of its own.
std::vector<std::uint64_t> seeds() {
  if (const char* wanted = std::getenv("PARALLAX_SEED")) return {std::strtoull(wanted, nullptr, 10)};
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) all.push_back(seed);
  return all;
}

class FleetSimulationTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  // What is rare need not come with each seed, but it must come.
  static void TearDownTestSuite() {
    if (seeds_played < seeds().size() || seeds().size() == 1) return;
    EXPECT_GT(evicted, 0U) << "the test is too kind";
    EXPECT_GT(duplicates, 0U) << "the test is too kind";
  }

  static inline std::size_t seeds_played = 0;
  static inline std::uint64_t evicted = 0;
  static inline std::uint64_t duplicates = 0;
};

TEST_P(FleetSimulationTest, CountsEverySlotExactlyOnceWhateverBreaks) {
  FleetSimulation fleet(GetParam());
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    ASSERT_TRUE(fleet.run(kSteps * round / kRounds)) << fleet.report();
    ASSERT_TRUE(fleet.heal()) << fleet.report();
  }
  const auto& counted = fleet.counted();
  RecordProperty("counted", std::to_string(counted.runs));
  if (std::getenv("PARALLAX_SEED") != nullptr) return;
  EXPECT_GE(fleet.steps(), kSteps);
  EXPECT_GE(fleet.faults().size(), 10U) << "the test is too kind";
  EXPECT_GT(counted.runs, 1000U);
  EXPECT_GT(counted.missed, 0U);
  ++seeds_played;
  evicted += counted.evicted;
  duplicates += counted.duplicates;
}

INSTANTIATE_TEST_SUITE_P(Seeds, FleetSimulationTest, testing::ValuesIn(seeds()));

}  // namespace
}  // namespace parallax
