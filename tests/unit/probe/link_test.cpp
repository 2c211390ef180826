#include "tests/unit/probe/link_scene.h"

namespace parallax {
namespace {

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

TEST_F(LinkTest, AChangedStateGoesAtOnceOthersWithinASecondOrByTheHundred) {
  open();
  record(1, true);
  ASSERT_EQ(batches().size(), 1U);
  record(2);
  EXPECT_EQ(batches().size(), 1U);
  EXPECT_EQ(link.wake(), now.steady + Seconds(1));
  pass(Seconds(1));
  keep(link.tick(now));
  ASSERT_EQ(batches().size(), 2U);
  pass(Milliseconds(50));
  for (int slot = 3; slot < 103; ++slot) record(slot);
  ASSERT_EQ(batches().size(), 3U);
  EXPECT_EQ(batches()[2].check_number_size(), 100);
  EXPECT_EQ(batches()[2].first_sequence(), 3U);
}

TEST_F(LinkTest, WhereThereAreManyABatchFillsUpForSomeMilliseconds) {
  open();
  record(1, true);
  for (int slot = 2; slot < 202; ++slot) {
    EXPECT_EQ(batches().size(), 1U);
    record(slot);
  }
  ASSERT_EQ(batches().size(), 2U) << "a full one does not wait";
  EXPECT_EQ(batches()[1].check_number_size(), 200);
  for (int slot = 202; slot < 302; ++slot) record(slot);
  EXPECT_EQ(batches().size(), 2U);
  EXPECT_EQ(link.wake(), now.steady + Milliseconds(50));
  pass(Milliseconds(50));
  keep(link.tick(now));
  ASSERT_EQ(batches().size(), 3U);
  EXPECT_EQ(batches()[2].check_number_size(), 100);
}

TEST_F(LinkTest, AnAcknowledgementFreesTheSpool) {
  open();
  for (int slot = 0; slot < 100; ++slot) record(slot);
  ack(30);
  EXPECT_EQ(spool.first_sequence(), 31U);
  EXPECT_FALSE(link.all_counted());
  ack(100);
  EXPECT_TRUE(link.all_counted());
}

TEST_F(LinkTest, AfterABreakItGoesOnBehindTheLastThatWasCounted) {
  open();
  for (int slot = 0; slot < 100; ++slot) record(slot);
  keep(link.closed("connection reset", now));
  for (int slot = 100; slot < 110; ++slot) record(slot);
  dial();
  welcome(20);
  assign();
  ASSERT_EQ(batches().size(), 1U);
  EXPECT_EQ(batches()[0].first_sequence(), 21U);
  EXPECT_EQ(batches()[0].check_number_size(), 90);
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

TEST_F(LinkTest, WhatAnEarlierLifeOfTheProbeEvictedGoesAsAGapInItsPlace) {
  proto::Gap evicted;
  evicted.set_cause(proto::Gap::EVICTED);
  evicted.set_first_sequence(400);  // of that life
  evicted.set_last_sequence(440);
  auto& check = *evicted.add_check();
  check.set_check_id("shop/health");
  check.add_range(1);
  check.add_range(41);
  check.set_runs_up(41);
  spool.append(SpoolRecord(evicted), now.steady);
  record(42, true);
  open();
  ASSERT_EQ(batches().size(), 1U);
  EXPECT_EQ(batches()[0].first_sequence(), 2U);
  const proto::Gap* gap = nullptr;
  for (const auto& message : sent)
    if (message.has_gap()) gap = &message.gap();
  ASSERT_NE(gap, nullptr);
  EXPECT_EQ(gap->first_sequence(), 1U);
  EXPECT_EQ(gap->last_sequence(), 1U);
  EXPECT_EQ(gap->check(0).runs_up(), 41U);
  EXPECT_EQ(gap->check(0).range(1), 41);
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
  for (int slot = 0; slot < 100; ++slot) record(slot);
  ack(100);
  record(100, true);
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
  EXPECT_EQ(gap->last_sequence(), 100U);
  EXPECT_EQ(batches().back().first_sequence(), 101U);
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

}  // namespace
}  // namespace parallax
