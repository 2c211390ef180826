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

// Of the newest overdue slots of each place, the first and the last. Requires: there are places.
struct Overdue {
  std::int64_t everywhere;
  std::int64_t somewhere;
};
Overdue overdue_of(std::span<const SlotPlace> places, Milliseconds lifetime, WallTime now) {
  const std::int64_t first = newest_overdue(places.front(), lifetime, now);
  Overdue overdue{first, first};
  for (const SlotPlace& place : places.subspan(1)) {
    const std::int64_t newest = newest_overdue(place, lifetime, now);
    overdue.everywhere = std::min(overdue.everywhere, newest);
    overdue.somewhere = std::max(overdue.somewhere, newest);
  }
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
  put_vote(slots_[slot], location, vote);  // if it is closed already, close() looks at it no more
  look_at_all_ = look_at_all_ || (noted_ && *noted_ != slot);
  noted_ = slot;
}

// The first one stands.
void SlotBook::put_vote(Slot& slot, std::string_view location, Vote vote) {
  auto known = numbers_.find(location);
  if (known == numbers_.end()) known = numbers_.emplace(location, numbers_.size()).first;
  if (slot.votes.size() <= known->second) slot.votes.resize(known->second + 1);
  if (!slot.votes[known->second]) slot.votes[known->second] = vote;
}

std::optional<Vote> SlotBook::vote_in(const Slot& slot, std::string_view location) const {
  const auto known = numbers_.find(location);
  if (known == numbers_.end() || known->second >= slot.votes.size()) return std::nullopt;
  return slot.votes[known->second];
}

void SlotBook::close(std::span<const SlotPlace> places, std::string_view up_when, Milliseconds lifetime,
                     WallTime now) {
  if (places.empty()) return;
  const Overdue overdue = overdue_of(places, lifetime, now);
  const auto look = [&](Slots::value_type& entry) {
    auto& [number, slot] = entry;
    if (slot.closed) return;
    const Silence silence = silence_in(number, slot, places, lifetime, now);
    if (silence != Silence::awaited) tally_up(number, slot, places, up_when, silence == Silence::none);
  };
  std::for_each(slots_.begin(), end_of_look(slots_, overdue.somewhere), look);
  if (noted_ && !look_at_all_)
    if (const auto noted = slots_.find(*noted_); noted != slots_.end()) look(*noted);
  noted_.reset();
  look_at_all_ = false;
  close_silent_ones(overdue.everywhere);
}

SlotBook::Silence SlotBook::silence_in(std::int64_t number, const Slot& slot, std::span<const SlotPlace> places,
                                       Milliseconds lifetime, WallTime now) const {
  auto silence = Silence::none;
  for (const SlotPlace& place : places) {
    if (place.since_slot > number || vote_in(slot, place.location)) continue;
    if (number > newest_overdue(place, lifetime, now)) return Silence::awaited;
    silence = Silence::overdue;
  }
  return silence;
}

bool SlotBook::has_some_to_close(std::span<const SlotPlace> places, Milliseconds lifetime, WallTime now) const {
  if (places.empty()) return false;
  const Overdue overdue = overdue_of(places, lifetime, now);
  if (overdue.everywhere >= first_open_) return true;
  const auto is_over = [&](const Slots::value_type& entry) {
    return !entry.second.closed &&
           silence_in(entry.first, entry.second, places, lifetime, now) != Silence::awaited;
  };
  if (std::any_of(slots_.begin(), end_of_look(slots_, overdue.somewhere), is_over)) return true;
  const auto noted = noted_ ? slots_.find(*noted_) : slots_.end();
  return noted != slots_.end() && is_over(*noted);
}

// One slot is over: it adds to the tally. The slot under way when the books began was only partly seen; it adds
// only if it is complete.
void SlotBook::tally_up(std::int64_t number, Slot& slot, std::span<const SlotPlace> places,
                        std::string_view up_when, bool complete) {
  Votes votes;
  for (const SlotPlace& place : places) {
    if (place.since_slot > number) continue;
    ++votes.expected;
    const std::optional<Vote> vote = vote_in(slot, place.location);
    if (!vote || *vote == Vote::none) continue;
    ++votes.measured;
    if (*vote == Vote::up) ++votes.up;
  }
  slot.closed = true;
  slot.votes.clear();
  if (number == started_at_ && !complete) return;
  const std::optional<bool> up = verdict(up_when, votes);
  ++(!up ? tally_.unknown : *up ? tally_.up : tally_.down);
}

// The slots that nobody spoke about and that are overdue everywhere, at once: after a long pause they are many.
void SlotBook::close_silent_ones(std::int64_t overdue) {
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
