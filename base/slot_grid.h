// The fixed grid of moments at which something periodic happens, seen from several places.
//
// A thing with the identity `id` and the period `every` has the phase  FNV-1a-64(id) mod every.  Slot s at the
// k-th of n places is due at  phase + s x every + floor(k x every / n)  in Unix milliseconds. So phases
// survive restarts and clock steps, and n places look at n evenly spaced moments of each period.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace parallax {

// FNV-1a (Fowler, Noll, Vo) of the bytes.
std::uint64_t fnv1a_64(std::string_view bytes);
std::uint32_t fnv1a_32(std::string_view bytes);

class SlotGrid {
 public:
  // Requires: every > 0, index < count.
  SlotGrid(std::string_view id, Milliseconds every, std::uint32_t index, std::uint32_t count);

  // When slot `slot` is due.
  WallTime due(std::int64_t slot) const;

  // The newest slot that is due at `now`.
  std::int64_t current(WallTime now) const;

  // How late a slot may still start: min(every / 2, 30 s).
  Milliseconds most_late() const;

  Milliseconds every() const { return every_; }

 private:
  Milliseconds every_;
  Milliseconds offset_;
};

// Upper bounds, in seconds, of the histogram of how late slots start (without +Inf).
inline constexpr std::array<double, 11> kLagBuckets = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                       0.01,   0.1,     1.0,    5.0,   30.0};

}  // namespace parallax
