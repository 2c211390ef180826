#include "controller/ledger.h"

#include <algorithm>

#include "base/utf8.h"
#include "controller/plausible.h"
#include "controller/scheduled.h"
#include "controller/verdict.h"

namespace parallax {
namespace {

constexpr std::size_t kLongestDetail = 1024;

void count_for_objective(ObjectiveRuns& runs, Milliseconds latency, const proto::RunResult& result) {
  if (result.state() != proto::STATE_UP && result.state() != proto::STATE_DEGRADED) return;
  const bool is_fast = std::chrono::nanoseconds(result.duration_ns()) < latency;
  ++(is_fast ? runs.fast : runs.slow);
}

void count_run(const CheckBook& check, PlaceBook& place, const proto::RunResult& result, bool is_fresh) {
  PlaceCounters& counters = place.counters;
  ++(is_fresh ? counters.fresh_runs : counters.late_runs)[static_cast<std::size_t>(result.state()) - 1];
  if (result.state() == proto::STATE_DOWN || result.state() == proto::STATE_UNKNOWN)
    ++counters.failures[proto::Reason_IsValid(result.reason()) ? static_cast<int>(result.reason()) : kOtherReason];
  place.facts.add(result.facts());
  if (check.latency_objective)
    count_for_objective(is_fresh ? counters.fresh_objective_runs : counters.late_objective_runs,
                        *check.latency_objective, result);
  if (!is_fresh || result.state() == proto::STATE_UNKNOWN) return;
  ++counters.success_count;
  if (result.state() != proto::STATE_DOWN) ++counters.success_sum;
  const double duration_seconds = probe_duration_seconds(place.facts.type(), result);
  const auto bucket = std::ranges::lower_bound(kDurationBuckets, duration_seconds) - kDurationBuckets.begin();
  ++counters.duration_bucket[static_cast<std::size_t>(bucket)];
  counters.duration_sum += duration_seconds;
}

Vote vote_of(proto::State state) {
  if (state == proto::STATE_UNKNOWN) return Vote::none;
  return state == proto::STATE_DOWN ? Vote::down : Vote::up;
}

// Into the place of the one before: what that holds of memory is of use again.
void take_newest(const CheckBook& check, PlaceBook& place, const proto::RunResult& result,
                 const SharedFacts& facts, const Scheduled& when, WallTime now) {
  NewestRun& run = place.newest ? *place.newest : place.newest.emplace();
  copy_without_facts(result, run.result);
  run.facts = facts ? facts : copied_facts(result);
  if (result.detail().size() > kLongestDetail)
    run.result.set_detail(std::string(cut_utf8(result.detail(), kLongestDetail)));
  run.started = when.started;
  // Rightly the moment lies before now; an offset that is out of date must not keep a dead value alive.
  run.fresh_until = std::min(when.by_us, now) + check.lifetime();
}

// Our clock was set back behind the newest run: by it that run would stay fresh until we get there again, and hold
// up those that follow.
bool shows_what_is_ahead(const CheckBook& check, const PlaceBook& place, WallTime now) {
  return place.newest && is_ahead(check, place.newest->fresh_until - check.lifetime(), now);
}

void pass_time(CheckBook& check, WallTime now) {
  if (check.is_far_ahead(now)) check.begin_again(now);
  check.close_slots(now);
  for (PlaceBook& place : check.places)
    if (shows_what_is_ahead(check, place, now)) place.newest.reset();
}

bool has_to_pass_time(const CheckBook& check, WallTime now) {
  return check.has_slots_to_close(now) || check.is_far_ahead(now) ||
         std::ranges::any_of(check.places,
                             [&](const PlaceBook& place) { return shows_what_is_ahead(check, place, now); });
}

}  // namespace

proto::Reject::Cause reject_cause(Applied applied) {
  switch (applied) {
    case Applied::removed:
      return proto::Reject::REMOVED;
    case Applied::not_expected:
      return proto::Reject::NOT_EXPECTED;
    case Applied::clock:
      return proto::Reject::CLOCK;
    case Applied::invalid:
    case Applied::counted:
    case Applied::duplicate:
      break;
  }
  return proto::Reject::INVALID;
}

Ledger::Expected Ledger::expected(std::string_view check_id, std::string_view location) {
  const auto check = by_id_.find(check_id);
  if (check == by_id_.end()) return {};
  return {check->second, check->second->place(location)};
}

bool Ledger::is_expected(std::string_view check_id, std::string_view location) const {
  const auto check = checks_.find(check_id);
  return check != checks_.end() &&
         std::ranges::find(check->second.places, location, &PlaceBook::location) != check->second.places.end();
}

Applied Ledger::reject_unexpected(const Identity& from, const std::string& check_id) {
  const Applied why = removed_.contains({check_id, from.location}) ? Applied::removed : Applied::not_expected;
  ++unexpected_[from.location][static_cast<std::size_t>(reject_cause(why)) - 1];
  return why;
}

Applied Ledger::reject(PlaceBook& place, Applied why, std::uint64_t results) {
  place.counters.rejected[static_cast<std::size_t>(reject_cause(why)) - 1] += results;
  return why;
}

Applied Ledger::apply(const Identity& from, const proto::RunResult& result, Milliseconds clock_offset,
                      WallTime now, const SharedFacts& facts) {
  const auto [check, place] = expected(result.check_id(), from.location);
  if (place == nullptr) return reject_unexpected(from, result.check_id());
  const bool are_known = facts && place->newest && place->newest->facts == facts;
  if (!(are_known ? plausible_without_facts(result) : plausible(result))) return reject(*place, Applied::invalid);
  const Milliseconds offset = bounded_offset(clock_offset);
  const auto when = scheduled(*check, *place, result, offset, now);
  if (!when) return reject(*place, Applied::clock);

  SlotSet* accounted = place->accounted_for(when->every_ms);
  if (accounted == nullptr) return reject(*place, Applied::invalid);
  if (!accounted->insert(result.slot())) {
    ++place->counters.duplicates;
    return Applied::duplicate;
  }
  const bool is_fresh = now <= when->by_us + check->lifetime();
  count_run(*check, *place, result, is_fresh);
  place->clock_offset = offset;
  if (is_ahead(*check, when->by_probe, now)) return Applied::counted;

  if (when->is_on_grid) {
    check->slots.note(result.slot(), place->location, vote_of(result.state()));
    check->close_slots(now);
  }
  if (when->is_current && (!place->newest || result.slot() >= place->newest->result.slot()))
    take_newest(*check, *place, result, facts, *when, now);
  return Applied::counted;
}

std::optional<std::int64_t> Ledger::accounted_up_to(std::string_view check_id, std::string_view location,
                                                    WallTime now) const {
  const auto check = checks_.find(check_id);
  if (check == checks_.end()) return std::nullopt;
  for (const PlaceBook& place : check->second.places)
    if (place.location == location) return place.accounted_up_to(now);
  return std::nullopt;
}

void Ledger::show_current(const Identity& from, const proto::RunResult& result, Milliseconds clock_offset,
                          WallTime now) {
  const auto [check, place] = expected(result.check_id(), from.location);
  if (place == nullptr || !plausible(result)) return;
  const auto when = scheduled(*check, *place, result, bounded_offset(clock_offset), now);
  if (!when || !when->is_current || is_ahead(*check, when->by_probe, now)) return;
  if (!place->newest || result.slot() > place->newest->result.slot())
    take_newest(*check, *place, result, nullptr, *when, now);
}

void Ledger::tick(WallTime now) {
  for (auto& [id, check] : checks_) pass_time(check, now);
}

void Ledger::tick(WallTime now, const std::function<bool(std::string_view)>& passed_over) {
  for (auto& [id, check] : checks_)
    if (!passed_over(id)) pass_time(check, now);
}

bool Ledger::has_to_tick(WallTime now) const {
  return std::ranges::any_of(checks_, [&](const auto& entry) { return has_to_pass_time(entry.second, now); });
}

std::string_view Ledger::zone_of(std::string_view location) const {
  const auto found = std::ranges::find(locations(), location, &proto::Location::name);
  return found == locations().end() ? std::string_view() : std::string_view(found->zone());
}

std::optional<bool> Ledger::check_up(const CheckBook& check, WallTime now) const {
  Votes votes;
  for (const PlaceBook& place : check.places) {
    ++votes.expected;
    const NewestRun* run = place.fresh(now);
    if (run == nullptr || run->result.state() == proto::STATE_UNKNOWN) continue;
    ++votes.measured;
    if (run->result.state() != proto::STATE_DOWN) ++votes.up;
  }
  return verdict(check.definition().up_when(), votes);
}

std::optional<bool> Ledger::service_up(const ServiceBook& service, WallTime now) const {
  std::vector<std::optional<bool>> verdicts;
  for (const std::string& id : service.checks) {
    const CheckBook& check = checks_.find(id)->second;
    if (!check.definition().has_counts() || check.definition().counts()) verdicts.push_back(check_up(check, now));
  }
  return service_verdict(verdicts);
}

}  // namespace parallax
