#include "tests/unit/across/simulated_journal.h"

namespace parallax {
namespace {

// A disk keeps bytes, and nothing of what the process shares.
JournalEntry of_its_bytes(const JournalEntry& entry) {
  JournalEntry kept;
  kept.number = entry.number;
  kept.event().ParseFromString(entry.event().SerializeAsString());
  return kept;
}

}  // namespace

void SlowJournal::append(JournalEntry entry, Durable durable) {
  waiting_.emplace_back(std::move(entry), std::move(durable));
  if (waiting_.size() > 1) return;
  world_.time.after(world_.dice.between(Nanoseconds(0), most_), &host_, [this] { commit(); });
}

void SlowJournal::commit() {
  const bool is_told_already = committed_.empty();
  for (auto& [entry, durable] : std::exchange(waiting_, {})) {
    entry.number = ++disk_.last_number;
    disk_.events.push_back(of_its_bytes(entry));
    committed_.emplace_back(std::move(entry), std::move(durable));
  }
  if (is_told_already)
    world_.time.after(world_.dice.between(Nanoseconds(0), Milliseconds(2)), &host_, [this] { tell(); });
}

void SlowJournal::tell() {
  auto committed = std::exchange(committed_, {});
  for (auto& [entry, durable] : committed) durable(entry);
}

}  // namespace parallax
