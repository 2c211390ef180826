#include "controller/check_book.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <functional>

#include "controller/plausible.h"

namespace parallax {
namespace {

// Made for each result: those of an ordinary check need no memory of their own.
boost::container::small_vector<SlotPlace, 8> slot_places(const CheckBook& check) {
  boost::container::small_vector<SlotPlace, 8> expected;
  expected.reserve(check.places.size());
  // With an offset beyond this a silent location would keep its slots open for ever.
  const Milliseconds most = std::max(check.every(), Milliseconds(60'000));
  for (const PlaceBook& place : check.places)
    expected.push_back(
        {place.location, &place.grid, place.since_slot, std::clamp(place.clock_offset, -most, most)});
  return expected;
}

}  // namespace

void copy_without_facts(const proto::RunResult& from, proto::RunResult& to) {
  to.set_check_id(from.check_id());
  to.set_definition(from.definition());
  to.set_slot(from.slot());
  to.set_started_us(from.started_us());
  to.set_duration_ns(from.duration_ns());
  to.set_lateness_us(from.lateness_us());
  to.set_state(from.state());
  to.set_reason(from.reason());
  to.set_phase(from.phase());
  to.set_attempts(from.attempts());
  to.set_detail(from.detail());
  *to.mutable_phases() = from.phases();
  to.set_every_ms(from.every_ms());
}

proto::RunResult whole(const NewestRun& run) {
  proto::RunResult result = run.result;
  if (run.facts) *result.mutable_facts() = *run.facts;
  return result;
}

const proto::Facts& facts_of(const NewestRun& run) {
  return run.facts ? *run.facts : proto::Facts::default_instance();
}

const NewestRun* PlaceBook::fresh(WallTime now) const {
  return newest && now <= newest->fresh_until ? &*newest : nullptr;
}

SlotSet* PlaceBook::accounted_for(std::int64_t every_ms) {
  constexpr std::size_t kMostIntervals = 32;
  const auto known = accounted.find(every_ms);
  if (known != accounted.end()) return &known->second;
  const bool is_in_force = every_ms == grid.every().count();
  const bool is_taken = is_in_force || (is_interval(every_ms) && accounted.size() < kMostIntervals);
  return is_taken ? &accounted[every_ms] : nullptr;
}

std::int64_t PlaceBook::accounted_up_to(WallTime now) const {
  constexpr std::int64_t kLongest = 100'000;  // slots; more a probe does not declare
  const std::int64_t current = grid.current(now);
  const std::int64_t from = std::max(since_slot, current - kLongest);
  const auto of_interval = accounted.find(grid.every().count());
  if (of_interval == accounted.end()) return from;
  return std::max(from, std::min(current, of_interval->second.whole_up_to(from)));
}

PlaceBook* CheckBook::place(std::string_view location) {
  const auto found = std::ranges::lower_bound(places, location, std::less<>(), &PlaceBook::location);
  return found == places.end() || found->location != location ? nullptr : &*found;
}

void CheckBook::close_slots(WallTime now) {
  slots.close(slot_places(*this), definition().up_when(), lifetime(), now);
}

bool CheckBook::has_slots_to_close(WallTime now) const {
  return slots.has_some_to_close(slot_places(*this), lifetime(), now);
}

std::int64_t CheckBook::newest_slot(WallTime now) const {
  std::int64_t newest = places.front().grid.current(now);
  for (const PlaceBook& place : places) newest = std::max(newest, place.grid.current(now));
  return newest;
}

bool CheckBook::is_far_ahead(WallTime now) const {
  constexpr auto kWaitedFor = std::chrono::hours(24);
  return (slots.first_open() - newest_slot(now)) * every() > kWaitedFor;
}

void CheckBook::begin_again(WallTime now) {
  const std::int64_t newest = newest_slot(now);
  for (PlaceBook& place : places) place.since_slot = std::min(place.since_slot, newest);
  slots.start_at(newest);
}

}  // namespace parallax
