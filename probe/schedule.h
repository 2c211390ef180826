// When a check runs: the pure rules of the slot grid (base/slot_grid.h), told what time it is and asked what to
// do.
//
// - A slot runs at most once and may start up to min(every / 2, 30 s) late; later it is missed and declared.
// - A check with no run yet runs within 5 s of its arrival, for the slot that is current however late that is,
//   unless the next one is due by then. Slots that were over when it arrived are not this probe's to declare.
// - Who finds itself late without having been at work (the program started, or stood still, or the clock jumped)
//   is not alone: such starts are spread over what is left of the lateness, each check at its own fraction of it.
// - Slots that a run under way passed over are missed. A run never overlaps itself.
// - A clock that steps back runs no slot twice: the check waits until the grid comes past its last slot. Only when
//   that is more than a day away are the old slots forgotten (nobody remembers them longer).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/slot_grid.h"
#include "base/time.h"
#include "proto/fleet.pb.h"

namespace parallax {

// One check's place in time at this location. Everything is wall time: the caller looks again when the wall clock
// steps.
class Schedule {
 public:
  // `fraction` (0 <= fraction < 1) is where in a spread this check starts. `after` is the last slot that must not
  // run again, for a check that was here before. At most `most_declared` missed slots, the newest, are declared at
  // once.
  Schedule(SlotGrid grid, double fraction, std::size_t most_declared,
           std::optional<std::int64_t> after = std::nullopt);

  // What the runner did since it last asked.
  enum class Since { waiting, running };

  struct Next {
    std::optional<std::int64_t> run;   // start this slot now; ask again when it has ended
    WallTime due{};                    // of a run: its slot's moment
    Nanoseconds patience{0};           // of a run: how much later it may still start
    Nanoseconds wait{0};               // else ask again after this long, or when the wall clock steps
    Nanoseconds lag{0};                // of a run: how long after its intended start it is
    std::vector<std::int64_t> missed;  // to be declared, ascending
    proto::Gap::Cause cause = proto::Gap::CAUSE_UNSPECIFIED;  // of the missed ones
  };
  Next next(WallTime now, Since since);

  // The grid changes with the next slot: if on the new one that slot's moment has passed, it still runs at its old
  // one. Requires: the same period and id; another number of places, or another place among them.
  void change_grid(const SlotGrid& grid, WallTime now);

  const SlotGrid& grid() const { return grid_; }
  // The slot that the first look took up; none before it.
  std::optional<std::int64_t> first() const { return first_; }
  // The last slot that ran or was declared, if any.
  std::optional<std::int64_t> last() const;

 private:
  std::int64_t first_slot(std::int64_t current, WallTime now) const;
  void spread_again_if_held_up(WallTime now, Since since);
  Next run_first(std::int64_t current, WallTime now, Next next);
  Next start(std::int64_t slot, WallTime intended, WallTime now, Next next);
  Next wait_for_next_slot(WallTime now, Next next);
  void declare_until(std::int64_t end, WallTime now, Since since, Next& next);
  void pass(std::int64_t slot);

  SlotGrid grid_;
  std::optional<SlotGrid> grid_after_;  // takes over when next_slot_ has passed
  double fraction_;
  std::size_t most_declared_;
  std::optional<std::int64_t> after_;
  std::optional<std::int64_t> first_;
  std::optional<std::int64_t> next_slot_;  // the lowest one neither run nor declared; none before the first look
  bool on_grid_ = false;                   // the first run is over, or waits for its moment like any other
  std::optional<WallTime> planned_;        // when a start that was spread takes place
  bool is_spread_again_ = false;           // that moment passed unused, and there is another
};

}  // namespace parallax
