#include "probe/schedule.h"

#include <algorithm>
#include <utility>

namespace parallax {
namespace {

using std::chrono::microseconds;

constexpr Milliseconds kFirstRunWithin(5000);
constexpr Milliseconds kOnTime(250);       // a timer that is later than this was held up, and others with it
constexpr Milliseconds kStoodStill(5000);  // held up so long beyond a slot's lateness, the probe was not running
constexpr std::chrono::hours kMemory(24);  // the ledger remembers slots that long, too

WallTime after(WallTime start, Nanoseconds most, double fraction) {
  const double share = fraction * static_cast<double>(most.count());
  return start + std::chrono::duration_cast<microseconds>(Nanoseconds(static_cast<std::int64_t>(share)));
}

}  // namespace

Schedule::Schedule(SlotGrid grid, double fraction, std::size_t most_declared, std::optional<std::int64_t> after)
    : grid_(grid), fraction_(fraction), most_declared_(most_declared), after_(after) {}

Schedule::Next Schedule::next(WallTime now, Since since) {
  Next next;
  if (grid_after_ && grid_.current(now) > *next_slot_) declare_until(*next_slot_ + 1, now, since, next);
  const std::int64_t current = grid_.current(now);
  if (!next_slot_) {
    next_slot_ = first_ = std::max(after_ ? *after_ + 1 : current, first_slot(current, now));
    on_grid_ = *next_slot_ > current;
  }

  if (grid_.due(*next_slot_) - now >
      kMemory + grid_.every()) {  // the clock stepped back out of memory: begin anew
    next_slot_ = current;
    on_grid_ = false;
    planned_.reset();
  }
  if (current < *next_slot_) return wait_for_next_slot(now, std::move(next));

  declare_until(current, now, since, next);
  spread_again_if_held_up(now, since);
  if (!on_grid_) return run_first(current, now, std::move(next));

  const Nanoseconds late = now - grid_.due(current);
  if (late > grid_.most_late()) {
    declare_until(current + 1, now, since, next);
    return wait_for_next_slot(now, std::move(next));
  }
  if (!planned_ && since == Since::waiting && late > kOnTime)
    planned_ = after(now, grid_.most_late() - late, fraction_);
  if (planned_ && *planned_ > now) {
    next.wait = *planned_ - now;
    return next;
  }
  return start(current, planned_.value_or(grid_.due(current)), now, std::move(next));
}

// A start that was spread and whose moment is long gone: everybody was held up, or the clock was set. Once: who is
// late every time must not wait for ever.
void Schedule::spread_again_if_held_up(WallTime now, Since since) {
  if (since != Since::waiting || !planned_ || is_spread_again_ || now - *planned_ <= kOnTime) return;
  planned_.reset();
  is_spread_again_ = true;
}

// Of a check that has just arrived: the slot that is current, or the next one when the current one is too late by
// the rule for all and waiting serves as well. Nothing was promised for slots that were over before it arrived.
std::int64_t Schedule::first_slot(std::int64_t current, WallTime now) const {
  const bool too_late = now - grid_.due(current) > grid_.most_late();
  return too_late && grid_.due(current + 1) - now <= kFirstRunWithin ? current + 1 : current;
}

// The slot that is current runs whatever its lateness, within kFirstRunWithin. It starts in the first half of what
// is left of the slot, so that neither a late timer nor the run itself costs the next slot.
Schedule::Next Schedule::run_first(std::int64_t current, WallTime now, Next next) {
  const bool stepped_back = planned_ && *planned_ - now > kFirstRunWithin;
  if (!planned_ || stepped_back) {
    const Nanoseconds left = grid_.due(current + 1) - now;
    planned_ = after(now, std::min<Nanoseconds>(kFirstRunWithin, left / 2), fraction_);
  }
  if (*planned_ > now) {
    next.wait = *planned_ - now;
    return next;
  }
  return start(current, *planned_, now, std::move(next));
}

Schedule::Next Schedule::start(std::int64_t slot, WallTime intended, WallTime now, Next next) {
  next.run = slot;
  next.due = grid_.due(slot);
  const WallTime counts_from = on_grid_ ? next.due : intended;  // a first run is not late
  next.patience = std::max<Nanoseconds>(grid_.most_late() - (now - counts_from), Nanoseconds(0));
  next.lag = std::max<Nanoseconds>(now - intended, Nanoseconds(0));
  on_grid_ = true;
  pass(slot);
  return next;
}

Schedule::Next Schedule::wait_for_next_slot(WallTime now, Next next) {
  planned_.reset();
  next.wait = std::max<Nanoseconds>(grid_.due(*next_slot_) - now, microseconds(1));
  return next;
}

// Slots next_slot_ to end - 1 were not run and cannot be any more. After a jump of years only the newest of them
// are declared: nobody expected the others.
void Schedule::declare_until(std::int64_t end, WallTime now, Since since, Next& next) {
  if (*next_slot_ >= end) return;
  if (next.missed.empty()) {
    const bool stood_still = now - grid_.due(*next_slot_) > grid_.most_late() + kStoodStill;
    next.cause = since == Since::waiting && stood_still ? proto::Gap::PROBE_DOWN : proto::Gap::OVERRUN;
  }
  const auto most = static_cast<std::int64_t>(most_declared_);
  for (std::int64_t slot = std::max(*next_slot_, end - most); slot < end; ++slot) next.missed.push_back(slot);
  if (next.missed.size() > most_declared_) next.missed.erase(next.missed.begin(), next.missed.end() - most);
  pass(end - 1);
}

void Schedule::pass(std::int64_t slot) {
  next_slot_ = slot + 1;
  if (on_grid_) {
    planned_.reset();
    is_spread_again_ = false;
  }
  if (grid_after_) grid_ = *std::exchange(grid_after_, std::nullopt);
}

void Schedule::change_grid(const SlotGrid& grid, WallTime now) {
  if (next_slot_ && grid.due(*next_slot_) <= now)
    grid_after_ = grid;
  else {
    grid_ = grid;
    grid_after_.reset();
  }
}

std::optional<std::int64_t> Schedule::last() const { return next_slot_ ? std::optional(*next_slot_ - 1) : after_; }

}  // namespace parallax
