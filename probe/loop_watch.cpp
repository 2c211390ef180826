#include "probe/loop_watch.h"

#include <algorithm>

namespace parallax {
namespace {

constexpr Milliseconds kWorthRemembering(20);
constexpr std::chrono::minutes kRemembered(10);  // longer than any run
constexpr std::size_t kMostLates = 10'000;
constexpr Milliseconds kStep(100);

}  // namespace

Instant LoopWatch::tick(Instant now) {
  const Nanoseconds late = now - next_tick_;
  if (late > kWorthRemembering) lates_.push_back(Late{now, late});
  while (!lates_.empty() && (lates_.size() > kMostLates || now - lates_.front().until > kRemembered))
    lates_.pop_front();
  next_tick_ = now + kTick;
  return next_tick_;
}

Nanoseconds LoopWatch::worst(Instant start, Instant now) const {
  Nanoseconds worst = next_tick_ < now ? now - next_tick_ : Nanoseconds(0);
  for (auto late = lates_.rbegin(); late != lates_.rend() && late->until > start; ++late)
    worst = std::max(worst, late->by);
  return worst;
}

void ScheduleLag::add(Nanoseconds lag) {
  const auto bucket = std::lower_bound(kLagBuckets.begin(), kLagBuckets.end(), seconds(lag));
  ++buckets_[static_cast<std::size_t>(bucket - kLagBuckets.begin())];
  sum_seconds_ += seconds(lag);
}

void ScheduleLag::move_to(proto::Heartbeat& heartbeat) {
  heartbeat.mutable_schedule_lag_bucket()->Assign(buckets_.begin(), buckets_.end());
  heartbeat.set_schedule_lag_sum_seconds(sum_seconds_);
  buckets_.fill(0);
  sum_seconds_ = 0;
}

Nanoseconds ClockWatch::stepped_by(Instant steady, WallTime wall) {
  const Nanoseconds difference = wall.time_since_epoch() - steady.time_since_epoch();
  const Nanoseconds step = has_difference_ ? difference - difference_ : Nanoseconds(0);
  if (has_difference_ && step < kStep && step > -kStep) return Nanoseconds(0);
  has_difference_ = true;
  difference_ = difference;
  return step;
}

}  // namespace parallax
