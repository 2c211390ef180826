// What probes declare to have no result: Ledger::apply_gap().
#include <algorithm>

#include "controller/ledger.h"
#include "controller/scheduled.h"

namespace parallax {
namespace {

// The runs of a gap by outcome, in order of proto::State.
OutcomeCounts runs_of(const proto::CheckGap& gap) {
  return {gap.runs_up(), gap.runs_degraded(), gap.runs_down(), gap.runs_unknown()};
}

bool is_plausible(const proto::CheckGap& gap, proto::Gap::Cause cause) {
  if (cause == proto::Gap::CAUSE_UNSPECIFIED || !proto::Gap::Cause_IsValid(cause)) return false;
  const auto slots = static_cast<std::uint64_t>(gap.slot_size());
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

}  // namespace

Applied Ledger::apply_gap(const Identity& from, const proto::CheckGap& gap, proto::Gap::Cause cause,
                          WallTime now) {
  const auto [check, place] = expected(gap.check_id(), from.location);
  if (place == nullptr) return reject_unexpected(from, gap.check_id());
  if (!is_plausible(gap, cause)) return reject(*place, Applied::invalid);

  // A gap does not say which definition its slots are of: they are taken as those of the interval in force.
  SlotSet& accounted = place->accounted[check->check.every_ms()];
  std::uint64_t missed = 0;
  std::uint64_t far = 0;
  bool is_late = false;
  for (const std::int64_t slot : gap.slot()) {
    if (!is_near(place->grid, slot, now + place->clock_offset)) {
      ++far;
      continue;
    }
    if (!accounted.insert(slot)) continue;
    ++missed;
    const WallTime by_probe = place->grid.due(slot);
    is_late = is_late || now > by_probe - place->clock_offset + check->lifetime();
    if (!is_ahead(*check, by_probe, now)) check->slots.note(slot, place->location, Vote::none);
  }
  if (far > 0) reject(*place, Applied::clock, far);
  if (missed == 0) return far > 0 ? Applied::clock : Applied::duplicate;

  place->counters.missed[static_cast<std::size_t>(cause) - 1] += missed;
  const OutcomeCounts runs = without(runs_of(gap), static_cast<std::uint64_t>(gap.slot_size()) - missed);
  OutcomeCounts& counted = is_late ? place->counters.late_runs : place->counters.fresh_runs;
  for (std::size_t outcome = 0; outcome < runs.size(); ++outcome) counted[outcome] += runs[outcome];
  check->close_slots(now);
  return Applied::counted;
}

}  // namespace parallax
