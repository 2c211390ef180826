// Where finished runs wait until the controller has counted them. The seam between measuring and reporting:
// runners only append, the link only reads and frees, and neither knows where the records are kept.
#pragma once

#include <cstdint>
#include <deque>
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

// Records get consecutive sequences from 1. When the spool is full the oldest go first; what they counted is kept,
// as gaps, until it is freed, so that no loss is silent.
//
// Each sequence from first_sequence() to next_sequence() - 1 is either in a gap or held: gaps first.
class Spool {
 public:
  virtual ~Spool() = default;

  virtual const std::string& id() const = 0;  // 128 random bits, made with the spool
  virtual void append(SpoolRecord&& record, Instant now) = 0;

  // Up to `most` records held from `from` on, fewer at the end; each with its sequence. Valid until the next
  // append or free. Requires: no gap covers `from`.
  virtual std::vector<std::pair<std::uint64_t, const SpoolRecord*>> read(std::uint64_t from,
                                                                         std::size_t most) const = 0;

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

// In memory, bounded by the serialized size of its records. A probe that stops loses what was not acknowledged.
class MemorySpool final : public Spool {
 public:
  MemorySpool(std::string id, std::size_t max_bytes);

  const std::string& id() const override { return id_; }
  void append(SpoolRecord&& record, Instant now) override;
  std::vector<std::pair<std::uint64_t, const SpoolRecord*>> read(std::uint64_t from,
                                                                 std::size_t most) const override;
  const proto::Gap* gap_at(std::uint64_t sequence) const override;
  void note_sent(std::uint64_t sequence) override;
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
  std::uint64_t first_held() const { return next_ - held_.size(); }
  void evict_oldest();
  proto::Gap* gap_to_extend(proto::Gap::Cause cause);

  std::string id_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::uint64_t sent_ = 0;
  std::deque<Held> held_;
  std::deque<proto::Gap> gaps_;  // consecutive, and consecutive with held_
};

// 128 bits from the system's random source, for a new spool's id.
std::string random_spool_id();

}  // namespace parallax
