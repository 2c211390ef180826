// Moments and durations. Steady for measuring, wall for telling.
//
// Time comes in as an argument or through a Clock, so that a simulated day runs in milliseconds;
// only base/time.cpp reads a real clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace parallax {

using Nanoseconds = std::chrono::nanoseconds;
using Milliseconds = std::chrono::milliseconds;

// A moment of the steady clock: for due times, deadlines and durations.
using Instant = std::chrono::steady_clock::time_point;

// A moment of the wall clock in Unix microseconds: for telling, and for the slot grid.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;

// Where the time comes from. Owned by main (or a test); outlives everything that holds it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  virtual WallTime wall() const = 0;
};

// The host's clocks.
class SystemClock final : public Clock {
 public:
  Instant now() const override;
  WallTime wall() const override;
};

// Unix time of `t` in whole milliseconds, in microseconds, and in seconds.
std::int64_t unix_ms(WallTime t);
std::int64_t unix_us(WallTime t);
double unix_seconds(WallTime t);
WallTime from_unix_us(std::int64_t us);

// "2026-01-31T10:00:00.000123Z" (RFC 3339, UTC); `digits` of the second: 0, 3 or 6.
std::string to_text(WallTime t, int digits = 6);

// For people: "12 ms", "1.5 s", "3 min", "2 days"; one unit, at most two significant digits behind the point.
std::string to_text(Nanoseconds d);

inline double seconds(Nanoseconds d) { return std::chrono::duration<double>(d).count(); }

}  // namespace parallax
