// A bound on how many runs are under way at once, so that too much work is a counted miss and not a slow probe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "base/task.h"

namespace parallax {

// A run needs a descriptor or two, the probe itself some dozens.
inline constexpr std::uint64_t kDescriptorsOfTheProbe = 64, kDescriptorsOfARun = 3;
inline constexpr std::size_t kFewestRuns = 8, kMostRuns = 2048;
// How many runs at once so many descriptors allow; kFewestRuns also where they are too few for that.
std::size_t runs_within(std::uint64_t descriptors);

// Owned by main (or a test); outlives its places and whoever waits for one. First come, first served.
class Places {
 public:
  Places(Loop& loop, std::size_t most) : loop_(loop), free_(most) {}

  // One place, given back when it is destroyed.
  class Place {
   public:
    explicit Place(Places& places) : places_(&places) {}
    Place(Place&& other) noexcept : places_(std::exchange(other.places_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(places_, other.places_);
      return *this;
    }
    ~Place() {
      if (places_) places_->give_back();
    }

   private:
    Places* places_;
  };

  // A place that is free now.
  std::optional<Place> take_now();
  // Waits until `deadline` for a place; nothing when there was none, or when the task is asked to stop.
  Task<std::optional<Place>> take(Instant deadline);

  std::size_t free() const { return free_; }

 private:
  struct Waiter {
    explicit Waiter(Loop& loop) : signal(loop) {}
    Signal signal;
    bool has_place = false;
  };
  void give_back();

  Loop& loop_;
  std::size_t free_;
  std::list<Waiter*> waiting_;
};

}  // namespace parallax
