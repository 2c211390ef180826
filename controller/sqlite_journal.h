// The journal on disk: events in an SQLite table, committed together as they come and synced before they count.
//
// A thread of its own writes; it takes whatever has come while it was writing (group commit), so a slow disk makes
// the commits larger, not more. While the disk does not take them, events wait in memory (the sessions' windows
// bound them), nothing is counted or acknowledged, and the journal says so.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/sqlite.h"
#include "base/task.h"
#include "controller/journal.h"

namespace parallax {

// Owned by main. The loop, the log and what the callbacks refer to outlive it.
class SqliteJournal final : public Journal {
 public:
  // Opens `file`, or makes it.
  static FromDatabase<std::unique_ptr<SqliteJournal>> open(const std::filesystem::path& file, Loop& loop,
                                                           Log& log);
  ~SqliteJournal() override;  // what waits is lost unless drained() came before

  // Calls `take` for each event kept after number `after`, in order. Requires: nothing was appended yet.
  FromDatabase<void> read(std::uint64_t after, const std::function<void(JournalEntry)>& take);
  // Numbers begin behind `number`, should the events kept end before it. Requires: as read().
  void continue_behind(std::uint64_t number);

  void append(JournalEntry entry, Durable durable) override;

  // Events up to and with `number` are in a snapshot that is on disk: they are deleted, a few with each commit.
  void forget_up_to(std::uint64_t number);
  // Bytes of events that were found, and written since.
  std::uint64_t bytes_written() const;
  std::uint64_t last_number() const;
  bool is_failing() const override;
  // Returns when everything appended was handed to its callback, at the latest at `deadline`.
  Task<> drained(Instant deadline, const Clock& clock);

 private:
  struct Writer;
  explicit SqliteJournal(std::unique_ptr<Writer> writer);
  std::unique_ptr<Writer> writer_;
};

}  // namespace parallax
