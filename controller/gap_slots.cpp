#include "controller/gap_slots.h"

namespace parallax {

std::optional<std::uint64_t> slots_of(const proto::CheckGap& gap) {
  if (gap.range_size() % 2 != 0) return std::nullopt;
  auto slots = static_cast<std::uint64_t>(gap.slot_size());
  for (int i = 0; i < gap.range_size(); i += 2) {
    const std::int64_t first = gap.range(i);
    const std::int64_t last = gap.range(i + 1);
    if (last < first) return std::nullopt;
    const std::uint64_t more = static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first);
    if (more >= kMostGapSlots) return std::nullopt;  // before the sum could overflow
    slots += more + 1;
    if (slots > kMostGapSlots) return std::nullopt;
  }
  if (slots > kMostGapSlots) return std::nullopt;
  return slots;
}

std::optional<std::uint64_t> slots_of(const proto::Gap& gap) {
  std::uint64_t slots = 0;
  for (const auto& check : gap.check()) {
    const auto of_check = slots_of(check);
    if (!of_check) return std::nullopt;
    slots += *of_check;
    if (slots > kMostGapSlots) return std::nullopt;
  }
  return slots;
}

}  // namespace parallax
