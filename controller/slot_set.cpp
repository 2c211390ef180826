#include "controller/slot_set.h"

#include <algorithm>

namespace parallax {

bool SlotSet::contains(std::int64_t slot) const {
  const auto after = std::ranges::upper_bound(ranges_, slot, {}, &Range::first);
  return after != ranges_.begin() && slot <= std::prev(after)->last;
}

std::int64_t SlotSet::whole_up_to(std::int64_t slot) const {
  const auto after = std::ranges::upper_bound(ranges_, slot + 1, {}, &Range::first);
  return after == ranges_.begin() ? slot : std::max(slot, std::prev(after)->last);
}

bool SlotSet::insert(std::int64_t slot) {
  const auto after = std::ranges::upper_bound(ranges_, slot, {}, &Range::first);
  const auto before = after == ranges_.begin() ? ranges_.end() : std::prev(after);
  if (before != ranges_.end() && slot <= before->last) return false;
  const bool joins_before = before != ranges_.end() && before->last + 1 == slot;
  const bool joins_after = after != ranges_.end() && slot + 1 == after->first;
  if (joins_before && joins_after) {
    before->last = after->last;
    ranges_.erase(after);
  } else if (joins_before) {
    before->last = slot;
  } else if (joins_after) {
    after->first = slot;
  } else {
    ranges_.insert(after, Range{slot, slot});
  }
  if (ranges_.size() > kMostRanges) {
    ranges_[1].first = ranges_[0].first;
    ranges_.erase(ranges_.begin());
  }
  return true;
}

}  // namespace parallax
