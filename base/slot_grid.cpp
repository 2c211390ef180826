#include "base/slot_grid.h"

#include <algorithm>

namespace parallax {

std::uint64_t fnv1a_64(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211ULL;
  return hash;
}

std::uint32_t fnv1a_32(std::string_view bytes) {
  std::uint32_t hash = 2166136261U;
  for (const unsigned char byte : bytes) hash = (hash ^ byte) * 16777619U;
  return hash;
}

SlotGrid::SlotGrid(std::string_view id, Milliseconds every, std::uint32_t index, std::uint32_t count)
    : every_(every),
      offset_(static_cast<std::int64_t>(fnv1a_64(id) % static_cast<std::uint64_t>(every.count())) +
              static_cast<std::int64_t>(index) * every.count() / static_cast<std::int64_t>(count)) {}

WallTime SlotGrid::due(std::int64_t slot) const { return WallTime(offset_ + slot * every_); }

std::int64_t SlotGrid::current(WallTime now) const {
  const std::int64_t since = unix_us(now) - std::chrono::microseconds(offset_).count();
  const std::int64_t period = std::chrono::microseconds(every_).count();
  std::int64_t slot = since / period;
  if (since % period < 0) --slot;  // towards minus infinity, for moments before the grid's first slot
  return slot;
}

Milliseconds SlotGrid::most_late() const { return std::min(every_ / 2, Milliseconds(30000)); }

}  // namespace parallax
