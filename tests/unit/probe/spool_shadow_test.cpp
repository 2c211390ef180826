#include "probe/spool_shadow.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/probe/model_spool_disk.h"
#include "tests/unit/probe/spool_scene.h"

namespace parallax {
namespace {

constexpr std::size_t kPlenty = 1 << 22;

// One life of a probe on a platter that outlives it.
struct Life {
  explicit Life(Platter& platter, SpoolClock& with, std::size_t max_bytes = kPlenty, std::string trouble = "")
      : clock(with),
        disk(platter),
        spool("id", max_bytes, static_cast<std::uint64_t>(unix_us(with.wall()))),
        shadow(spool, disk, with, [] {}) {
    disk.trouble = std::move(trouble);
    shadow.open();
  }
  void pass(Nanoseconds time) {
    clock.passed += time;
    shadow.tick();
  }
  // Until the disk has all there is to have.
  void settle() {
    for (int i = 0; i < 100; ++i) {
      pass(Milliseconds(100));
      if (!disk.is_writing()) return;
      disk.end();
    }
  }
  void flush() {
    shadow.flush();
    if (disk.is_writing()) disk.end();
    shadow.tick();
    if (disk.is_writing()) disk.end();
  }

  SpoolClock& clock;
  ModelSpoolDisk disk;
  MemorySpool spool;
  SpoolShadow shadow;
};

struct SpoolShadowTest : testing::Test {
  SpoolClock clock;
  Platter platter;
};

TEST_F(SpoolShadowTest, ARestartKeepsEverythingUnacknowledgedInOrderUnderNewSequences) {
  {
    Life life(platter, clock);
    for (int slot = 0; slot < 10; ++slot) life.spool.append(run_at(slot), clock.now());
    life.spool.append(MissedSlots{"shop/health", proto::Gap::OVERLOAD, {10, 11}}, clock.now());
    life.settle();
    life.spool.free_up_to(4);
    life.spool.append(run_at(12, proto::STATE_DOWN), clock.now());
    life.settle();
  }
  Life life(platter, clock);
  EXPECT_EQ(life.spool.first_sequence(), 1U);
  EXPECT_EQ(life.spool.next_sequence(), 9U);
  const auto results = life.spool.read(1, 100);
  ASSERT_EQ(results.size(), 6U);
  for (std::size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(std::get<proto::RunResult>(results[i].second).SerializeAsString(),
              run_at(static_cast<std::int64_t>(i) + 4).SerializeAsString());
  EXPECT_EQ(std::get<MissedSlots>(life.spool.read(7, 1)[0].second).slots, (std::vector<std::int64_t>{10, 11}));
  EXPECT_EQ(std::get<proto::RunResult>(life.spool.read(8, 1)[0].second).state(), proto::STATE_DOWN);
  life.settle();
  EXPECT_EQ(life.disk.rows_put, 0U) << "what the disk has is not written again";
}

TEST_F(SpoolShadowTest, WhatIsAcknowledgedBeforeItsCommitNeverTouchesTheDisk) {
  Life life(platter, clock);
  for (int slot = 0; slot < 10; ++slot) {
    life.spool.append(run_at(slot), clock.now());
    life.pass(Milliseconds(50));
    life.spool.free_up_to(static_cast<std::uint64_t>(slot) + 1);
    life.pass(Milliseconds(950));
  }
  EXPECT_EQ(life.disk.writes, 0);
}

TEST_F(SpoolShadowTest, WhatFinishedWithinATenthOfASecondGoesTogetherWithoutASync) {
  Life life(platter, clock);
  for (int slot = 0; slot < 5; ++slot) {
    life.spool.append(run_at(slot), clock.now());
    life.pass(Milliseconds(20));
    EXPECT_EQ(life.disk.writes, slot == 4);
  }
  EXPECT_EQ(life.disk.rows_put, 5U);
  EXPECT_EQ(life.disk.syncs, 0);
}

TEST_F(SpoolShadowTest, SyncsOnlyWhatStaysUnacknowledgedForSeconds) {
  Life life(platter, clock);
  life.spool.append(run_at(0), clock.now());
  life.settle();
  life.spool.free_up_to(1);
  for (int i = 0; i < 100; ++i) {
    life.pass(Milliseconds(100));
    if (life.disk.is_writing()) life.disk.end();
  }
  EXPECT_EQ(life.disk.syncs, 0) << "it was acknowledged";
  life.spool.append(run_at(1), clock.now());
  for (int i = 0; i < 100; ++i) {
    life.pass(Milliseconds(100));
    if (life.disk.is_writing()) life.disk.end();
  }
  EXPECT_EQ(life.disk.syncs, 1) << "once is enough for a record that stays";
}

TEST_F(SpoolShadowTest, GoesOnWithoutItsDiskAndWritesEverythingWhenItWorksAgain) {
  Life life(platter, clock);
  life.disk.trouble = "disk full";
  for (int slot = 0; slot < 20; ++slot) life.spool.append(run_at(slot), clock.now());
  life.settle();
  EXPECT_EQ(life.shadow.trouble(), "disk full");
  const int tries = life.disk.writes;
  for (int i = 0; i < 6000; ++i) {
    life.pass(Milliseconds(100));
    if (life.disk.is_writing()) life.disk.end();
  }
  EXPECT_LE(life.disk.writes - tries, 20) << "ten minutes: tried again, but ever less often";
  EXPECT_GE(life.disk.writes - tries, 8);
  EXPECT_EQ(life.spool.results_held(), 20U);
  life.disk.trouble.clear();
  life.pass(std::chrono::seconds(61));
  life.disk.end();
  EXPECT_EQ(life.shadow.trouble(), "");
  life.settle();
  EXPECT_EQ(platter.size(), 20U);
}

TEST_F(SpoolShadowTest, WritesEverythingAgainToADiskThatMayHaveLostIt) {
  Life life(platter, clock);
  for (int slot = 0; slot < 20; ++slot) life.spool.append(run_at(slot), clock.now());
  life.settle();
  platter.clear();
  life.disk.trouble = "no such file";
  life.disk.loses_all = true;
  life.spool.append(run_at(20), clock.now());
  life.settle();
  life.disk.trouble.clear();
  life.disk.loses_all = false;
  life.pass(std::chrono::seconds(10));
  life.disk.end();
  life.settle();
  EXPECT_EQ(platter.size(), 21U);
}

TEST_F(SpoolShadowTest, TakesWhatADiskHeldThatCouldNotBeOpenedAtTheStart) {
  {
    Life life(platter, clock);
    for (int slot = 0; slot < 5; ++slot) life.spool.append(run_at(slot), clock.now());
    life.settle();
  }
  clock.passed += std::chrono::seconds(5);
  Life life(platter, clock, kPlenty, "permission denied");
  EXPECT_EQ(life.shadow.trouble(), "permission denied");
  life.spool.append(run_at(9), clock.now());
  life.pass(std::chrono::seconds(2));
  ASSERT_TRUE(life.disk.is_writing());
  life.disk.trouble.clear();
  SpoolWritten written;
  written.may_have_lost_all = true;
  written.found = life.disk.open().found;
  life.disk.commit();
  life.disk.answer(std::move(written));
  EXPECT_EQ(slots_in(life.spool), (std::map<std::int64_t, int>{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {9, 1}}));
  life.settle();
  EXPECT_EQ(platter.size(), 6U);
}

// The promise over kills: drawn from a seed, a life ends at any moment, with or without its last write. What was
// committed and not acknowledged is there again; nothing is there twice, and nothing that never was.
TEST_F(SpoolShadowTest, WhereverItIsKilledWhatWasCommittedIsThereOnce) {
  std::uint64_t seed = 11;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % below;
  };
  std::int64_t slot = 0;
  std::set<std::int64_t> made, acknowledged;
  int evicted_lives = 0;
  for (int lives = 0; lives < 300; ++lives) {
    clock.passed += std::chrono::seconds(1);
    Life life(platter, clock, random(3) == 0 ? 3000 : kPlenty);
    for (const auto& [which, times] : slots_in(life.spool)) {
      ASSERT_EQ(times, 1) << "slot " << which << " in life " << lives;
      ASSERT_TRUE(made.contains(which));
    }
    std::set<std::int64_t> on_disk;  // as far as a finished write goes
    for (const auto& [which, times] : slots_in(life.spool)) on_disk.insert(which);
    const auto steps = random(120);
    for (std::uint64_t step = 0; step < steps; ++step) {
      switch (random(6)) {
        case 0:
        case 1:
          made.insert(slot);
          life.spool.append(run_at(slot++), clock.now());
          break;
        case 2:
          made.insert(slot);
          made.insert(slot + 1);
          life.spool.append(MissedSlots{"shop/health", proto::Gap::OVERLOAD, {slot, slot + 1}, {}, 15'000},
                            clock.now());
          slot += 2;
          break;
        case 3: {
          const std::uint64_t there = life.spool.next_sequence() - life.spool.first_sequence();
          if (there == 0 || random(4) != 0) break;
          const auto before = slots_in(life.spool);
          life.spool.note_sent(life.spool.next_sequence() - 1);
          life.spool.free_up_to(life.spool.first_sequence() + random(there));
          const auto after = slots_in(life.spool);
          for (const auto& [which, times] : before)
            if (!after.contains(which)) acknowledged.insert(which);
          break;
        }
        case 4:
          life.pass(Milliseconds(random(200)));
          break;
        default:
          if (!life.disk.is_writing()) break;
          if (random(5) == 0) {
            life.disk.trouble = "full";
            life.disk.end();
            life.disk.trouble.clear();
            break;
          }
          life.disk.end();
          break;
      }
      if (life.spool.gap_at(life.spool.first_sequence())) ++evicted_lives;
    }
    const bool is_orderly = random(3) == 0;
    if (is_orderly) {
      life.flush();
      on_disk.clear();
      for (const auto& [which, times] : slots_in(life.spool)) on_disk.insert(which);
    } else if (life.disk.is_writing() && random(2) == 0) {
      life.disk.commit();  // it reached the platter, and nobody was told
    }
    // What was there at the beginning or was made orderly is still accounted for, or acknowledged.
    ModelSpoolDisk look(platter);
    MemorySpool next("next", kPlenty);
    next.restore(look.open().found, clock.now(), clock.wall());
    const auto there = slots_in(next);
    for (const std::int64_t which : on_disk)
      ASSERT_TRUE(there.contains(which) || acknowledged.contains(which))
          << "slot " << which << " in life " << lives;
    for (const auto& [which, times] : there) ASSERT_EQ(times, 1) << "slot " << which << " after life " << lives;
  }
  EXPECT_GT(made.size(), 5000U);
  EXPECT_GT(evicted_lives, 100) << "the spool hardly overflowed: the test is too kind";
}

TEST_F(SpoolShadowTest, AnOutageOfDaysWritesItsGapsNowAndThenAndKeepsTheDiskBounded) {
  std::uint64_t bytes_written = 0;
  Life life(platter, clock, 100'000);
  for (int slot = 0; slot < 20'000; ++slot) {
    life.spool.append(run_at(slot, slot % 10 == 0 ? proto::STATE_DOWN : proto::STATE_UP), clock.now());
    life.pass(Milliseconds(200));
    if (life.disk.is_writing()) life.disk.end();
  }
  std::uint64_t bytes = 0;
  for (const auto& [key, row] : platter) bytes += row.size();
  EXPECT_LT(bytes, 110'000U);
  EXPECT_LT(life.disk.rows_put, 20'000U + 20'000U / 32) << "not a gap for each record";
  bytes_written += bytes;
  life.flush();
  EXPECT_EQ(slots_in(life.spool).size(), 20'000U);
  Life next(platter, clock);
  EXPECT_EQ(slots_in(next.spool).size(), 20'000U);
}

}  // namespace
}  // namespace parallax
