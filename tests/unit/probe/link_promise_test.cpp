#include "tests/unit/probe/link_scene.h"

namespace parallax {
namespace {

// The controller's rules, as plain as can be: up to applied is a duplicate, applied + 1 is applied, a hole is an
// error. It outlives its sessions; what it did not yet acknowledge it has applied all the same.
struct PlainController {
  std::string spool_id;
  std::uint64_t applied = 0;
  std::uint64_t duplicates = 0;
  std::map<std::int64_t, int> runs_by_slot;
  std::uint64_t up = 0, down = 0, missed = 0;
  BatchDecoder decoder;
  std::vector<proto::Current> currents;
  std::size_t most_bytes = 0;

  std::uint64_t greet(const proto::Hello& hello) {
    if (hello.spool_id() != spool_id) applied = hello.first_sequence() - 1;
    spool_id = hello.spool_id();
    decoder = BatchDecoder();
    decoder.assign("shop/health", 1, 1);
    return applied;
  }
  bool is_next(std::uint64_t sequence) {
    if (sequence <= applied) {
      ++duplicates;
      return false;
    }
    EXPECT_EQ(sequence, applied + 1) << "a hole";
    applied = sequence;
    return true;
  }
  void take(const proto::FromProbe& message) {
    most_bytes = std::max(most_bytes, message.ByteSizeLong());
    if (message.has_current()) currents.push_back(message.current());
    if (message.has_batch()) {
      std::uint64_t sequence = message.batch().first_sequence();
      for (const auto& result : decoder.decode(message.batch())) {
        if (!is_next(sequence++)) continue;
        ++runs_by_slot[result.slot()];
        ++(result.state() == proto::STATE_UP ? up : down);
      }
    }
    if (!message.has_gap()) return;
    const auto& gap = message.gap();
    if (gap.last_sequence() <= applied) {
      ++duplicates;
      return;
    }
    EXPECT_EQ(gap.first_sequence(), applied + 1) << "a hole";
    applied = gap.last_sequence();
    for (const auto& check : gap.check()) {
      up += check.runs_up();
      down += check.runs_down();
      missed += static_cast<std::uint64_t>(check.slot_size());
      for (int i = 0; i + 1 < check.range_size(); i += 2)
        missed += static_cast<std::uint64_t>(check.range(i + 1) - check.range(i)) + 1;
      missed -= check.runs_up() + check.runs_down();  // evicted runs name their slots
    }
  }
};

struct SmallSpoolLinkTest : LinkTest {
  SmallSpoolLinkTest() : LinkTest(20'000) {}
};

// The promise, over many breaks at every moment and a spool that overflows: each run is counted exactly once.
TEST_F(SmallSpoolLinkTest, WhateverBreaksEveryRunIsCountedExactlyOnce) {
  std::uint64_t seed = 7;
  const auto random = [&](std::uint64_t below) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (seed >> 33) % below;
  };
  PlainController controller;
  std::uint64_t made_up = 0, made_down = 0, made_missed = 0;
  std::int64_t slot = 0;
  bool connected = false;
  const auto deliver = [&] {  // the controller may get a part only of what was sent before the connection breaks
    for (auto& message : std::exchange(sent, {})) {
      if (connected && random(60) == 0) {
        keep(link.closed("reset", now));
        connected = false;
        return;
      }
      if (message.has_hello()) {
        connected = true;
        const auto applied = controller.greet(message.hello());
        welcome(applied, 4096);
        assign();
      }
      controller.take(message);
    }
  };
  for (int step = 0; step < 60'000; ++step) {
    pass(Milliseconds(random(400)));
    if (random(4) != 0) {
      const bool down = random(20) == 0;
      ++(down ? made_down : made_up);
      record(slot++, down, down ? proto::STATE_DOWN : proto::STATE_UP);
    }
    if (random(50) == 0) {
      spool.append(MissedSlots{"shop/health", proto::Gap::OVERLOAD, {slot++}}, now.steady);
      ++made_missed;
      keep(link.recorded(false, now));
    }
    if (now.steady >= link.wake() && (connected || random(100) == 0)) keep(link.tick(now));
    deliver();
    if (connected && random(3) == 0) ack(controller.applied);
    if (connected && random(20) == 0) heartbeat();
  }
  for (int i = 0; i < 1'000 && !link.all_counted(); ++i) {
    pass(Seconds(1));
    keep(link.tick(now));
    deliver();
    if (connected) ack(controller.applied);
  }
  EXPECT_TRUE(link.all_counted());
  EXPECT_EQ(controller.up, made_up);
  EXPECT_EQ(controller.down, made_down);
  EXPECT_EQ(controller.missed, made_missed);
  for (const auto& [which, count] : controller.runs_by_slot) EXPECT_EQ(count, 1) << "slot " << which;
  EXPECT_LT(controller.runs_by_slot.size(), made_up + made_down)
      << "the spool never overflowed: the test is too kind";
  EXPECT_GT(dialled.size(), 100U) << "the connection hardly broke: the test is too kind";
  EXPECT_LT(controller.most_bytes, 256U * 1024);
}

}  // namespace
}  // namespace parallax
