// How many slots a declaration of a probe covers.
#pragma once

#include <cstdint>
#include <optional>

#include "proto/fleet.pb.h"

namespace parallax {

// A message of a few bytes can name ranges of any length: more slots than these are refused.
inline constexpr std::uint64_t kMostGapSlots = 100'000;

// All slots, those of ranges too; none where a range ends before it begins or has no end, and for more than
// kMostGapSlots.
std::optional<std::uint64_t> slots_of(const proto::CheckGap& gap);
std::optional<std::uint64_t> slots_of(const proto::Gap& gap);

}  // namespace parallax
