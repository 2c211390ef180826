// Where finished runs wait until the controller has counted them. The seam between measuring and reporting:
// runners only append, the link only reads and frees, and neither knows where the records are kept.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
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
};

using SpoolRecord = std::variant<proto::RunResult, MissedSlots>;

// Records get consecutive sequences from 1. When the spool is full the oldest go first; their counts are kept and
// come back from evicted() until they are freed, so that no loss is silent.
class Spool {
 public:
  virtual ~Spool() = default;

  virtual const std::string& id() const = 0;  // 128 random bits, made with the spool
  virtual void append(SpoolRecord record, Instant now) = 0;

  // Up to `most` records from `from` on, fewer at the end; each with its sequence.
  virtual std::vector<std::pair<std::uint64_t, const SpoolRecord*>> read(std::uint64_t from,
                                                                         std::size_t most) const = 0;

  // Evicted and not yet acknowledged: consecutive ranges with counts a check, oldest first.
  virtual std::vector<proto::Gap> evicted() const = 0;

  // Everything up to and with `sequence` is counted by the controller.
  virtual void free_up_to(std::uint64_t sequence) = 0;

  virtual std::uint64_t first_sequence() const = 0;  // oldest record held or evicted and not yet acknowledged
  virtual std::uint64_t next_sequence() const = 0;
  virtual std::uint64_t results_held() const = 0;
  virtual Nanoseconds oldest_age(Instant now) const = 0;  // 0 when empty
};

// In memory, bounded by the serialized size of its records. A probe that stops loses what was not acknowledged.
class MemorySpool final : public Spool {
 public:
  MemorySpool(std::string id, std::size_t max_bytes);

  const std::string& id() const override { return id_; }
  void append(SpoolRecord record, Instant now) override;
  std::vector<std::pair<std::uint64_t, const SpoolRecord*>> read(std::uint64_t from,
                                                                 std::size_t most) const override;
  std::vector<proto::Gap> evicted() const override;
  void free_up_to(std::uint64_t sequence) override;
  std::uint64_t first_sequence() const override;
  std::uint64_t next_sequence() const override { return next_; }
  std::uint64_t results_held() const override { return held_.size(); }
  Nanoseconds oldest_age(Instant now) const override;

 private:
  struct Held {
    SpoolRecord record;
    std::size_t bytes = 0;
    Instant since;
  };
  void evict_oldest();

  std::string id_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::deque<Held> held_;  // sequences next_ - held_.size() .. next_ - 1
  std::vector<proto::Gap> evicted_;
};

}  // namespace parallax
