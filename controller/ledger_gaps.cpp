// What probes declare to have no result: Ledger::apply_gap().
#include <algorithm>

#include "controller/gap_slots.h"
#include "controller/ledger.h"
#include "controller/scheduled.h"

namespace parallax {
namespace {

// The runs of a gap by outcome, in order of proto::State.
OutcomeCounts runs_of(const proto::CheckGap& gap) {
  return {gap.runs_up(), gap.runs_degraded(), gap.runs_down(), gap.runs_unknown()};
}

bool is_plausible(const proto::CheckGap& gap, std::uint64_t slots, proto::Gap::Cause cause) {
  if (cause == proto::Gap::CAUSE_UNSPECIFIED || !proto::Gap::Cause_IsValid(cause)) return false;
  std::uint64_t runs = 0;
  for (const std::uint64_t count : runs_of(gap)) {
    if (count > slots) return false;  // before the sum could overflow
    runs += count;
  }
  return runs <= slots;
}

// Where some slots of a gap were accounted for before, nobody knows which outcomes were theirs. Those that went
// well are taken away first: a failure is never lost.
OutcomeCounts without(OutcomeCounts runs, std::uint64_t slots) {
  for (const std::size_t outcome : {0U, 1U, 3U, 2U}) {
    const std::uint64_t taken = std::min(slots, runs[outcome]);
    runs[outcome] -= taken;
    slots -= taken;
  }
  return runs;
}

template <class Each>
void for_each_slot(const proto::CheckGap& gap, Each each) {
  for (const std::int64_t slot : gap.slot()) each(slot);
  for (int i = 0; i + 1 < gap.range_size(); i += 2)
    for (std::int64_t slot = gap.range(i);; ++slot) {
      each(slot);
      if (slot == gap.range(i + 1))
        break;  // here and not in the loop's head: the last one may be the largest number
    }
}

}  // namespace

Applied Ledger::apply_gap(const Identity& from, const proto::CheckGap& gap, proto::Gap::Cause cause,
                          WallTime now) {
  const auto [check, place] = expected(gap.check_id(), from.location);
  if (place == nullptr) return reject_unexpected(from, gap.check_id());
  const auto slots = slots_of(gap);
  // One that does not say which interval its slots are of means the one in force.
  const std::int64_t every_ms = gap.every_ms() != 0 ? gap.every_ms() : check->every().count();
  SlotSet* accounted = slots ? place->accounted_for(every_ms) : nullptr;
  if (accounted == nullptr || !is_plausible(gap, *slots, cause)) return reject(*place, Applied::invalid);

  const bool is_on_grid = every_ms == check->every().count();
  const SlotGrid grid = is_on_grid ? place->grid : SlotGrid(gap.check_id(), Milliseconds(every_ms), 0, 1);
  std::uint64_t missed = 0;
  std::uint64_t far = 0;
  bool is_late = false;
  for_each_slot(gap, [&](std::int64_t slot) {
    if (!is_near(grid, slot, now + place->clock_offset)) {
      ++far;
      return;
    }
    if (!accounted->insert(slot)) return;
    ++missed;
    const WallTime by_probe = grid.due(slot);
    is_late = is_late || now > by_probe - place->clock_offset + check->lifetime();
    if (is_on_grid && !is_ahead(*check, by_probe, now)) check->slots.note(slot, place->location, Vote::none);
  });
  if (far > 0) reject(*place, Applied::clock, far);
  if (missed == 0) return far > 0 ? Applied::clock : Applied::duplicate;

  place->counters.missed[static_cast<std::size_t>(cause) - 1] += missed;
  const OutcomeCounts runs = without(runs_of(gap), *slots - missed);
  OutcomeCounts& counted = is_late ? place->counters.late_runs : place->counters.fresh_runs;
  for (std::size_t outcome = 0; outcome < runs.size(); ++outcome) counted[outcome] += runs[outcome];
  check->close_slots(now);
  return Applied::counted;
}

}  // namespace parallax
