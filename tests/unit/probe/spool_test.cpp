#include "probe/memory_spool.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

constexpr std::size_t kPlenty = 1 << 20;

proto::RunResult run_of(const std::string& check, std::int64_t slot, proto::State state = proto::STATE_UP) {
  proto::RunResult result;
  result.set_check_id(check);
  result.set_slot(slot);
  result.set_state(state);
  return result;
}

// Room for about `records` results.
std::size_t room_for(std::size_t records) {
  return records * (65 + run_of("shop/health", 1'000'000).ByteSizeLong()) + 64;
}

std::uint64_t slots_in(const proto::CheckGap& check) {
  auto slots = static_cast<std::uint64_t>(check.slot_size());
  for (int i = 0; i + 1 < check.range_size(); i += 2)
    slots += static_cast<std::uint64_t>(check.range(i + 1) - check.range(i)) + 1;
  return slots;
}

// Every sequence from the first to the last but one must be told by exactly one gap or one record.
struct Told {
  std::uint64_t sequences = 0;
  std::uint64_t up = 0, degraded = 0, down = 0, unknown = 0, missed = 0;
};
Told walk(const Spool& spool, std::uint64_t from) {
  Told told;
  std::uint64_t next = from;
  while (next < spool.next_sequence()) {
    if (const auto* gap = spool.gap_at(next)) {
      EXPECT_EQ(gap->first_sequence(), next);
      for (const auto& check : gap->check()) {
        told.up += check.runs_up();
        told.degraded += check.runs_degraded();
        told.down += check.runs_down();
        told.unknown += check.runs_unknown();
        told.missed += slots_in(check) - check.runs_up() - check.runs_degraded() - check.runs_down() -
                       check.runs_unknown();  // evicted runs name theirs
      }
      told.sequences += gap->last_sequence() - next + 1;
      next = gap->last_sequence() + 1;
      continue;
    }
    const auto records = spool.read(next, 1);
    EXPECT_EQ(records.size(), 1U) << "sequence " << next << " is neither in a gap nor held";
    if (records.empty()) return told;
    EXPECT_EQ(records[0].first, next);
    if (const auto* missed = std::get_if<MissedSlots>(&records[0].second)) told.missed += missed->slots.size();
    ++told.sequences;
    ++next;
  }
  return told;
}

TEST(MemorySpool, GivesConsecutiveSequencesFromOne) {
  MemorySpool spool("id", kPlenty);
  EXPECT_EQ(spool.first_sequence(), 1U);
  EXPECT_EQ(spool.next_sequence(), 1U);
  for (int slot = 0; slot < 3; ++slot) spool.append(run_of("shop/health", slot), Instant());
  const auto records = spool.read(2, 10);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].first, 2U);
  EXPECT_EQ(std::get<proto::RunResult>(records[1].second).slot(), 2);
  EXPECT_EQ(spool.read(4, 10).size(), 0U);
}

TEST(MemorySpool, FreesWhatIsCountedAndNothingElse) {
  MemorySpool spool("id", kPlenty);
  for (int slot = 0; slot < 5; ++slot) spool.append(run_of("shop/health", slot), Instant());
  spool.free_up_to(3);
  spool.free_up_to(2);
  EXPECT_EQ(spool.first_sequence(), 4U);
  EXPECT_EQ(spool.next_sequence(), 6U);
  EXPECT_EQ(spool.results_held(), 2U);
}

TEST(MemorySpool, CountsByStateWhatItHadToEvict) {
  MemorySpool spool("id", room_for(4));
  const proto::State states[] = {proto::STATE_UP, proto::STATE_DEGRADED, proto::STATE_DOWN, proto::STATE_UNKNOWN};
  for (int slot = 0; slot < 12; ++slot)
    spool.append(run_of("shop/health", 1'000'000 + slot, states[slot % 4]), Instant());
  const auto* gap = spool.gap_at(1);
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->cause(), proto::Gap::EVICTED);
  EXPECT_EQ(gap->last_sequence(), 8U);
  ASSERT_EQ(gap->check_size(), 4);  // one a state: what is left when some slots are counted already is known
  EXPECT_EQ(gap->check(0).runs_up(), 2U);
  EXPECT_EQ(gap->check(1).runs_degraded(), 2U);
  EXPECT_EQ(gap->check(2).runs_down(), 2U);
  EXPECT_EQ(gap->check(3).runs_unknown(), 2U);
  EXPECT_EQ(spool.first_sequence(), 1U);
  EXPECT_EQ(walk(spool, 1).sequences, 12U);
}

