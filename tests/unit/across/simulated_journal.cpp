#include "tests/unit/across/simulated_journal.h"

namespace parallax {

void SlowJournal::append(proto::BookEvent event, Durable durable) {
  waiting_.emplace_back(std::move(event), std::move(durable));
  if (waiting_.size() > 1) return;
  world_.time.after(world_.dice.between(Nanoseconds(0), most_), &host_, [this] { commit(); });
}

void SlowJournal::commit() {
  const bool is_told_already = committed_.empty();
  for (auto& [event, durable] : std::exchange(waiting_, {})) {
    disk_.events.push_back(JournalEntry{++disk_.last_number, std::move(event)});
    committed_.emplace_back(disk_.events.back(), std::move(durable));
  }
  if (is_told_already)
    world_.time.after(world_.dice.between(Nanoseconds(0), Milliseconds(2)), &host_, [this] { tell(); });
}

void SlowJournal::tell() {
  auto committed = std::exchange(committed_, {});
  for (auto& [entry, durable] : committed) durable(entry);
}

}  // namespace parallax
