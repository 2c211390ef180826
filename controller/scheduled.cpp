#include "controller/scheduled.h"

#include <algorithm>

namespace parallax {
namespace {

// The interval of the definition that was run; of one from before this program's start what the probe says, if it
// does.
std::optional<std::int64_t> every_of(const CheckBook& check, const proto::RunResult& result) {
  const std::uint64_t definition = result.definition();
  if (definition == check.fingerprint) return check.every().count();
  const auto former = std::ranges::find(check.former, definition, [](const auto& entry) { return entry.first; });
  if (former != check.former.end()) return former->second;
  if (result.every_ms() > 0) return result.every_ms();
  return std::nullopt;
}

}  // namespace

bool is_near(const SlotGrid& grid, std::int64_t slot, WallTime now) {
  return slot >= grid.current(now - kFarthest) && slot <= grid.current(now + kFarthest);
}

bool is_ahead(const CheckBook& check, WallTime by_probe, WallTime now) {
  return by_probe > now + std::max(check.every(), Milliseconds(60'000));
}

Milliseconds bounded_offset(Milliseconds offset) {
  constexpr Milliseconds kCentury = std::chrono::hours(24 * 36525);
  return std::clamp(offset, -kCentury, kCentury);
}

std::optional<Scheduled> scheduled(const CheckBook& check, const PlaceBook& place, const proto::RunResult& result,
                                   Milliseconds offset, WallTime now) {
  const WallTime started = from_unix_us(result.started_us());
  const WallTime probe_now = now + offset;
  if (started < probe_now - kFarthest || started > probe_now + kFarthest) return std::nullopt;

  const auto known_every = every_of(check, result);
  Scheduled run;
  run.every_ms = known_every.value_or(check.every().count());
  run.started = started - offset;
  run.is_current = result.definition() == check.fingerprint;
  run.is_on_grid = run.every_ms == check.every().count();
  // The phase of a former grid differs from the one made here by less than its period: near enough to tell fresh
  // from late.
  const SlotGrid grid =
      run.is_on_grid ? place.grid : SlotGrid(check.definition().id(), Milliseconds(run.every_ms), 0, 1);
  const bool grid_knows = is_near(grid, result.slot(), probe_now);
  if (known_every && !grid_knows) return std::nullopt;
  // A definition we do not know may have had another interval; then the run's own start is what is left.
  run.is_on_grid = run.is_on_grid && grid_knows;
  run.by_probe = known_every ? grid.due(result.slot()) : started;
  run.by_us = run.by_probe - offset;
  return run;
}

}  // namespace parallax
