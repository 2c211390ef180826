#include "probe/places.h"

#include <algorithm>

namespace parallax {

std::size_t runs_within(std::uint64_t descriptors) {
  const auto left = descriptors > kDescriptorsOfTheProbe ? descriptors - kDescriptorsOfTheProbe : 0;
  return std::clamp<std::uint64_t>(left / kDescriptorsOfARun, kFewestRuns, kMostRuns);
}

std::optional<Places::Place> Places::take_now() {
  if (free_ == 0) return std::nullopt;
  --free_;
  return Place(*this);
}

Task<std::optional<Places::Place>> Places::take(Instant deadline) {
  if (auto place = take_now()) co_return place;
  Waiter waiter(loop_);
  const auto self = waiting_.insert(waiting_.end(), &waiter);
  co_await waiter.signal.wait_until(deadline);
  if (waiter.has_place) co_return Place(*this);
  waiting_.erase(self);
  co_return std::nullopt;
}

void Places::give_back() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  Waiter* first = waiting_.front();
  waiting_.pop_front();
  first->has_place = true;
  first->signal.notify();
}

}  // namespace parallax
