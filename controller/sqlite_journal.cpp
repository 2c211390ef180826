#include "controller/sqlite_journal.h"

#include <atomic>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/gzip.h"

namespace parallax {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kTryAgainAfter(1);
// With each commit as many events are forgotten as it appends, and so many more: the file does not grow for ever
// under load, and no commit is held up for long.
constexpr std::int64_t kForgottenBeyond = 256;
constexpr std::size_t kMostPerCommit = 4096;

// Pages of 4 KiB and a log of 16 MiB between checkpoints: each checkpoint writes a page once that was written
// often.
constexpr const char* kSettings = "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4096";
constexpr const char* kTables =
    "CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, checksum INTEGER NOT NULL, content BLOB NOT "
    "NULL)";

}  // namespace

// What the writing thread works on. `pending` and `forget_up_to` are under the mutex.
struct SqliteJournal::Writer {
  Writer(Database opened, Loop& loop_, Log& log_) : database(std::move(opened)), loop(loop_), log(log_) {}

  struct Pending {
    JournalEntry entry;
    Durable durable;
  };
  using Batch = std::vector<Pending>;

  FromDatabase<void> prepare();
  void work(const std::stop_token& stop);
  bool take_some(Batch& batch, std::int64_t& forget, const std::stop_token& stop);
  void write_until_it_is_written(const Batch& batch, std::int64_t forget, const std::stop_token& stop);
  FromDatabase<void> write(const Batch& batch, std::int64_t forget);
  FromDatabase<void> write_events(const Batch& batch, std::int64_t forget);
  void tell(const FromDatabase<void>& written);
  void hand_over(Batch batch);

  Database database;
  Loop& loop;
  Log& log;
  std::optional<Statement> insert, forget_some;

  std::mutex mutex;
  std::condition_variable_any woken;
  std::deque<Pending> pending;
  std::int64_t forget_up_to = 0;

  // On the loop.
  std::uint64_t last = 0;
  std::uint64_t handed_over = 0;
  std::atomic<bool> failing = false;
  std::atomic<std::uint64_t> bytes = 0;
  std::string content;  // of the event being written
  std::uint64_t batch_bytes = 0;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);

  std::jthread thread;  // last: the others outlive it
};

FromDatabase<void> SqliteJournal::Writer::prepare() {
  if (auto set = database.run(kSettings); !set) return set;
  if (auto made = database.run(kTables); !made) return made;
  auto inserting = database.prepare("INSERT INTO event VALUES (?, ?, ?)");
  if (!inserting) return std::unexpected(inserting.error());
  insert = std::move(*inserting);
  auto forgetting =
      database.prepare("DELETE FROM event WHERE number <= min(?1, (SELECT min(number) FROM event) + ?2)");
  if (!forgetting) return std::unexpected(forgetting.error());
  forget_some = std::move(*forgetting);
  auto newest = database.prepare("SELECT coalesce(max(number), 0), coalesce(sum(length(content)), 0) FROM event");
  if (!newest) return std::unexpected(newest.error());
  if (auto row = newest->step(); !row) return std::unexpected(row.error());
  last = handed_over = static_cast<std::uint64_t>(newest->number(0));
  bytes = static_cast<std::uint64_t>(newest->number(1));
  return {};
}

void SqliteJournal::Writer::work(const std::stop_token& stop) {
  Batch batch;
  std::int64_t forget = 0;
  while (take_some(batch, forget, stop)) {
    write_until_it_is_written(batch, forget, stop);
    if (stop.stop_requested()) return;
    hand_over(std::exchange(batch, {}));
  }
}

// Waits for events; false when there will be none.
bool SqliteJournal::Writer::take_some(Batch& batch, std::int64_t& forget, const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  if (!woken.wait(lock, stop, [&] { return !pending.empty(); })) return false;
  while (!pending.empty() && batch.size() < kMostPerCommit) {
    batch.push_back(std::move(pending.front()));
    pending.pop_front();
  }
  forget = forget_up_to;
  return true;
}

void SqliteJournal::Writer::write_until_it_is_written(const Batch& batch, std::int64_t forget,
                                                      const std::stop_token& stop) {
  for (;;) {
    const auto written = write(batch, forget);
    tell(written);
    if (written) return;
    std::unique_lock lock(mutex);
    std::condition_variable_any nobody;
    nobody.wait_for(lock, stop, kTryAgainAfter, [] { return false; });
    if (stop.stop_requested()) return;
  }
}

FromDatabase<void> SqliteJournal::Writer::write(const Batch& batch, std::int64_t forget) {
  batch_bytes = 0;
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto written = write_events(batch, forget);
  if (written) written = database.run("COMMIT");
  if (!written) static_cast<void>(database.run("ROLLBACK"));  // fails when SQLite did it by itself
  if (written) bytes += batch_bytes;
  return written;
}

