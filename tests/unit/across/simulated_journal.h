// The journal of a simulated controller and the disk below it, which outlives the process.
#pragma once

#include <deque>
#include <utility>

#include "controller/journal.h"
#include "tests/unit/across/simulated_time.h"

namespace parallax {

// What a crash leaves.
struct SimulatedDisk {
  std::uint64_t last_number = 0;
  std::deque<JournalEntry> events;  // behind the snapshot's
  proto::KeptBooks snapshot;

  void forget_up_to(std::uint64_t number) {
    while (!events.empty() && events.front().number <= number) events.pop_front();
  }
};

// A disk that takes its time, and makes durable together what came meanwhile. The word that it is durable takes a
// moment more: a process may die between the two. Owned by a process; everything given outlives it.
class SlowJournal final : public Journal {
 public:
  SlowJournal(World& world, const Host& host, SimulatedDisk& disk, Nanoseconds most)
      : world_(world), host_(host), disk_(disk), most_(most) {}

  void append(JournalEntry entry, Durable durable) override;
  // How long the disk takes at most, from now on.
  void take(Nanoseconds most) { most_ = most; }
  bool is_idle() const { return waiting_.empty() && committed_.empty(); }

 private:
  void commit();
  void tell();

  World& world_;
  const Host& host_;
  SimulatedDisk& disk_;
  Nanoseconds most_;
  std::deque<std::pair<JournalEntry, Durable>> waiting_;
  std::deque<std::pair<JournalEntry, Durable>> committed_;
};

}  // namespace parallax
