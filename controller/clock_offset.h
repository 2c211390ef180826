// How far a probe's clock is ahead of ours, from the moments it tells.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/time.h"

namespace parallax {

// A moment told arrives late, never early, so each sample is too small by its time on the way: of the last few the
// largest is the nearest to the truth. One that is larger by a step is believed at once: the probe's clock was set
// forward, ours back, or what we believed came late. One that is smaller by a step may only have waited, behind a
// road that was blocked or before a controller that stood still; believed, it would make old results look new. So
// it takes two that agree, unless no message is ever so late.
class ClockOffset {
 public:
  void sample(WallTime told, WallTime received) {
    const auto offset = std::chrono::floor<Milliseconds>(told - received);
    if (count_ == 0) return begin(offset);
    const Milliseconds step = offset - estimate();
    const bool is_confirmed = std::chrono::abs(offset - before_) <= kStep;
    if (step > kStep || step < -kLatestMessage || (step < -kStep && is_confirmed)) return begin(offset);
    if (step >= -kStep) samples_[count_++ % samples_.size()] = offset;
    before_ = offset;
  }

  // The probe's clock minus ours; 0 before the first sample.
  Milliseconds estimate() const {
    const std::size_t held = std::min(count_, samples_.size());
    return held == 0 ? Milliseconds(0) : *std::max_element(samples_.begin(), samples_.begin() + held);
  }

 private:
  static constexpr Milliseconds kStep{2000};
  static constexpr Milliseconds kLatestMessage = std::chrono::minutes(15);

  void begin(Milliseconds offset) {
    samples_[0] = before_ = offset;
    count_ = 1;
  }

  std::array<Milliseconds, 8> samples_{};
  std::size_t count_ = 0;
  Milliseconds before_{0};  // the sample before, believed or not
};

}  // namespace parallax
