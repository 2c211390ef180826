// Whether the ledger says what is true.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tests/unit/across/true_counting.h"

namespace parallax {
namespace {

std::uint64_t all(const SlotBook::Tally& tally) { return tally.up + tally.down + tally.unknown; }

std::string text_of(const auto& numbers) { return fmt::format("{}", fmt::join(numbers, " ")); }

}  // namespace

void TrueCounting::compare_touched(const Ledger& ledger) {
  for (const auto& [check_id, location] : touched_) compare(check_id, location, ledger);
  if (slots_are_touched_) compare_slots(ledger);
}

void TrueCounting::compare(const std::string& check_id, const std::string& location, const Ledger& ledger) const {
  const auto check = ledger.checks().find(check_id);
  const PlaceBook* book = nullptr;
  if (check != ledger.checks().end())
    for (const PlaceBook& place : check->second.places)
      if (place.location == location) book = &place;
  if (!book) return world_.chronicle.broken(fmt::format("{} is not expected at {} any more", check_id, location));

  const TruePlace& truth = book_.places().at({check_id, location});
  const PlaceCounters& counters = book->counters;
  std::array<std::uint64_t, 4> runs{};
  std::uint64_t late = 0;
  for (std::size_t state = 0; state < runs.size(); ++state) {
    late += counters.late_runs[state];
    runs[state] = counters.fresh_runs[state] + counters.late_runs[state];
  }
  if (late < truth.late_at_least || late > truth.late_at_most)
    world_.chronicle.broken(fmt::format("{} at {}: {} runs are counted as late, {} to {} were", check_id, location,
                                        late, truth.late_at_least, truth.late_at_most));
  if (runs == truth.runs && counters.missed == truth.missed && counters.rejected == truth.rejected &&
      counters.duplicates == truth.duplicates)
    return;
  world_.chronicle.broken(fmt::format(
      "{} at {}: runs {}, missed {}, rejected {}, duplicates {}; in truth runs {}, missed {}, rejected {}, "
      "duplicates {}",
      check_id, location, text_of(runs), text_of(counters.missed), text_of(counters.rejected), counters.duplicates,
      text_of(truth.runs), text_of(truth.missed), text_of(truth.rejected), truth.duplicates));
}

void TrueCounting::compare_all(const Ledger& ledger) {
  std::size_t places = 0;
  counts_.late = 0;
  for (const auto& [id, check] : ledger.checks()) {
    for (const PlaceBook& place : check.places) {
      ++places;
      compare(id, place.location, ledger);
      for (const std::uint64_t runs : place.counters.late_runs) counts_.late += runs;
      if (place.newest && !book_.ever_ran(whole(*place.newest)))
        world_.chronicle.broken(fmt::format("{} at {} shows a run that never was", id, place.location));
    }
    const auto ahead = check.slots.first_open() - check.places.front().grid.current(host_.wall());
    // One that has begun a moment ago looks at its clock with its next tick.
    if (!ledger.has_to_tick(host_.wall()) &&
        ahead * check.every() > std::chrono::hours(24) + std::chrono::minutes(1))
      world_.chronicle.broken(
          fmt::format("{}: no slot is told for the next {}", id, to_text(ahead * check.every())));
  }
  if (places != book_.places().size())
    world_.chronicle.broken(
        fmt::format("the ledger has {} places, the definitions {}", places, book_.places().size()));
  for (const auto& [location, rejected] : ledger.unexpected()) {
    const std::uint64_t told = rejected[0] + rejected[1];
    if (told != book_.unexpected(location))
      world_.chronicle.broken(fmt::format("{}: {} unexpected results were counted, {} came", location, told,
                                          book_.unexpected(location)));
  }
}

void TrueCounting::nothing_is_shown(const Ledger& ledger) const {
  for (const auto& [id, check] : ledger.checks())
    for (const PlaceBook& place : check.places)
      if (place.fresh(host_.wall()))
        world_.chronicle.broken(fmt::format("{} at {}: a dead value is shown", id, place.location));
}

void TrueCounting::compare_slots(const Ledger& ledger) {
  for (const auto& [id, check] : ledger.checks()) compare_slots(id, check);
}

// Each slot is told once and stays told: as many as have passed, and of those that are open no more than there
// are.
void TrueCounting::compare_slots(const std::string& check_id, const CheckBook& check) {
  const SlotBook::Tally& tally = check.slots.tally();
  Slots& known = slots_[check_id];
  const bool fell = tally.up < known.now.up || tally.down < known.now.down || tally.unknown < known.now.unknown;
  if (fell) world_.chronicle.broken(fmt::format("{}: slots that were told are taken back", check_id));
  const std::int64_t first_open = check.slots.first_open();
  const bool is_other_interval = known.every_ms != check.every().count();
  const bool began_again = (known.first_open - first_open) * check.every() > std::chrono::hours(23);
  if (!is_other_interval && !began_again && first_open < known.first_open)
    world_.chronicle.broken(fmt::format("{}: slot {} was closed and is open again", check_id, first_open));
  if (is_other_interval || began_again) known = {check.every().count(), first_open, 0, tally, tally};
  known.first_open = first_open;
  known.now = tally;
  const std::int64_t passed = known.first_open - known.first;
  const std::int64_t open = (check.lifetime() + std::chrono::minutes(3)) / check.every() + 2;
  const auto told = static_cast<std::int64_t>(all(tally) - all(known.before));
  if (told < passed - 1 || told > passed + open)
    world_.chronicle.broken(fmt::format("{}: {} slots are told, of {} that passed", check_id, told, passed));
}

}  // namespace parallax
