#include "controller/recovery.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "base/kept_file.h"
#include "controller/kept_books.h"

namespace parallax {
namespace {

using Kind = DatabaseError::Kind;
using Opened = FromDatabase<std::unique_ptr<SqliteJournal>>;

constexpr std::size_t kMostSnapshotBytes = std::size_t{4} << 30;

std::unexpected<DatabaseError> damaged(std::string what) {
  return std::unexpected(DatabaseError{Kind::damaged, std::move(what)});
}

FromDatabase<proto::KeptBooks> read_snapshot(const std::filesystem::path& file) {
  const auto content = read_kept_file(file, kMostSnapshotBytes);
  if (!content) return damaged(content.error().what);
  proto::KeptBooks kept;
  if (*content && !kept.ParseFromString(**content)) return damaged(file.string() + " is damaged");
  return kept;
}

// The number of events that the journal had behind the snapshot.
FromDatabase<std::uint64_t> fill(const proto::KeptBooks& kept, SqliteJournal& journal, const EmptyBooks& books) {
  Refill refill(kept, books);
  const auto read = journal.read(kept.event(), [&](const JournalEntry& entry) { refill.take(entry); });
  if (!read) return std::unexpected(read.error());
  journal.continue_behind(kept.event());
  return refill.taken();
}

void empty(const EmptyBooks& books) {
  books.ledger = Ledger();
  books.sequences = AppliedSequences();
  books.fleet = FleetBook();
  books.events.restored({});
}

Opened open_and_fill(const std::filesystem::path& state_dir, const EmptyBooks& books, Loop& loop, Log& log,
                     const Clock& clock) {
  const Instant begin = clock.now();
  auto journal = SqliteJournal::open(journal_file(state_dir), loop, log);
  if (!journal) return journal;
  const auto kept = read_snapshot(snapshot_file(state_dir));
  if (!kept) return std::unexpected(kept.error());
  const auto events = fill(*kept, **journal, books);
  if (!events) return std::unexpected(events.error());
  log.info("books recovered", {{"checks", std::to_string(books.ledger.checks().size())},
                               {"snapshot", std::to_string(kept->event())},
                               {"events_behind_it", std::to_string(*events)},
                               {"took", to_text(Nanoseconds(clock.now() - begin))}});
  return journal;
}

void set_both_aside(const std::filesystem::path& state_dir, const std::string& why, Log& log, const Clock& clock) {
  const auto now = static_cast<std::int64_t>(unix_seconds(clock.wall()));
  const auto journal = set_aside(journal_file(state_dir), now);
  const auto snapshot = set_aside(snapshot_file(state_dir), now);
  log.error("the books are damaged: all counters begin at 0 again",
            {{"reason", why},
             {"journal", journal ? journal->string() : journal.error()},
             {"snapshot", snapshot ? snapshot->string() : snapshot.error()},
             {"next", "look at the disk; the files set aside are for whoever wants to see what happened"}});
}

}  // namespace

Refill::Refill(const proto::KeptBooks& kept, const EmptyBooks& books) : books_(books) {
  restore_books(kept, books.ledger, books.sequences, books.fleet);
  books.events.restored(kept);
  for (const auto& check : kept.check()) has_up_to_[check.id()] = check.event();
}

void Refill::take(const JournalEntry& entry) {
  ++taken_;
  books_.events.apply_again(entry, [&](std::string_view check_id) {
    const auto has = has_up_to_.find(check_id);
    return has != has_up_to_.end() && entry.number <= has->second;
  });
}

std::filesystem::path journal_file(const std::filesystem::path& state_dir) { return state_dir / "journal.db"; }
std::filesystem::path snapshot_file(const std::filesystem::path& state_dir) { return state_dir / "books.kept"; }

Result<std::unique_ptr<SqliteJournal>> recover(const std::filesystem::path& state_dir, const EmptyBooks& books,
                                               Loop& loop, Log& log, const Clock& clock) {
  auto opened = open_and_fill(state_dir, books, loop, log, clock);
  if (!opened && opened.error().kind == Kind::damaged) {
    const std::string why = opened.error().what;
    set_both_aside(state_dir, why, log, clock);
    empty(books);
    opened = open_and_fill(state_dir, books, loop, log, clock);
  }
  if (opened) return std::move(*opened);
  if (opened.error().kind == Kind::busy)
    return failure(
        fmt::format("state_dir {} is in use by another controller ({}); stop it, or set another state_dir",
                    state_dir.string(), opened.error().what));
  return failure(fmt::format("state_dir {} cannot be used: {}; mend its disk, or set another state_dir",
                             state_dir.string(), opened.error().what));
}

}  // namespace parallax
