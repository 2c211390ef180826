// Where finished runs wait until the controller has counted them. The seam between measuring and reporting:
// runners only append, the link only reads and frees, and neither knows where the records are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// Slots that were never run, as a record of its own in the order of results.
struct MissedSlots {
  std::string check_id;
  proto::Gap::Cause cause = proto::Gap::OVERRUN;
  std::vector<std::int64_t> slots;
  std::vector<std::int64_t> ranges{};  // more of them: first and last of each range
  std::int64_t every_ms = 0;           // of the definition they are slots of; 0: of the one in force
};

// A gap among the records is what an earlier life of the probe had to evict; its sequences mean nothing any more.
using SpoolRecord = std::variant<proto::RunResult, MissedSlots, proto::Gap>;

// Records get consecutive sequences from 1. When the spool is full the oldest go first; what they counted is kept,
// as gaps, until it is freed, so that no loss is silent.
//
// Each sequence from first_sequence() to next_sequence() - 1 is either in a gap or held: gaps first.
class Spool {
 public:
  virtual ~Spool() = default;

  virtual const std::string& id() const = 0;  // 128 random bits, new with each start: no sequence is used twice
  virtual void append(SpoolRecord&& record, Instant now) = 0;
  virtual void append(const proto::RunResult& result, Instant now) = 0;

  // The records held from `from` on, each with its sequence: at most `most`, and they end where one of another
  // kind begins. Requires: no gap covers `from`.
  virtual std::vector<std::pair<std::uint64_t, SpoolRecord>> read(std::uint64_t from, std::size_t most) const = 0;

  // The result held as `sequence`, serialized; nothing where another record is held there, or none.
  // Requires: no gap covers it. Valid until the next append or free.
  virtual std::optional<std::string_view> result_at(std::uint64_t sequence) const = 0;

  // The newest result of each check, newest first, among the newest `most_looked_at` records.
  virtual std::vector<proto::RunResult> newest_of_each_check(std::size_t most_looked_at) const = 0;

  // The gap that begins at `sequence`, or nullptr. Valid until the next append or free.
  virtual const proto::Gap* gap_at(std::uint64_t sequence) const = 0;

  // Records up to `sequence` may have reached the controller: when they are evicted, each stays a gap of its own,
  // as the controller may have counted some of them and not the others.
  virtual void note_sent(std::uint64_t sequence) = 0;

  // Everything up to and with `sequence` is counted by the controller.
  virtual void free_up_to(std::uint64_t sequence) = 0;

  virtual std::uint64_t first_sequence() const = 0;  // oldest record held or in a gap; next_sequence() for none
  virtual std::uint64_t next_sequence() const = 0;
  virtual std::uint64_t results_held() const = 0;         // records held, declarations too
  virtual Nanoseconds oldest_age(Instant now) const = 0;  // of the records held; 0 when there is none
};

// 128 bits from the system's random source, for a new spool's id.
std::string random_spool_id();

}  // namespace parallax
