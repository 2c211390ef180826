// The books of before a stop or a crash: the snapshot, and the journal behind it.
#pragma once

#include <filesystem>
#include <memory>

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

// Opens the journal of `state_dir` and fills `books`. Files that are damaged are set aside under other names, and
// all counters begin at 0: a part of them would be less than what was shown. The error says why a controller
// cannot keep books there at all: another one does, or the disk does not work.
Result<std::unique_ptr<SqliteJournal>> recover(const std::filesystem::path& state_dir, const EmptyBooks& books,
                                               Loop& loop, Log& log, const Clock& clock);

}  // namespace parallax
