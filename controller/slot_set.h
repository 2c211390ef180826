// The slots of one check at one location that are accounted for, kept as ranges.
//
// Slots are consecutive numbers and nearly all of them get accounted for, so a day, or a year, is one range of 16
// bytes where a bitmap would grow with time; a hole costs one more range. A probe that leaves a hole at every
// other slot could make that grow without end: beyond kMostRanges the two oldest ranges become one, and the holes
// between them count as accounted for. (docs/decisions has why this is not the bitmap of the design.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proto/kept.pb.h"

namespace parallax {

class SlotSet {
 public:
  static constexpr std::size_t kMostRanges = 1024;

  // False when `slot` was there already.
  bool insert(std::int64_t slot);
  bool contains(std::int64_t slot) const;
  // The last slot of those that follow `slot` without a hole; `slot` itself when the next one is not in it.
  std::int64_t whole_up_to(std::int64_t slot) const;
  std::size_t ranges() const { return ranges_.size(); }
  // The greatest slot in it, if any.
  std::optional<std::int64_t> newest() const;

  // As a message, and back.
  void keep(proto::KeptSlots& kept) const;
  void restore(const proto::KeptSlots& kept);

 private:
  struct Range {
    std::int64_t first;
    std::int64_t last;
  };
  std::vector<Range> ranges_;  // ascending, with at least one slot between two
};

}  // namespace parallax
