// The books as a whole, written now and then, so that a start need not read the journal from its beginning.
//
// Large books are taken down in slices of a few milliseconds while the controller works: each check is as of its
// own event, and a start passes over what it has in it already. Definitions that come in between begin it anew.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "base/log.h"
#include "base/task.h"
#include "controller/applied_sequences.h"
#include "controller/book_events.h"
#include "controller/fleet_book.h"
#include "controller/ledger.h"
#include "controller/sqlite_journal.h"

namespace parallax {

// Owned by main; everything given outlives it. On the loop.
class Snapshots {
 public:
  struct Books {
    const Ledger& ledger;
    const AppliedSequences& sequences;
    const FleetBook& fleet;
    const BookEvents& events;
  };
  Snapshots(std::filesystem::path file, const Books& books, SqliteJournal& journal, Log& log, const Clock& clock);

  // The journal has grown enough since the last one, or it is ten minutes old and something happened.
  bool is_due() const;
  // Writes one and lets the journal forget what is in it. Requires: none is being written.
  Task<> write();
  bool is_writing() const { return writing_; }

 private:
  Task<proto::KeptBooks> take_down(std::shared_ptr<const Definitions>& definitions);
  bool take_slice(proto::KeptBooks& kept, std::string& last_id, Instant until) const;

  std::filesystem::path file_;
  Books books_;
  SqliteJournal& journal_;
  Log& log_;
  const Clock& clock_;
  bool writing_ = false;
  std::uint64_t written_event_;
  std::uint64_t written_at_bytes_ = 0;
  Instant written_at_;
};

}  // namespace parallax
