#include "probe/link.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/probe/batch_decoder.h"

namespace parallax {
namespace {

using Seconds = std::chrono::seconds;

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
      missed +=
          check.slot_size() - static_cast<int>(check.runs_up() + check.runs_down());  // evicted runs name theirs
    }
  }
};

proto::RunResult run_of(std::int64_t slot, proto::State state = proto::STATE_UP) {
  proto::RunResult result;
  result.set_check_id("shop/health");
  result.set_definition(1);
  result.set_slot(slot);
  result.set_state(state);
  result.set_detail("200 OK");
  return result;
}

struct LinkTest : testing::Test {
  explicit LinkTest(std::size_t spool_bytes = 1 << 24) : spool("0123456789abcdef", spool_bytes) {}

  MemorySpool spool;
  double dice = 0.5;
  Link link{spool, Link::Settings{.controllers = 2,
                                  .hello = {},
                                  .random = [this] { return dice; },
                                  .figures = [] { return proto::Heartbeat(); }}};
  Moment now{Instant(Seconds(1000)), from_unix_us(1'790'000'000'000'000)};
  std::vector<proto::FromProbe> sent;
  std::vector<std::size_t> dialled;
  std::vector<LinkActions::Disconnected> disconnected;
  std::vector<proto::Assignment> assignments;
  int closes = 0;
  int odd = 0;

  void keep(LinkActions actions) {
    if (actions.close) ++closes;
    if (actions.disconnected) disconnected.push_back(*actions.disconnected);
    if (actions.dial) {
      dialled.push_back(*actions.dial);
      sent.clear();
    }
    for (auto& message : actions.send) sent.push_back(std::move(message));
    for (auto& assignment : actions.assignments) assignments.push_back(std::move(assignment));
    odd += static_cast<int>(actions.odd.size());
  }
  void pass(Nanoseconds time) {
    now.steady += time;
    now.wall += std::chrono::duration_cast<std::chrono::microseconds>(time);
  }
  void record(std::int64_t slot, bool changed = false, proto::State state = proto::STATE_UP) {
    spool.append(run_of(slot, state), now.steady);
    keep(link.recorded(changed, now));
  }
  void welcome(std::uint64_t applied, std::uint32_t window = 0) {
    proto::FromController message;
    message.mutable_welcome()->set_applied_sequence(applied);
    message.mutable_welcome()->set_window_bytes(window);
    keep(link.received(message, now));
  }
  void assign(bool whole = true, bool complete = true) {
    proto::FromController message;
    auto& assignment = *message.mutable_assignment();
    assignment.set_whole(whole);
    assignment.set_complete(complete);
    assignment.set_revision("r1");
    auto& check = *assignment.add_check();
    check.mutable_check()->set_id("shop/health");
    check.set_definition(1);
    check.set_number(1);
    keep(link.received(message, now));
  }
  void ack(std::uint64_t applied) {
    proto::FromController message;
    message.mutable_ack()->set_applied_sequence(applied);
    keep(link.received(message, now));
  }
  void heartbeat() {
    proto::FromController message;
    message.mutable_heartbeat();
    keep(link.received(message, now));
  }
  void dial() {
    if (link.wake() > now.steady) pass(link.wake() - now.steady);
    keep(link.tick(now));
  }
  void open(std::uint64_t applied = 0, std::uint32_t window = 0) {
    dial();
    welcome(applied, window);
    assign();
  }
  std::vector<proto::Batch> batches() const {
    std::vector<proto::Batch> found;
    for (const auto& message : sent)
      if (message.has_batch()) found.push_back(message.batch());
    return found;
  }
};

TEST_F(LinkTest, BeginsWithHelloAndSendsNothingElseBeforeItKnowsItsChecks) {
  record(1, true);
  dial();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].hello().spool_id(), spool.id());
  EXPECT_EQ(sent[0].hello().first_sequence(), 1U);
  EXPECT_EQ(sent[0].hello().next_sequence(), 2U);
  welcome(0);
  EXPECT_TRUE(batches().empty());
  assign();
  EXPECT_EQ(batches().size(), 1U);
  ASSERT_EQ(assignments.size(), 1U);
}

