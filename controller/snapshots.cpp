#include "controller/snapshots.h"

#include <atomic>
#include <utility>

#include "base/kept_file.h"
#include "controller/kept_books.h"
#include "controller/kept_definitions.h"

namespace parallax {
namespace {

constexpr std::uint64_t kMostJournalBytes = 64 << 20;  // what a start reads at most, about
constexpr std::chrono::minutes kLongest(10);
constexpr Milliseconds kSlice(3);  // of the loop's time
constexpr Milliseconds kLookForTheDisk(5);

}  // namespace

Snapshots::Snapshots(std::filesystem::path file, const Books& books, SqliteJournal& journal, Log& log,
                     const Clock& clock)
    : file_(std::move(file)),
      books_(books),
      journal_(journal),
      log_(log),
      clock_(clock),
      written_event_(books.events.last()),
      written_at_(clock.now()) {}

bool Snapshots::is_due() const {
  if (writing_ || books_.events.last() == written_event_) return false;
  return journal_.bytes_written() - written_at_bytes_ >= kMostJournalBytes ||
         clock_.now() >= written_at_ + kLongest;
}

Task<> Snapshots::write() {
  writing_ = true;
  const std::uint64_t bytes = journal_.bytes_written();
  std::shared_ptr<const Definitions> definitions;
  proto::KeptBooks kept = co_await take_down(definitions);

  // A large one takes a while to be put into bytes, digested and synced: on a thread, which ends with this.
  // It touches only what is in this frame: we may be gone before the frame is.
  const std::filesystem::path file = file_;
  std::atomic<bool> done = false;
  Result<void> written;
  std::jthread thread([&file, &kept, &definitions, &written, &done] {
    *kept.mutable_definitions() = to_kept(*definitions);
    written = write_kept_file(file, kept.SerializeAsString());
    done = true;
  });
  while (!done) {
    const Instant soon = clock_.now() + kLookForTheDisk;
    const bool going_on = co_await sleep_until(soon);
    if (!going_on) break;  // the program ends: only the disk is waited for
  }
  thread.join();
  log_.on_change("snapshot", written ? "" : written.error().what, written ? Log::Level::debug : Log::Level::error,
                 written ? "snapshot of the books written" : "no snapshot of the books: the journal grows",
                 {{"reason", written ? "" : written.error().what},
                  {"next", written ? "" : "make room on the disk of state_dir, or mend it"}});
  written_at_ = clock_.now();  // one that failed is tried again as late as the next
  written_at_bytes_ = bytes;
  if (written) written_event_ = kept.event();
  if (written) journal_.forget_up_to(kept.event());
  writing_ = false;
}

// All of it is by one set of definitions: when others come into force in the middle, it begins again.
Task<proto::KeptBooks> Snapshots::take_down(std::shared_ptr<const Definitions>& definitions) {
  for (;;) {
    definitions = books_.events.definitions();
    const std::uint64_t their_event = books_.events.last_definitions();
    proto::KeptBooks kept = kept_without_checks(books_.ledger, books_.sequences, books_.fleet);
    kept.set_event(books_.events.last());
    std::string last_id;
    while (their_event == books_.events.last_definitions()) {
      if (take_slice(kept, last_id, clock_.now() + kSlice)) co_return kept;
      const Instant now = clock_.now();
      co_await sleep_until(now);
    }
  }
}

// The checks behind `last_id`, as many as there is time for. True when it was the last slice.
bool Snapshots::take_slice(proto::KeptBooks& kept, std::string& last_id, Instant until) const {
  const auto& checks = books_.ledger.checks();
  for (auto check = checks.upper_bound(last_id); check != checks.end(); ++check) {
    auto& one = *kept.add_check();
    one = kept_check(check->second);
    one.set_event(books_.events.last());
    last_id = check->first;
    if (clock_.now() >= until) return std::next(check) == checks.end();
  }
  return true;
}

}  // namespace parallax
