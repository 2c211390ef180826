// Records, a clock set by hand, and what a spool accounts for: what tests of the spool share.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "probe/memory_spool.h"
#include "probe/spool_record.h"

namespace parallax {

class SpoolClock final : public Clock {
 public:
  Instant now() const override { return Instant(std::chrono::hours(1)) + passed; }
  WallTime wall() const override {
    return from_unix_us(1'790'000'000'000'000) + std::chrono::duration_cast<std::chrono::microseconds>(passed);
  }
  Nanoseconds passed{0};
};

inline proto::RunResult run_at(std::int64_t slot, proto::State state = proto::STATE_UP,
                               const std::string& check = "shop/health") {
  proto::RunResult result;
  result.set_check_id(check);
  result.set_definition(7);
  result.set_every_ms(15'000);
  result.set_slot(slot);
  result.set_state(state);
  result.set_detail("200 OK");
  return result;
}

// How often a spool accounts for each slot: as a result, as a declaration or as evicted.
inline std::map<std::int64_t, int> slots_in(const Spool& spool) {
  std::map<std::int64_t, int> slots;
  const auto add = [&](const SpoolRecord& record) {
    for_each_range(record, [&](const std::string&, std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t slot = first; slot <= last; ++slot) ++slots[slot];
    });
  };
  for (std::uint64_t next = spool.first_sequence(); next < spool.next_sequence();) {
    if (const auto* gap = spool.gap_at(next)) {
      add(*gap);
      next = gap->last_sequence() + 1;
      continue;
    }
    const auto records = spool.read(next, 1);
    EXPECT_EQ(records.size(), 1U) << "sequence " << next << " is neither in a gap nor held";
    if (records.empty()) break;
    add(records[0].second);
    ++next;
  }
  return slots;
}

}  // namespace parallax
