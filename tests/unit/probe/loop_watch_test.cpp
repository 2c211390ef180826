#include "probe/loop_watch.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

using Seconds = std::chrono::seconds;

TEST(LoopWatch, RemembersTheWorstLatenessThatReachedIntoARun) {
  LoopWatch watch;
  Instant now(Seconds(100));
  watch.begin(now);
  now += LoopWatch::kTick + Milliseconds(300);  // a stall of 300 ms that ends here
  watch.tick(now);
  EXPECT_EQ(watch.worst(now - Milliseconds(10), now), Milliseconds(300));
  EXPECT_EQ(watch.worst(now, now + Milliseconds(10)), Nanoseconds(0));  // began after it
}

TEST(LoopWatch, SeesAStallBeforeItsOwnTickComes) {
  LoopWatch watch;
  const Instant start(Seconds(100));
  watch.begin(start);
  EXPECT_EQ(watch.worst(start, start + LoopWatch::kTick + Milliseconds(500)), Milliseconds(500));
}

TEST(LoopWatch, ForgetsInTimeAndInNumber) {
  LoopWatch watch;
  Instant now(Seconds(100));
  watch.begin(now);
  for (int i = 0; i < 100'000; ++i) watch.tick(now += LoopWatch::kTick + Milliseconds(30));
  EXPECT_EQ(watch.worst(Instant(Seconds(0)), now), Milliseconds(30));
}

TEST(ScheduleLag, CountsEachStartInTheBucketsOfTheGridOnce) {
  ScheduleLag lag;
  lag.add(Nanoseconds(100'000));  // exactly an upper bound
  lag.add(Milliseconds(3));
  lag.add(std::chrono::minutes(2));
  proto::Heartbeat heartbeat;
  lag.move_to(heartbeat);
  ASSERT_EQ(heartbeat.schedule_lag_bucket_size(), 12);
  EXPECT_EQ(heartbeat.schedule_lag_bucket(0), 1U);
  EXPECT_EQ(heartbeat.schedule_lag_bucket(5), 1U);
  EXPECT_EQ(heartbeat.schedule_lag_bucket(11), 1U);
  EXPECT_NEAR(heartbeat.schedule_lag_sum_seconds(), 120.0031, 1e-6);
  lag.move_to(heartbeat);
  EXPECT_EQ(heartbeat.schedule_lag_bucket(0), 0U);
}

TEST(ClockWatch, TellsAStepFromDrift) {
  ClockWatch watch;
  Instant steady(Seconds(1));
  WallTime wall = from_unix_us(1'790'000'000'000'000);
  EXPECT_EQ(watch.stepped_by(steady, wall), Nanoseconds(0));
  EXPECT_EQ(watch.stepped_by(steady + Seconds(10), wall + Seconds(10) + Milliseconds(5)), Nanoseconds(0));
  EXPECT_EQ(watch.stepped_by(steady + Seconds(20), wall + Seconds(3620)), Nanoseconds(Seconds(3600)));
  EXPECT_EQ(watch.stepped_by(steady + Seconds(30), wall + Seconds(3630)), Nanoseconds(0));
  EXPECT_EQ(watch.stepped_by(steady + Seconds(40), wall + Seconds(40)), Nanoseconds(-Seconds(3600)));
}

}  // namespace
}  // namespace parallax
