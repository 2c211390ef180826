// One life of a controller, from its start until it is killed, for the tests of what it finds at the next.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include "controller/exposition.h"
#include "controller/kept_definitions.h"
#include "controller/recovery.h"
#include "controller/snapshots.h"
#include "tests/unit/controller/wire.h"

namespace parallax {

// A clock by which each slice of a snapshot gets to one check only, and 10 ms pass before the next: events become
// durable in between.
class SlowClock final : public Clock {
 public:
  explicit SlowClock(const Clock& wall) : wall_(wall) {}
  Instant now() const override {
    // A slice looks three times: when it begins, behind its first check, and how long it gives way.
    const bool begins = looks_++ % 3 == 1;
    return system_.now() + Milliseconds(begins ? 0 : 10);
  }
  WallTime wall() const override { return wall_.wall(); }

 private:
  const Clock& wall_;
  SystemClock system_;
  mutable int looks_ = 0;  // the first is the constructor's
};

// One life of a controller, from its start until it is killed.
struct Life {
  Life(const std::filesystem::path& state_dir, Log& log, const Clock& clock) : clock_(clock), slow_clock(clock) {
    auto recovered = recover(state_dir, {ledger, sequences, book, events}, loop, log, clock);
    if (!recovered) {
      refused = recovered.error().what;
      return;
    }
    journal = std::move(*recovered);
    fleet.emplace(Books{ledger, book, *journal, events, sequences, log, clock});
    snapshots.emplace(snapshot_file(state_dir), Snapshots::Books{ledger, sequences, book, events}, *journal, log,
                      slow_clock);
  }

  void put_in_force(const Definitions& definitions) {
    JournalEntry entry(clock_.wall());
    *entry.event().mutable_definitions() = to_kept(definitions);
    journal->append(std::move(entry), [this](const JournalEntry& durable) {
      events.apply(durable);
      fleet->apply_definitions(events.definitions());
    });
    settle();
  }
  void let_time_pass() {
    JournalEntry entry(clock_.wall());
    entry.event().mutable_time_passed();
    journal->append(std::move(entry), [this](const JournalEntry& durable) { events.apply(durable); });
  }
  // Waits until everything appended is durable and applied.
  void settle() {
    while (events.last() != journal->last_number()) loop.run_one();
  }
  void write_snapshot() {
    tasks.spawn("snapshot", snapshots->write());
    do loop.run_one();
    while (snapshots->is_writing());
  }
  // All that is counted, and what it stands for. What a probe says of itself begins anew with each start.
  std::string page() const {
    const ControllerFigures figures{.version = "0.1.0", .revision = "abc", .process = {}};
    std::istringstream lines(
        joined(write_exposition(ExpositionFormat::text, ledger, book, figures, {}, clock_.wall())));
    std::string shown;
    for (std::string line; std::getline(lines, line);)
      if (!line.starts_with("parallax_probe_") && !line.starts_with("#")) shown += line + "\n";
    return shown;
  }

  const Clock& clock_;
  SlowClock slow_clock;
  Loop loop;
  boost::asio::executor_work_guard<Loop::executor_type> journal_will_post = boost::asio::make_work_guard(loop);
  TaskGroup tasks{loop};
  Ledger ledger;
  FleetBook book;
  AppliedSequences sequences;
  BookEvents events{ledger, sequences, book};
  std::unique_ptr<SqliteJournal> journal;
  std::optional<Fleet> fleet;
  std::optional<Snapshots> snapshots;
  std::string refused;
};

}  // namespace parallax
