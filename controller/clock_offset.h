// How far a probe's clock is ahead of ours, from the moments it tells.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/time.h"

namespace parallax {

// A moment told arrives late, never early, so each sample is too small by its time on the way: of the last few the
// largest is the nearest to the truth. A clock that was stepped is believed at once.
class ClockOffset {
 public:
  void sample(WallTime told, WallTime received) {
    const auto offset = std::chrono::floor<Milliseconds>(told - received);
    const bool stepped = count_ > 0 && std::chrono::abs(offset - estimate()) > kStep;
    if (stepped) count_ = 0;
    samples_[count_++ % samples_.size()] = offset;
  }

  // The probe's clock minus ours; 0 before the first sample.
  Milliseconds estimate() const {
    const std::size_t held = std::min(count_, samples_.size());
    return held == 0 ? Milliseconds(0) : *std::max_element(samples_.begin(), samples_.begin() + held);
  }

 private:
  static constexpr Milliseconds kStep{2000};
  std::array<Milliseconds, 8> samples_{};
  std::size_t count_ = 0;
};

}  // namespace parallax
