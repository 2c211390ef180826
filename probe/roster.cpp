#include "probe/roster.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace parallax {
namespace {

// Slots declared at once after a standstill: a day of a check every 15 s, fewer when there are very many checks.
constexpr std::size_t kMostDeclared = 5760;
constexpr std::size_t kMostDeclaredByAll = 500'000;
constexpr std::size_t kLeastDeclared = 60;
constexpr std::size_t kMostPast = 10'000;

}  // namespace

Roster::Difference Roster::apply(const proto::Assignment& assignment) {
  Difference difference;
  std::erase_if(leaving_, [](const auto& runner) { return !runner->is_running(); });
  std::set<std::string> gone(assignment.removed().begin(), assignment.removed().end());
  if (assignment.whole())
    for (const auto& [id, runner] : runners_) gone.insert(id);
  for (const auto& assigned : assignment.check()) gone.erase(assigned.check().id());
  for (const auto& id : gone) {
    if (!runners_.contains(id)) continue;
    remove(id);
    difference.removed.push_back(id);
  }
  const std::size_t before = runners_.size();
  const std::size_t expected = before + static_cast<std::size_t>(assignment.check_size());
  for (const auto& assigned : assignment.check()) put(assigned, expected, difference);
  difference.kept = runners_.size() - difference.added - difference.changed;
  return difference;
}

void Roster::had(const std::string& id, std::int64_t every_ms, std::int64_t slot) {
  const auto [past, is_new] = past_.try_emplace(id, Past{every_ms, slot});
  if (!is_new)
    past->second = {every_ms, past->second.every_ms == every_ms ? std::max(past->second.last_slot, slot) : slot};
}

void Roster::put(const proto::AssignedCheck& assigned, std::size_t expected, Difference& difference) {
  const std::string& id = assigned.check().id();
  if (!Runner::runnable(assigned)) {
    if (runners_.contains(id)) remove(id);
    difference.refused.push_back(id);
    return;
  }
  const auto known = runners_.find(id);
  if (known == runners_.end()) {
    start(assigned, expected);
    ++difference.added;
    return;
  }
  const auto& before = known->second->assigned();
  const bool is_same = before.definition() == assigned.definition() &&
                       before.location_index() == assigned.location_index() &&
                       before.location_count() == assigned.location_count();
  if (before.check().every_ms() != assigned.check().every_ms()) {  // another grid: slots have other numbers
    remove(id);
    start(assigned, expected);
  } else {
    known->second->change(assigned);
  }
  if (!is_same) ++difference.changed;
}

void Roster::start(const proto::AssignedCheck& assigned, std::size_t expected) {
  const std::string& id = assigned.check().id();
  std::optional<std::int64_t> after;
  if (const auto past = past_.find(id); past != past_.end()) {
    if (past->second.every_ms == assigned.check().every_ms()) after = past->second.last_slot;
    past_.erase(past);
  }
  const std::size_t most_declared = std::clamp(kMostDeclaredByAll / expected, kLeastDeclared, kMostDeclared);
  Schedule schedule(Runner::grid_of(assigned), next_fraction(), most_declared, after);
  const auto runner = std::make_shared<Runner>(tools_, assigned, std::move(schedule));
  runners_[id] = runner;
  runner->start();
}

void Roster::remove(const std::string& id) {
  const auto node = runners_.extract(id);  // keeps the key, which `id` may be
  const auto runner = node.mapped();
  if (past_.size() >= kMostPast) past_.clear();
  if (const auto last = runner->schedule().last()) past_[id] = Past{runner->assigned().check().every_ms(), *last};
  runner->stop();
  leaving_.push_back(runner);
}

// Evenly spread whatever their number: the multiples of the golden ratio, modulo 1.
double Roster::next_fraction() {
  constexpr double kGoldenRatio = 0.6180339887498949;
  fraction_ = std::fmod(fraction_ + kGoldenRatio, 1.0);
  return fraction_;
}

void Roster::look_again() {
  for (const auto& [id, runner] : runners_) runner->look_again();
}

void Roster::finish() {
  for (const auto& [id, runner] : runners_) runner->finish();
}

void Roster::stop() {
  while (!runners_.empty()) remove(runners_.begin()->first);
  for (const auto& runner : leaving_) runner->stop();
}

bool Roster::is_running() const {
  for (const auto& [id, runner] : runners_)
    if (runner->is_running()) return true;
  return std::any_of(leaving_.begin(), leaving_.end(), [](const auto& runner) { return runner->is_running(); });
}

Task<> Roster::drained(Instant deadline) {
  while (is_running() && tools_.clock.now() < deadline) {
    const Instant soon = tools_.clock.now() + Milliseconds(10);
    co_await sleep_until(soon);
  }
}

}  // namespace parallax
