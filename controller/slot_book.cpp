#include "controller/slot_book.h"

#include <algorithm>

#include "controller/verdict.h"

namespace parallax {
namespace {

using std::chrono::microseconds;

// The newest slot of which `place` is past the freshness limit at `now`: a result is fresh as long as
// now <= due(slot) - clock_offset + lifetime.
std::int64_t newest_overdue(const SlotPlace& place, Milliseconds lifetime, WallTime now) {
  return place.grid->current(now - microseconds(1) - lifetime + place.clock_offset);
}

// Requires: there are places.
std::int64_t newest_overdue_everywhere(std::span<const SlotPlace> places, Milliseconds lifetime, WallTime now) {
  std::int64_t overdue = newest_overdue(places.front(), lifetime, now);
  for (const SlotPlace& place : places) overdue = std::min(overdue, newest_overdue(place, lifetime, now));
  return overdue;
}

}  // namespace

void SlotBook::start_at(std::int64_t slot) {
  started_at_ = slot;
  first_open_ = slot;
  slots_.clear();
}

void SlotBook::note(std::int64_t slot, std::string_view location, Vote vote) {
  if (slot < first_open_) return;
  slots_[slot].votes.emplace(location, vote);  // if it is closed already, close() looks at it no more
}

void SlotBook::close(std::span<const SlotPlace> places, std::string_view up_when, Milliseconds lifetime,
                     WallTime now) {
  for (auto& [number, slot] : slots_) {
    if (slot.closed) continue;
    const Silence silence = silence_in(number, slot, places, lifetime, now);
    if (silence != Silence::awaited) tally_up(number, slot, places, up_when, silence == Silence::none);
  }
  close_silent_ones(places, lifetime, now);
}

SlotBook::Silence SlotBook::silence_in(std::int64_t number, const Slot& slot, std::span<const SlotPlace> places,
                                       Milliseconds lifetime, WallTime now) {
  auto silence = Silence::none;
  for (const SlotPlace& place : places) {
    if (place.since_slot > number || slot.votes.contains(place.location)) continue;
    if (number > newest_overdue(place, lifetime, now)) return Silence::awaited;
    silence = Silence::overdue;
  }
  return silence;
}

bool SlotBook::has_some_to_close(std::span<const SlotPlace> places, Milliseconds lifetime, WallTime now) const {
  for (const auto& [number, slot] : slots_)
    if (!slot.closed && silence_in(number, slot, places, lifetime, now) != Silence::awaited) return true;
  return !places.empty() && newest_overdue_everywhere(places, lifetime, now) >= first_open_;
}

// One slot is over: it adds to the tally. The slot under way when the books began was only partly seen; it adds
// only if it is complete.
void SlotBook::tally_up(std::int64_t number, Slot& slot, std::span<const SlotPlace> places,
                        std::string_view up_when, bool complete) {
  Votes votes;
  for (const SlotPlace& place : places) {
    if (place.since_slot > number) continue;
    ++votes.expected;
    const auto vote = slot.votes.find(place.location);
    if (vote == slot.votes.end() || vote->second == Vote::none) continue;
    ++votes.measured;
    if (vote->second == Vote::up) ++votes.up;
  }
  slot.closed = true;
  slot.votes.clear();
  if (number == started_at_ && !complete) return;
  const std::optional<bool> up = verdict(up_when, votes);
  ++(!up ? tally_.unknown : *up ? tally_.up : tally_.down);
}

// The slots that nobody spoke about and that are overdue everywhere, at once: after a long pause they are many.
void SlotBook::close_silent_ones(std::span<const SlotPlace> places, Milliseconds lifetime, WallTime now) {
  if (places.empty()) return;
  const std::int64_t overdue = newest_overdue_everywhere(places, lifetime, now);
  if (overdue < first_open_) return;
  const auto spoken_end = slots_.upper_bound(overdue);
  const auto spoken = std::distance(slots_.begin(), spoken_end);  // all closed by now
  std::int64_t silent = overdue - first_open_ + 1 - spoken;
  if (first_open_ == started_at_ && !slots_.contains(started_at_)) --silent;
  tally_.unknown += static_cast<std::uint64_t>(silent);
  slots_.erase(slots_.begin(), spoken_end);
  first_open_ = overdue + 1;
}

}  // namespace parallax
