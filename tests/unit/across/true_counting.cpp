#include "tests/unit/across/true_counting.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/scheduled.h"

namespace parallax {
namespace {

constexpr std::size_t kClock = proto::Reject::CLOCK - 1;
// The controller knows a probe's clock no better than its messages are late, and those may be.
constexpr std::chrono::seconds kClocksMayDiffer(60);

}  // namespace

void TrueCounting::count(const proto::BookEvent& event, const Ledger& ledger) {
  touched_.clear();
  slots_are_touched_ = event.has_definitions() || event.has_time_passed();
  const WallTime at = from_unix_us(event.at_us());
  if (event.has_reported()) count_results(event.reported(), at, ledger);
  if (event.has_gap()) count_gap(event.gap(), at, ledger);
  if (event.has_definitions()) put_in_force(event.definitions());
  if (event.has_resumed()) book_.resume(event.resumed().from().spool_id(), event.resumed().applied_sequence());
}

void TrueCounting::put_in_force(const proto::KeptDefinitions& definitions) {
  auto before = std::exchange(book_.places(), {});
  std::map<std::string, Slots> slots;
  for (const auto& kept : definitions.check()) {
    const std::string& id = kept.check().id();
    if (!kept.check().enabled()) continue;
    if (auto old = slots_.extract(id)) slots.insert(std::move(old));
    for (const auto& location : kept.location()) {
      TruePlace& place = book_.places()[{id, location}];
      if (auto old = before.extract({id, location})) place = std::move(old.mapped());
      if (std::exchange(place.every_ms, kept.check().every_ms()) != kept.check().every_ms())
        place.since = host_.wall();
    }
  }
  slots_ = std::move(slots);
}

void TrueCounting::count_results(const proto::Reported& reported, WallTime at, const Ledger& ledger) {
  const std::uint64_t last = reported.first_sequence() + static_cast<std::uint64_t>(reported.result_size()) - 1;
  const auto records = book_.take(reported.from().spool_id(), reported.first_sequence(), last);
  const int known = reported.result_size() - static_cast<int>(records.size());  // an older session's
  for (int i = known; i < reported.result_size(); ++i) {
    const auto& result = reported.result(i);
    const TrueRecord& record = *records[static_cast<std::size_t>(i - known)];
    const bool is_its_interval = result.every_ms() == 0 || result.every_ms() == record.parts.front().every_ms;
    if (!record.is_run() || record.digest != digest_of(result) || !is_its_interval)
      return world_.chronicle.broken(fmt::format("{}: sequence {} was not this: {}", reported.from().probe(),
                                                 reported.first_sequence() + static_cast<std::uint64_t>(i),
                                                 result.ShortDebugString()));
    count_run(counted(result.check_id(), reported.from(), ledger), result, record,
              Milliseconds(reported.from().clock_offset_ms()), at);
  }
}

void TrueCounting::count_gap(const proto::ReportedGap& reported, WallTime at, const Ledger& ledger) {
  const proto::Gap& gap = reported.gap();
  const auto records = book_.take(reported.from().spool_id(), reported.first_sequence(), gap.last_sequence());
  if (records.empty()) return;
  if (!book_.tells(gap, records))
    return world_.chronicle.broken(fmt::format("{}: this gap does not tell what became of its {} records: {}",
                                               reported.from().probe(), records.size(), gap.ShortDebugString()));
  for (const TruePart& part : parts_of(gap))
    count_slots(counted(part.check_id, reported.from(), ledger), part, gap.cause(), at);
}

TrueCounting::Counted TrueCounting::counted(const std::string& check_id, const proto::Sender& from,
                                            const Ledger& ledger) {
  const auto truth = book_.places().find({check_id, from.location()});
  if (truth == book_.places().end()) {
    ++book_.unexpected(from.location());
    ++counts_.rejected;
    return {};
  }
  touched_.emplace_back(check_id, from.location());
  const auto check = ledger.checks().find(check_id);
  if (check == ledger.checks().end()) return {};  // compare() tells
  const auto place = std::ranges::find(check->second.places, from.location(), &PlaceBook::location);
  if (place == check->second.places.end()) return {};
  return {&truth->second, &check->second, &*place};
}

void TrueCounting::count_run(const Counted& where, const proto::RunResult& result, const TrueRecord& record,
                             Milliseconds offset, WallTime at) {
  if (!where.truth) return;
  TruePlace& truth = *where.truth;
  const auto when = scheduled(*where.check, *where.place, result, bounded_offset(offset), at);
  if (!when) {
    ++truth.rejected[kClock];
    ++counts_.rejected;
    return;
  }
  if (!truth.accounted[when->every_ms].insert(result.slot()).second) {
    ++truth.duplicates;
    ++counts_.duplicates;
    return;
  }
  ++truth.runs[static_cast<std::size_t>(result.state()) - 1];
  ++counts_.runs;
  count_lateness(truth, *where.check, record, at);
}

// Whether it is fresh or late, where that is beyond doubt: no clock was set since it was due.
void TrueCounting::count_lateness(TruePlace& truth, const CheckBook& check, const TrueRecord& record,
                                  WallTime at) const {
  const Nanoseconds waited = host_.wall() - at;  // for the journal's disk: it is judged as of when it came
  const Nanoseconds age = world_.time.now() - waited - record.due;
  const Nanoseconds before = record.due - kClocksMayDiffer;
  const bool is_sure = !host_.clock_was_set_since(before) && !record.host->clock_was_set_since(before);
  if (is_sure && age > check.lifetime() + kClocksMayDiffer) ++truth.late_at_least;
  if (!is_sure || age > check.lifetime() - kClocksMayDiffer) ++truth.late_at_most;
}

// As Ledger::apply_gap() promises: slots that are accounted for are passed over, and of evicted runs whose slots
// others ran, those that went well are taken away first.
void TrueCounting::count_slots(const Counted& where, const TruePart& part, proto::Gap::Cause cause, WallTime at) {
  if (!where.truth) return;
  TruePlace& truth = *where.truth;
  const bool is_in_force = part.every_ms == where.place->grid.every().count();
  const SlotGrid grid =
      is_in_force ? where.place->grid : SlotGrid(part.check_id, Milliseconds(part.every_ms), 0, 1);
  auto& accounted = truth.accounted[part.every_ms];
  std::uint64_t fresh = 0;
  for (const std::int64_t slot : part.slots) {
    if (!is_near(grid, slot, at + where.place->clock_offset))
      ++truth.rejected[kClock];
    else
      fresh += accounted.insert(slot).second;
  }
  if (fresh == 0) return;
  truth.missed[static_cast<std::size_t>(cause) - 1] += fresh;
  (cause == proto::Gap::EVICTED ? counts_.evicted : counts_.missed) += fresh;
  std::uint64_t others = part.slots.size() - fresh;
  for (const std::size_t state : {0U, 1U, 3U, 2U}) {
    const std::uint64_t taken = std::min(others, part.runs[state]);
    others -= taken;
    truth.runs[state] += part.runs[state] - taken;
    truth.late_at_most += part.runs[state] - taken;
  }
}

}  // namespace parallax
