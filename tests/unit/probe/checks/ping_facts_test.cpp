#include "probe/checks/ping_facts.h"

#include <gtest/gtest.h>

#include <vector>

#include "probe/checks/ping_judge.h"

namespace parallax {
namespace {

constexpr Instant kStart{std::chrono::hours(1)};

// A request sent `sent_ms` after the start, answered `rtt` later (negative: never), timed by both clocks alike.
Echo echo(int sent_ms, double rtt_ms) {
  Echo made;
  made.sent.steady = kStart + Milliseconds(sent_ms);
  made.sent.wall_minus_steady = std::chrono::hours(100);
  made.sent.stamp = made.sent.steady.time_since_epoch() + std::chrono::hours(100);
  if (rtt_ms < 0) return made;
  const Nanoseconds rtt(static_cast<std::int64_t>(rtt_ms * 1e6));
  made.received = EchoMoment{made.sent.steady + rtt, made.sent.wall_minus_steady, *made.sent.stamp + rtt};
  made.hop_limit = 57;
  return made;
}

proto::PingFacts facts_of(const std::vector<Echo>& echoes) { return ping_facts(echoes); }

TEST(RoundTrip, IsTheKernelsHoweverLateTheReplyWasRead) {
  auto late = echo(0, 2);
  late.received->steady += Milliseconds(260);  // the loop was busy
  const auto trip = round_trip(late);
  EXPECT_TRUE(trip.by_kernel);
  EXPECT_EQ(trip.time, Milliseconds(2));
}

TEST(RoundTrip, AStepOfTheWallClockFallsBackToTheSteadyOne) {
  for (const Milliseconds step :
       {Milliseconds(-1000), Milliseconds(-6), Milliseconds(6), Milliseconds(3'600'000)}) {
    auto stepped = echo(0, 2);
    stepped.received->wall_minus_steady += step;
    *stepped.received->stamp += step;
    const auto trip = round_trip(stepped);
    EXPECT_FALSE(trip.by_kernel) << step.count();
    EXPECT_EQ(trip.time, Milliseconds(2)) << step.count();
  }
}

TEST(RoundTrip, AStepThatNobodySawStillCannotMakeAReplyNegativeOrLongerThanItWas) {
  for (const Milliseconds step : {Milliseconds(-10), Milliseconds(10)}) {
    auto stepped = echo(0, 2);
    *stepped.received->stamp += step;
    EXPECT_EQ(round_trip(stepped).time, Milliseconds(2));
    EXPECT_FALSE(round_trip(stepped).by_kernel);
  }
}

TEST(RoundTrip, WithoutBothStampsTheSteadyClockTimes) {
  auto without = echo(0, 2);
  without.sent.stamp.reset();
  EXPECT_FALSE(round_trip(without).by_kernel);
  EXPECT_EQ(round_trip(without).time, Milliseconds(2));
}

TEST(PingFacts, AreWhatAPersonWouldCompute) {
  // Round trips 10, 20, 40, 30 ms; the third request of five was lost.
  const auto facts = facts_of({echo(0, 10), echo(200, 20), echo(400, -1), echo(600, 40), echo(800, 30)});
  EXPECT_EQ(facts.sent(), 5u);
  EXPECT_EQ(facts.received(), 4u);
  EXPECT_DOUBLE_EQ(facts.loss(), 0.2);
  EXPECT_DOUBLE_EQ(facts.min(), 0.010);
  EXPECT_DOUBLE_EQ(facts.mean(), 0.025);
  EXPECT_DOUBLE_EQ(facts.median(), 0.025);
  EXPECT_DOUBLE_EQ(facts.p95(), 0.040);
  EXPECT_DOUBLE_EQ(facts.max(), 0.040);
  EXPECT_NEAR(facts.stddev(), 0.011180340, 1e-12);  // sqrt((15^2 + 5^2 + 15^2 + 5^2) / 4) ms
  // To whole nanoseconds: 10/16 = 0.625; + (20 - 0.625)/16 = 1.8359375; + (10 - 1.8359375)/16 = 2.34619140625 ms
  EXPECT_NEAR(facts.jitter(), 0.002346191, 1e-12);
  ASSERT_EQ(facts.rtt_size(), 4);
  EXPECT_DOUBLE_EQ(facts.rtt(2), 0.040) << "in the order sent";
  EXPECT_EQ(facts.timestamps(), "kernel");
  EXPECT_EQ(facts.hop_limit(), 57u);
}

TEST(PingFacts, TheMedianOfAnOddNumberIsOneOfThemAndP95IsTheNearestRank) {
  std::vector<Echo> echoes;
  for (int i = 1; i <= 21; ++i) echoes.push_back(echo(i * 200, i));
  const auto facts = ping_facts(echoes);
  EXPECT_DOUBLE_EQ(facts.median(), 0.011);
  EXPECT_DOUBLE_EQ(facts.p95(), 0.020);  // 20 of 21 are 95.2 %
}

TEST(PingFacts, OneReplyHasNoJitter) {
  const auto facts = facts_of({echo(0, 10), echo(200, -1)});
  EXPECT_FALSE(facts.has_jitter());
  EXPECT_DOUBLE_EQ(facts.mean(), 0.010);
  EXPECT_DOUBLE_EQ(facts.stddev(), 0);
}

TEST(PingFacts, OnTotalLossThereIsNoRoundTripNotZero) {
  const auto facts = facts_of({echo(0, -1), echo(200, -1)});
  EXPECT_DOUBLE_EQ(facts.loss(), 1);
  EXPECT_FALSE(facts.has_min() || facts.has_mean() || facts.has_median() || facts.has_p95() || facts.has_max() ||
               facts.has_stddev() || facts.has_jitter() || facts.has_timestamps() || facts.has_hop_limit());
  EXPECT_EQ(facts.rtt_size(), 0);
}

TEST(PingFacts, AReplyASecondAfterTheNextRequestIsLateAndNotReceived) {
  const auto facts = facts_of({echo(0, 1201), echo(200, 1199), echo(400, 1001)});
  EXPECT_EQ(facts.late(), 2u) << "the first (1001 ms after the second was sent) and the last (1001 ms)";
  EXPECT_EQ(facts.received(), 1u);
  EXPECT_DOUBLE_EQ(facts.mean(), 1.199);
}

TEST(PingFacts, DuplicatesAreCountedOnceEachAndAreNoReplies) {
  auto twice = echo(0, 1);
  twice.duplicates = 2;
  const auto facts = facts_of({twice, echo(200, 1)});
  EXPECT_EQ(facts.duplicates(), 2u);
  EXPECT_EQ(facts.received(), 2u);
}

TEST(PingFacts, OneUserTimeMakesTheRunUserTimed) {
  auto unstamped = echo(200, 1);
  unstamped.received->stamp.reset();
  EXPECT_EQ(facts_of({echo(0, 1), unstamped}).timestamps(), "user");
}

// --- judging ---

proto::PingFacts facts_of(unsigned sent, unsigned received, double mean_ms = 10, double jitter_ms = 1) {
  proto::PingFacts facts;
  facts.set_sent(sent);
  facts.set_received(received);
  facts.set_loss(static_cast<double>(sent - received) / sent);
  if (received > 0) facts.set_mean(mean_ms / 1e3);
  if (received > 1) facts.set_jitter(jitter_ms / 1e3);
  return facts;
}

Outcome judged(const proto::PingCheck& check, const proto::PingFacts& facts) {
  Outcome outcome;
  judge_ping(check, facts, outcome);
  return outcome;
}

TEST(PingJudge, WithoutARuleOneReplyIsEnough) {
  const auto up = judged({}, facts_of(5, 1));
  EXPECT_EQ(up.state, proto::STATE_UP);
  EXPECT_EQ(up.detail, "1 of 5 replies, mean round trip 10 ms");
  const auto down = judged({}, facts_of(5, 0));
  EXPECT_EQ(down.state, proto::STATE_DOWN);
  EXPECT_EQ(down.reason, proto::REASON_PACKET_LOSS);
  EXPECT_EQ(down.phase, proto::PHASE_UNSPECIFIED);
}

TEST(PingJudge, LossAtTheLimitIsFineAndAboveItIsDown) {
  proto::PingCheck check;
  check.mutable_expect()->set_max_loss(0.2);
  EXPECT_EQ(judged(check, facts_of(5, 4)).state, proto::STATE_UP);
  const auto down = judged(check, facts_of(5, 3));
  EXPECT_EQ(down.reason, proto::REASON_PACKET_LOSS);
  EXPECT_EQ(down.detail, "3 of 5 replies (40 % lost, at most 20 % allowed)");
}

TEST(PingJudge, ZeroIsALimitLikeAnyOther) {
  proto::PingCheck check;
  check.mutable_expect()->set_max_loss(0);
  EXPECT_EQ(judged(check, facts_of(5, 5)).state, proto::STATE_UP);
  EXPECT_EQ(judged(check, facts_of(5, 4)).reason, proto::REASON_PACKET_LOSS);
  check.Clear();
  check.mutable_expect()->set_max_duplicates(0);
  auto facts = facts_of(5, 5);
  facts.set_duplicates(1);
  EXPECT_EQ(judged(check, facts).reason, proto::REASON_PACKET_LOSS);
}

TEST(PingJudge, SlowRoundTripsAndJitterAreTooSlow) {
  proto::PingCheck check;
  check.mutable_expect()->set_max_rtt_ms(10);
  EXPECT_EQ(judged(check, facts_of(5, 5, 10)).state, proto::STATE_UP);
  const auto slow = judged(check, facts_of(5, 5, 11));
  EXPECT_EQ(slow.reason, proto::REASON_TOO_SLOW);
  EXPECT_EQ(slow.detail, "mean round trip is 11 ms, at most 10 ms allowed");
  check.Clear();
  check.mutable_expect()->set_max_jitter_ms(5);
  EXPECT_EQ(judged(check, facts_of(5, 5, 10, 4)).state, proto::STATE_UP);
  EXPECT_EQ(judged(check, facts_of(5, 5, 10, 6)).reason, proto::REASON_TOO_SLOW);
  EXPECT_EQ(judged(check, facts_of(5, 1)).state, proto::STATE_UP) << "one reply has nothing to vary";
}

TEST(PingJudge, ARuleOnTimesCannotHoldWithoutAReply) {
  proto::PingCheck check;
  check.mutable_expect()->set_max_rtt_ms(10);
  EXPECT_EQ(judged(check, facts_of(5, 0)).reason, proto::REASON_PACKET_LOSS);
}

TEST(PingJudge, WhoAllowsTotalLossGetsIt) {
  proto::PingCheck check;
  check.mutable_expect()->set_max_loss(1);
  EXPECT_EQ(judged(check, facts_of(5, 0)).state, proto::STATE_UP);
}

TEST(PingJudge, AWarnRuleOnlyDegradesAndExpectGoesFirst) {
  proto::PingCheck check;
  check.mutable_warn()->set_max_loss(0);
  const auto degraded = judged(check, facts_of(5, 4));
  EXPECT_EQ(degraded.state, proto::STATE_DEGRADED);
  EXPECT_EQ(degraded.reason, proto::REASON_PACKET_LOSS);
  EXPECT_EQ(judged(check, facts_of(5, 0)).state, proto::STATE_DOWN)
      << "the default rule stands beside a warn rule";
  check.mutable_expect()->set_max_rtt_ms(5);
  EXPECT_EQ(judged(check, facts_of(5, 4, 6)).state, proto::STATE_DOWN);
  EXPECT_EQ(judged(check, facts_of(5, 4, 6)).reason, proto::REASON_TOO_SLOW);
}

}  // namespace
}  // namespace parallax