FromDatabase<void> SqliteJournal::Writer::write_events(const Batch& batch, std::int64_t forget) {
  for (const Pending& one : batch) {
    content.clear();
    one.entry.event().SerializeToString(&content);
    auto inserted = insert->bind(1, static_cast<std::int64_t>(one.entry.number))
                        .bind(2, crc32_of(content))
                        .bind(3, content)
                        .run();
    if (!inserted) return inserted;
    batch_bytes += content.size();
  }
  if (forget == 0) return {};
  const std::int64_t most = static_cast<std::int64_t>(batch.size()) + kForgottenBeyond;
  return forget_some->bind(1, forget).bind(2, most).run();
}

void SqliteJournal::Writer::tell(const FromDatabase<void>& written) {
  if (written.has_value() == !failing) return;
  failing = !written;
  asio::post(loop, [this, alive_ = std::weak_ptr(alive), what = written ? "" : written.error().what] {
    if (alive_.expired()) return;
    if (what.empty())
      log.info("the journal is written again", {});
    else
      log.error(
          "the journal cannot be written: nothing new is counted or acknowledged, probes keep their results",
          {{"reason", what}, {"next", "make room on the disk of state_dir, or mend it; it is tried each second"}});
  });
}

// One by one, so that the loop can do other work in between.
void SqliteJournal::Writer::hand_over(Batch batch) {
  for (Pending& one : batch)
    asio::post(loop, [this, alive_ = std::weak_ptr(alive), done = std::move(one)]() mutable {
      if (alive_.expired()) return;
      done.durable(done.entry);
      handed_over = done.entry.number;
    });
}

SqliteJournal::SqliteJournal(std::unique_ptr<Writer> writer) : writer_(std::move(writer)) {}

FromDatabase<std::unique_ptr<SqliteJournal>> SqliteJournal::open(const std::filesystem::path& file, Loop& loop,
                                                                 Log& log) {
  auto database = Database::open(file);
  if (!database) return std::unexpected(database.error());
  auto writer = std::make_unique<Writer>(std::move(*database), loop, log);
  if (const auto prepared = writer->prepare(); !prepared) return std::unexpected(prepared.error());
  return std::unique_ptr<SqliteJournal>(new SqliteJournal(std::move(writer)));
}

SqliteJournal::~SqliteJournal() {
  writer_->alive.reset();
  writer_->thread = {};  // asks it to stop, and waits
}

FromDatabase<void> SqliteJournal::read(std::uint64_t after, const std::function<void(JournalEntry)>& take) {
  auto select =
      writer_->database.prepare("SELECT number, checksum, content FROM event WHERE number > ? ORDER BY number");
  if (!select) return std::unexpected(select.error());
  select->bind(1, static_cast<std::int64_t>(after));
  std::uint64_t expected = after + 1;
  for (;;) {
    const auto row = select->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return {};
    JournalEntry entry;
    entry.number = static_cast<std::uint64_t>(select->number(0));
    const std::string content = select->bytes(2);
    if (entry.number != expected++ || select->number(1) != crc32_of(content) ||
        !entry.event().ParseFromString(content))
      return std::unexpected(
          DatabaseError{DatabaseError::Kind::damaged, "an event of the journal is missing or damaged"});
    take(std::move(entry));
  }
}

void SqliteJournal::continue_behind(std::uint64_t number) {
  writer_->last = std::max(writer_->last, number);
  writer_->handed_over = writer_->last;
}

void SqliteJournal::append(JournalEntry entry, Durable durable) {
  Writer& writer = *writer_;
  entry.number = ++writer.last;
  {
    const std::lock_guard lock(writer.mutex);
    writer.pending.push_back({std::move(entry), std::move(durable)});
  }
  writer.woken.notify_one();
  if (!writer.thread.joinable())
    writer.thread = std::jthread([&writer](const std::stop_token& stop) { writer.work(stop); });
}

void SqliteJournal::forget_up_to(std::uint64_t number) {
  const std::lock_guard lock(writer_->mutex);
  writer_->forget_up_to = static_cast<std::int64_t>(number);
}

std::uint64_t SqliteJournal::bytes_written() const { return writer_->bytes; }
std::uint64_t SqliteJournal::last_number() const { return writer_->last; }
bool SqliteJournal::is_failing() const { return writer_->failing; }

Task<> SqliteJournal::drained(Instant deadline, const Clock& clock) {
  while (writer_->handed_over != writer_->last && clock.now() < deadline) {
    const Instant soon = clock.now() + Milliseconds(5);
    co_await sleep_until(soon);
  }
}

}  // namespace parallax
