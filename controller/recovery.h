// The books of before a stop or a crash: the snapshot, and the journal behind it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "controller/book_events.h"
#include "controller/sqlite_journal.h"

namespace parallax {

std::filesystem::path journal_file(const std::filesystem::path& state_dir);
std::filesystem::path snapshot_file(const std::filesystem::path& state_dir);

// What a start finds, and fills.
struct EmptyBooks {
  Ledger& ledger;
  AppliedSequences& sequences;
  FleetBook& fleet;
  BookEvents& events;
};

// Puts a snapshot into the books, then event by event what the journal has behind it. The books outlive it.
class Refill {
 public:
  Refill(const proto::KeptBooks& kept, const EmptyBooks& books);
  // Requires: the events behind the snapshot's, in order.
  void take(const JournalEntry& entry);
  std::uint64_t taken() const { return taken_; }

 private:
  EmptyBooks books_;
  std::map<std::string, std::uint64_t, std::less<>> has_up_to_;  // a check's book, the event
  std::uint64_t taken_ = 0;
};

// Opens the journal of `state_dir` and fills `books`. Files that are damaged are set aside under other names, and
// all counters begin at 0: a part of them would be less than what was shown. The error says why a controller
// cannot keep books there at all: another one does, or the disk does not work.
Result<std::unique_ptr<SqliteJournal>> recover(const std::filesystem::path& state_dir, const EmptyBooks& books,
                                               Loop& loop, Log& log, const Clock& clock);

}  // namespace parallax
