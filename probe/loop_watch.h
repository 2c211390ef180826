// How late this probe itself is: what its loop lags behind, and how late runs start.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "base/slot_grid.h"
#include "base/time.h"
#include "proto/fleet.pb.h"

namespace parallax {

// Remembers when the loop was late: a tick that was due at one moment came at another, and nothing else ran
// between. Told by whoever ticks; knows no clock.
class LoopWatch {
 public:
  // How often to tick; a lateness shorter than this may go unseen.
  static constexpr Milliseconds kTick{50};

  void begin(Instant now) { next_tick_ = now + kTick; }
  // The tick that was due came now. Returns when the next one is due.
  Instant tick(Instant now);

  // The greatest lateness that reached into the time from `start` to `now`, one that still lasts included.
  Nanoseconds worst(Instant start, Instant now) const;

 private:
  struct Late {
    Instant until;
    Nanoseconds by;
  };
  std::deque<Late> lates_;
  Instant next_tick_ = Instant::max();
};

// How late runs started since the last heartbeat, for its histogram.
class ScheduleLag {
 public:
  void add(Nanoseconds lag);
  // Writes what was added since the last call. Not cumulative; the last bucket has no upper bound.
  void move_to(proto::Heartbeat& heartbeat);

 private:
  std::array<std::uint64_t, kLagBuckets.size() + 1> buckets_{};
  double sum_seconds_ = 0;
};

// Notices a wall clock that was set, from the difference of the two clocks.
class ClockWatch {
 public:
  // By how much the wall clock was set since the last call that said so; 0 for less than 100 ms.
  Nanoseconds stepped_by(Instant steady, WallTime wall);

 private:
  Nanoseconds difference_{0};
  bool has_difference_ = false;
};

}  // namespace parallax
