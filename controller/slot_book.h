// The time slots of one check: what the locations said about each, and how many ended up, down or unknown.
//
// A slot closes when every location that is expected to has reported or declared it, at the latest when all that
// are silent are past their freshness limit. What comes later does not reopen it.
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/slot_grid.h"
#include "base/time.h"
#include "proto/kept.pb.h"

namespace parallax {

// What one location says about one slot.
enum class Vote : std::uint8_t { up, down, none };  // none: unknown, or declared as missed

// A location as far as slots are concerned.
struct SlotPlace {
  std::string_view location;
  const SlotGrid* grid = nullptr;
  std::int64_t since_slot = 0;   // the first one it is expected to run
  Milliseconds clock_offset{0};  // its probe's clock minus ours
};

class SlotBook {
 public:
  struct Tally {
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    std::uint64_t unknown = 0;
  };

  // Starts anew at `slot`, which is under way: earlier ones are closed, what was open is forgotten, and `slot`
  // itself counts only if every location speaks about it. The tally stays.
  void start_at(std::int64_t slot);

  // The first word of a location on a slot stands; a closed slot hears nobody.
  void note(std::int64_t slot, std::string_view location, Vote vote);

  // Closes what is complete, and what is overdue at `now`; `lifetime` is how long after a slot's moment a result
  // is fresh. Called for each result: it looks at what was noted since the last call and at what can be overdue.
  void close(std::span<const SlotPlace> places, std::string_view up_when, Milliseconds lifetime, WallTime now);

  // Who is expected is about to change: the next close() looks at every slot.
  void expect_others() { look_at_all_ = true; }

  // Whether close() would change anything.
  bool has_some_to_close(std::span<const SlotPlace> places, Milliseconds lifetime, WallTime now) const;

  // As a message, and back.
  proto::KeptSlotBook kept() const;
  void restore(const proto::KeptSlotBook& kept);

  const Tally& tally() const { return tally_; }
  std::int64_t first_open() const { return first_open_; }

 private:
  // Looked at with each result, and most checks have few locations: so votes lie in a row, by the number that a
  // location has in numbers_; it is silent where there is none, or no entry.
  struct Slot {
    boost::container::small_vector<std::optional<Vote>, 8> votes;
    bool closed = false;
  };
  using Slots = boost::container::flat_map<std::int64_t, Slot>;
  // The locations that said nothing about a slot: none, or all of them overdue, or some may still speak.
  enum class Silence { none, overdue, awaited };
  Silence silence_in(std::int64_t number, const Slot& slot, std::span<const SlotPlace> places,
                     Milliseconds lifetime, WallTime now) const;
  std::optional<Vote> vote_in(const Slot& slot, std::string_view location) const;
  void put_vote(Slot& slot, std::string_view location, Vote vote);
  // Behind the last slot that is to be looked at in order; the one noted last may lie there, too.
  template <class Map>
  auto end_of_look(Map& slots, std::int64_t overdue_somewhere) const {
    return look_at_all_ ? slots.end() : slots.upper_bound(overdue_somewhere);
  }
  void tally_up(std::int64_t number, Slot& slot, std::span<const SlotPlace> places, std::string_view up_when,
                bool complete);
  void close_silent_ones(std::int64_t overdue_everywhere);

  std::int64_t started_at_ = 0;
  std::int64_t first_open_ = 0;  // every slot before it is closed
  Slots slots_;                  // from there on: those that somebody spoke about
  boost::container::flat_map<std::string, std::size_t, std::less<>> numbers_;  // of the locations that ever spoke
  // What close() has to look at beside what is overdue.
  std::optional<std::int64_t> noted_;
  bool look_at_all_ = true;
  Tally tally_;
};

}  // namespace parallax