TEST(MemorySpool, KeepsTheSlotsAndCauseOfAnEvictedDeclaration) {
  MemorySpool spool("id", room_for(2));
  spool.append(MissedSlots{"shop/health", proto::Gap::OVERRUN, {7, 8}}, Instant());
  for (int slot = 0; slot < 5; ++slot) spool.append(run_of("shop/health", 1'000'000 + slot), Instant());
  const auto* gap = spool.gap_at(1);
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->cause(), proto::Gap::OVERRUN);
  EXPECT_EQ(gap->last_sequence(), 1U);
  ASSERT_EQ(gap->check(0).range_size(), 2);
  EXPECT_EQ(gap->check(0).range(0), 7);
  EXPECT_EQ(gap->check(0).range(1), 8);
}

TEST(MemorySpool, NeverMixesWhatMayHaveBeenCountedWithWhatWasNot) {
  MemorySpool spool("id", room_for(4));
  for (int slot = 0; slot < 4; ++slot) spool.append(run_of("shop/health", 1'000'000 + slot), Instant());
  spool.note_sent(3);
  for (int slot = 4; slot < 10; ++slot) spool.append(run_of("shop/health", 1'000'000 + slot), Instant());
  // 1 to 3 were sent and may be counted up to any of them; 4 to 6 may share a gap.
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    ASSERT_NE(spool.gap_at(sequence), nullptr);
    EXPECT_EQ(spool.gap_at(sequence)->last_sequence(), sequence);
  }
  ASSERT_NE(spool.gap_at(4), nullptr);
  EXPECT_EQ(spool.gap_at(4)->last_sequence(), 6U);
  spool.free_up_to(2);
  EXPECT_EQ(spool.first_sequence(), 3U);
  EXPECT_EQ(walk(spool, 3).up, 4U);
}

TEST(MemorySpool, DoesNotAddToAGapThatWasSent) {
  MemorySpool spool("id", room_for(2));
  for (int slot = 0; slot < 4; ++slot) spool.append(run_of("shop/health", 1'000'000 + slot), Instant());
  ASSERT_EQ(spool.gap_at(1)->last_sequence(), 2U);
  spool.note_sent(2);
  for (int slot = 4; slot < 6; ++slot) spool.append(run_of("shop/health", 1'000'000 + slot), Instant());
  EXPECT_EQ(spool.gap_at(1)->last_sequence(), 2U);
  ASSERT_NE(spool.gap_at(3), nullptr);
  EXPECT_EQ(spool.gap_at(3)->last_sequence(), 4U);
}

TEST(MemorySpool, ADayWithoutAControllerLosesNoCount) {
  MemorySpool spool("id", room_for(50));
  for (int i = 0; i < 20'000; ++i) {
    spool.append(run_of("shop/" + std::to_string(i % 30), 1'000'000 + i), Instant());
    spool.append(MissedSlots{"shop/health", proto::Gap::OVERLOAD, {i}}, Instant());
  }
  const std::uint64_t held_runs = 25;
  const Told told = walk(spool, 1);
  EXPECT_EQ(told.sequences, 40'000U);
  EXPECT_EQ(told.missed, 20'000U);
  EXPECT_NEAR(static_cast<double>(told.up), 20'000.0 - held_runs, 5);
}

TEST(MemorySpool, TwoSpoolsHaveDifferentIdsOf128Bits) {
  EXPECT_EQ(random_spool_id().size(), 16U);
  EXPECT_NE(random_spool_id(), random_spool_id());
}

}  // namespace
}  // namespace parallax
