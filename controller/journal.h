// Where what probes sent becomes durable before it is counted: journal, then ledger, then acknowledgement.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/identity.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// Consecutive records of one probe's spool.
struct JournalEntry {
  Identity from;
  std::string spool_id;
  std::uint64_t first_sequence = 0;
  std::uint64_t last_sequence = 0;
  std::int64_t clock_offset_ms = 0;                              // the probe's clock minus ours
  std::variant<std::vector<proto::RunResult>, proto::Gap> what;  // results: one a sequence
};

// Owned by main; outlives what appends to it.
class Journal {
 public:
  virtual ~Journal() = default;

  // Makes `entry` durable, then hands it to `durable`, on the loop and in the order of the calls; possibly before
  // this returns.
  virtual void append(JournalEntry entry, std::move_only_function<void(JournalEntry)> durable) = 0;
};

// Keeps nothing: what is counted lasts as long as the process, and so does the ledger.
class MemoryJournal final : public Journal {
 public:
  void append(JournalEntry entry, std::move_only_function<void(JournalEntry)> durable) override {
    durable(std::move(entry));
  }
};

}  // namespace parallax