TEST_F(LinkTest, AChangedStateGoesAtOnceOthersWithinASecondOrByFifty) {
  open();
  record(1, true);
  ASSERT_EQ(batches().size(), 1U);
  record(2);
  EXPECT_EQ(batches().size(), 1U);
  EXPECT_EQ(link.wake(), now.steady + Seconds(1));
  pass(Seconds(1));
  keep(link.tick(now));
  ASSERT_EQ(batches().size(), 2U);
  for (int slot = 3; slot < 53; ++slot) record(slot);
  ASSERT_EQ(batches().size(), 3U);
  EXPECT_EQ(batches()[2].check_number_size(), 50);
  EXPECT_EQ(batches()[2].first_sequence(), 3U);
}

TEST_F(LinkTest, AnAcknowledgementFreesTheSpool) {
  open();
  for (int slot = 0; slot < 50; ++slot) record(slot);
  ack(30);
  EXPECT_EQ(spool.first_sequence(), 31U);
  EXPECT_FALSE(link.all_counted());
  ack(50);
  EXPECT_TRUE(link.all_counted());
}

TEST_F(LinkTest, AfterABreakItGoesOnBehindTheLastThatWasCounted) {
  open();
  for (int slot = 0; slot < 50; ++slot) record(slot);
  keep(link.closed("connection reset", now));
  for (int slot = 50; slot < 60; ++slot) record(slot);
  dial();
  welcome(20);
  assign();
  ASSERT_EQ(batches().size(), 1U);
  EXPECT_EQ(batches()[0].first_sequence(), 21U);
  EXPECT_EQ(batches()[0].check_number_size(), 40);
  EXPECT_EQ(batches()[0].detail_size(), 1);  // a new session knows nothing of what was told before
}

TEST_F(LinkTest, DeclarationsKeepTheirPlaceBetweenResults) {
  open();
  record(1);
  spool.append(MissedSlots{"shop/health", proto::Gap::OVERRUN, {2, 3}}, now.steady);
  record(4, true);
  std::vector<std::uint64_t> order;
  for (const auto& message : sent) {
    if (message.has_batch()) order.push_back(message.batch().first_sequence());
    if (!message.has_gap()) continue;
    order.push_back(100 * message.gap().first_sequence());
    EXPECT_EQ(message.gap().cause(), proto::Gap::OVERRUN);
    EXPECT_EQ(message.gap().last_sequence(), 2U);
    EXPECT_EQ(message.gap().check(0).slot_size(), 2);
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 200, 3}));
}

