// When a run was meant to start, and whether that moment means anything to us.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "controller/check_book.h"
#include "proto/result.pb.h"

namespace parallax {

// A moment further than this from our clock (corrected by the probe's offset) is no moment.
inline constexpr Milliseconds kFarthest = std::chrono::hours(24 * 366);

// What a slot of a result stands for.
struct Scheduled {
  std::int64_t every_ms = 0;  // of the definition that was run, as far as we know it
  WallTime by_probe{};        // by the probe's clock
  WallTime by_us{};           // by ours
  WallTime started{};         // the run's start, by ours
  bool is_current = false;    // run on the definition in force
  bool is_on_grid = false;    // a slot of the interval in force
};

// None where slot or start lie too far from our clock. `offset` is the probe's clock minus ours.
// Requires: offset within bounded_offset().
std::optional<Scheduled> scheduled(const CheckBook& check, const PlaceBook& place, const proto::RunResult& result,
                                   Milliseconds offset, WallTime now);

// Whether `slot` of `grid` is within kFarthest of `now`, so that the grid can tell its moment.
bool is_near(const SlotGrid& grid, std::int64_t slot, WallTime now);

// A run that was scheduled so far ahead of our clock would stand as the newest one until we get there: more than
// max(every, 60 s).
bool is_ahead(const CheckBook& check, WallTime by_probe, WallTime now);

// A century at most: a probe may wake up in 1970, but nothing may overflow.
Milliseconds bounded_offset(Milliseconds offset);

}  // namespace parallax
