// Where what changes the books becomes durable before it is counted: journal, then ledger, then acknowledgement.
#pragma once

#include <cstdint>
#include <functional>

#include "proto/kept.pb.h"

namespace parallax {

// One event and its number: 1 for the first that was ever kept, and so on without holes.
struct JournalEntry {
  std::uint64_t number = 0;
  proto::BookEvent event;
};

// Owned by main; outlives what appends to it.
class Journal {
 public:
  using Durable = std::move_only_function<void(const JournalEntry&)>;
  virtual ~Journal() = default;

  // Makes `event` durable, then hands it to `durable`, on the loop and in the order of the calls; possibly before
  // this returns. While the disk does not take it, it waits.
  virtual void append(proto::BookEvent event, Durable durable) = 0;

  // The disk does not take events at present.
  virtual bool is_failing() const { return false; }
};

// Keeps nothing: what is counted lasts as long as the process, and so does the ledger.
class MemoryJournal final : public Journal {
 public:
  void append(proto::BookEvent event, Durable durable) override {
    durable(JournalEntry{++last_, std::move(event)});
  }

 private:
  std::uint64_t last_ = 0;
};

}  // namespace parallax