TEST_F(LinkTest, NoMoreThanTheWindowIsUnacknowledged) {
  for (int slot = 0; slot < 50'000; ++slot) record(slot);
  open(0, 16 * 1024);
  std::size_t bytes = 0;
  for (const auto& batch : batches()) bytes += batch.ByteSizeLong();
  EXPECT_GE(bytes, 12U * 1024);
  EXPECT_LE(bytes, 24U * 1024);
  const auto before = batches().size();
  record(50'000, true);
  EXPECT_EQ(batches().size(), before);  // full is full, also for a changed state
  EXPECT_GT(link.wake(), now.steady);   // and nothing spins
  ack(batches().back().first_sequence() - 1);
  EXPECT_GT(batches().size(), before);
}

TEST_F(LinkTest, ALongBacklogIsPrecededByTheNewestStateOfEachCheck) {
  for (int slot = 0; slot < 5'000; ++slot) record(slot);
  record(5'000, true, proto::STATE_DOWN);
  open();
  std::size_t first_batch = sent.size(), current = sent.size();
  for (std::size_t i = sent.size(); i-- > 0;) {
    if (sent[i].has_batch()) first_batch = i;
    if (sent[i].has_current()) current = i;
  }
  ASSERT_LT(current, first_batch);
  ASSERT_EQ(sent[current].current().result_size(), 1);
  EXPECT_EQ(sent[current].current().result(0).slot(), 5'000);
  EXPECT_EQ(sent[current].current().result(0).state(), proto::STATE_DOWN);
}

TEST_F(LinkTest, RejectedResultsAreConsumed) {
  open();
  for (int slot = 0; slot < 3; ++slot) record(slot, true);
  proto::FromController message;
  message.mutable_reject()->add_sequence(2);
  message.mutable_reject()->add_sequence(3);
  keep(link.received(message, now));
  EXPECT_EQ(spool.first_sequence(), 1U);  // 1 is not counted yet
  ack(1);
  EXPECT_TRUE(link.all_counted());
}

TEST_F(LinkTest, AnAcknowledgementOfWhatWasNeverSentFreesNothing) {
  open();
  record(1);
  ack(1);  // still waiting for its second
  EXPECT_EQ(closes, 1);
  EXPECT_EQ(spool.first_sequence(), 1U);
}

TEST_F(LinkTest, AWelcomeThatClaimsMoreThanWasMadeFreesNothing) {
  record(1);
  dial();
  welcome(2);
  EXPECT_EQ(closes, 1);
  EXPECT_EQ(spool.first_sequence(), 1U);
}

TEST_F(LinkTest, AControllerThatWentBackInTimeIsToldOfTheHole) {
  open();
  for (int slot = 0; slot < 50; ++slot) record(slot);
  ack(50);
  record(50, true);
  keep(link.closed("gone", now));
  dial();
  welcome(10);
  assign();
  const proto::Gap* gap = nullptr;
  for (const auto& message : sent)
    if (message.has_gap()) gap = &message.gap();
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->cause(), proto::Gap::CORRUPT);
  EXPECT_EQ(gap->first_sequence(), 11U);
  EXPECT_EQ(gap->last_sequence(), 50U);
  EXPECT_EQ(batches().back().first_sequence(), 51U);
  EXPECT_EQ(odd, 1);
}

TEST_F(LinkTest, BeatsEveryTenSecondsAndNoticesADeadLinkAfterSixteen) {
  open();
  int beats = 0;
  for (int second = 0; second < 60; ++second) {
    pass(Seconds(1));
    if (second % 10 == 5) heartbeat();
    keep(link.tick(now));
  }
  for (const auto& message : sent) beats += message.has_heartbeat();
  EXPECT_EQ(beats, 7);
  EXPECT_TRUE(disconnected.empty());
  heartbeat();
  pass(Seconds(15));
  keep(link.tick(now));
  EXPECT_EQ(closes, 0);
  pass(Seconds(1));
  keep(link.tick(now));
  EXPECT_EQ(closes, 1);
  ASSERT_EQ(disconnected.size(), 1U);
}

TEST_F(LinkTest, BacksOffWithFullJitterFromOneToThirtySeconds) {
  dice = 0.999999;
  std::vector<double> tries;
  for (int i = 0; i < 12; ++i) {
    dial();
    keep(link.closed("refused", now));
    tries.push_back(parallax::seconds(disconnected.back().next_try));
  }
  EXPECT_NEAR(tries[0], 1, 0.01);
  EXPECT_NEAR(tries[1], 2, 0.01);
  EXPECT_NEAR(tries[3], 8, 0.01);
  for (std::size_t i = 5; i < tries.size(); ++i) EXPECT_NEAR(tries[i], 30, 0.01);
  dice = 0;
  dial();
  keep(link.closed("refused", now));
  EXPECT_EQ(disconnected.back().next_try, Nanoseconds(0));  // full jitter begins at nothing
}

TEST_F(LinkTest, TriesItsControllersInTurn) {
  for (int i = 0; i < 4; ++i) {
    dial();
    keep(link.closed("refused", now));
  }
  EXPECT_EQ(dialled, (std::vector<std::size_t>{0, 1, 0, 1}));
}

TEST_F(LinkTest, SpreadsItsReturnAsTheControllerToldIt) {
  dial();
  proto::FromController message;
  message.mutable_welcome()->set_reconnect_spread_ms(50'000);
  keep(link.received(message, now));
  assign();
  keep(link.closed("gone", now));
  EXPECT_EQ(disconnected.back().next_try, Nanoseconds(Seconds(25)));
  dial();
  welcome(0);
  proto::FromController drain;
  drain.mutable_drain()->set_reconnect_min_ms(4'000);
  drain.mutable_drain()->set_reconnect_max_ms(8'000);
  keep(link.received(drain, now));
  EXPECT_EQ(disconnected.back().next_try, Nanoseconds(Seconds(6)));
  EXPECT_EQ(link.wake(), now.steady + Seconds(6));
}

TEST_F(LinkTest, GivesUpOnAGreetingThatIsNotAnswered) {
  dial();
  pass(Seconds(15));
  keep(link.tick(now));
  EXPECT_EQ(closes, 1);
  ASSERT_EQ(disconnected.size(), 1U);
}

TEST_F(LinkTest, PutsAnAssignmentInForceOnlyWhenAllItsPartsAreThere) {
  dial();
  welcome(0);
  assign(true, false);
  EXPECT_TRUE(assignments.empty());
  assign(true, true);
  ASSERT_EQ(assignments.size(), 1U);
  EXPECT_EQ(assignments[0].check_size(), 2);
}

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
