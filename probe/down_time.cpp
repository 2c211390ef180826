#include "probe/down_time.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "probe/runner.h"
#include "probe/spool_record.h"

namespace parallax {
namespace {

constexpr std::chrono::seconds kClocksDiffer(60);   // and may both be right enough
constexpr std::int64_t kMostSlots = 100'000;        // of a check; the newest ones
constexpr std::size_t kMostRangesOfARecord = 2000;  // keeps the message small, whatever the spool's holes

}  // namespace

void DownTime::had(const SpoolRecord& record) {
  for_each_range(record,
                 [this](const std::string& id, std::int64_t every_ms, std::int64_t first, std::int64_t last) {
                   Ranges& ranges = had_[{id, every_ms}];
                   if (!ranges.empty() && ranges.back().second + 1 == first)
                     ranges.back().second = last;
                   else
                     ranges.emplace_back(first, last);
                 });
}

void DownTime::began(const proto::AssignedCheck& assigned, std::int64_t first_slot) {
  const std::string& id = assigned.check().id();
  Check& check = checks_[id];
  check.first = {assigned.check().every_ms(), first_slot};
  look(id, check);
}

void DownTime::assigned(const proto::Assignment& assignment, WallTime controllers_now) {
  forget_what_is_gone(assignment);
  for (const auto& assigned : assignment.check()) {
    if (!assigned.has_accounted_slot() || !Runner::runnable(assigned)) continue;
    const std::string& id = assigned.check().id();
    Check& check = checks_[id];
    if (check.done_every_ms == assigned.check().every_ms()) continue;
    const SlotGrid grid = Runner::grid_of(assigned);
    check.told = {assigned.check().every_ms(), assigned.accounted_slot(), grid.current(controllers_now) - 1,
                  grid.current(controllers_now + kClocksDiffer) + 1};
    look(id, check);
  }
}

// Should it come back, it is looked at anew.
void DownTime::forget_what_is_gone(const proto::Assignment& assignment) {
  for (const auto& id : assignment.removed()) checks_.erase(id);
  if (!assignment.whole()) return;
  std::set<std::string_view> ids;
  for (const auto& assigned : assignment.check()) ids.insert(assigned.check().id());
  std::erase_if(checks_, [&](const auto& check) { return !ids.contains(check.first); });
}

void DownTime::look(const std::string& id, Check& check) {
  if (!check.first || !check.told) return;
  const auto [every_ms, first_slot] = *check.first;
  const Check::Told told = *check.told;
  if (every_ms != told.every_ms) return;  // the runner of the interval in force is about to begin
  if (check.done_every_ms == every_ms) return;
  check.done_every_ms = every_ms;
  const std::int64_t last = first_slot <= told.soonest ? first_slot - 1 : told.over;
  if (told.accounted >= last) return;
  const std::int64_t first = std::max(told.accounted, last - kMostSlots) + 1;

  MissedSlots missed{id, cause_, {}};
  missed.every_ms = every_ms;
  for (const auto& [from, to] : without_records(id, every_ms, first, last)) {
    missed.ranges.push_back(from);
    missed.ranges.push_back(to);
    if (missed.ranges.size() < 2 * kMostRangesOfARecord) continue;
    declare_(missed);
    missed.ranges.clear();
  }
  if (!missed.ranges.empty()) declare_(std::move(missed));
}

// What is left of first..last.
DownTime::Ranges DownTime::without_records(const std::string& id, std::int64_t every_ms, std::int64_t first,
                                           std::int64_t last) {
  Ranges left;
  const auto known = had_.extract({id, every_ms});
  Ranges had = known ? known.mapped() : Ranges();
  std::ranges::sort(had);
  std::int64_t next = first;
  for (const auto& [from, to] : had) {
    if (to < next) continue;
    if (from > last) break;
    if (from > next) left.emplace_back(next, from - 1);
    next = to + 1;
  }
  if (next <= last) left.emplace_back(next, last);
  return left;
}

}  // namespace parallax
