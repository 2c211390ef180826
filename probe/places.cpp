#include "probe/places.h"

namespace parallax {

Task<std::optional<Places::Place>> Places::take(Instant deadline) {
  if (free_ > 0) {
    --free_;
    co_return Place(*this);
  }
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
