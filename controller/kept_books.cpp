#include "controller/kept_books.h"

#include <algorithm>

#include "controller/kept_definitions.h"

namespace parallax {
namespace {

template <class Counts>
void keep(const Counts& counts, google::protobuf::RepeatedField<std::uint64_t>& kept) {
  kept.Add(counts.begin(), counts.end());
}

// A counter of a later version that is not there yet stays 0.
template <class Counts>
void restore(Counts& counts, const google::protobuf::RepeatedField<std::uint64_t>& kept) {
  std::copy_n(kept.begin(), std::min<std::size_t>(counts.size(), static_cast<std::size_t>(kept.size())),
              counts.begin());
}

void keep_counters(const PlaceCounters& counters, proto::KeptPlace& kept) {
  keep(counters.fresh_runs, *kept.mutable_fresh_runs());
  keep(counters.late_runs, *kept.mutable_late_runs());
  kept.mutable_failures()->insert(counters.failures.begin(), counters.failures.end());
  keep(counters.missed, *kept.mutable_missed());
  kept.set_duplicates(counters.duplicates);
  keep(counters.rejected, *kept.mutable_rejected());
  kept.set_success_sum(counters.success_sum);
  kept.set_success_count(counters.success_count);
  keep(counters.duration_bucket, *kept.mutable_duration_bucket());
  kept.set_duration_sum(counters.duration_sum);
  for (const ObjectiveRuns& runs : {counters.fresh_objective_runs, counters.late_objective_runs}) {
    kept.add_objective_runs(runs.fast);
    kept.add_objective_runs(runs.slow);
  }
}

void restore_counters(const proto::KeptPlace& kept, PlaceCounters& counters) {
  restore(counters.fresh_runs, kept.fresh_runs());
  restore(counters.late_runs, kept.late_runs());
  counters.failures.insert(kept.failures().begin(), kept.failures().end());
  restore(counters.missed, kept.missed());
  counters.duplicates = kept.duplicates();
  restore(counters.rejected, kept.rejected());
  counters.success_sum = kept.success_sum();
  counters.success_count = kept.success_count();
  restore(counters.duration_bucket, kept.duration_bucket());
  counters.duration_sum = kept.duration_sum();
  std::array<std::uint64_t, 4> runs{};
  restore(runs, kept.objective_runs());
  counters.fresh_objective_runs = {runs[0], runs[1]};
  counters.late_objective_runs = {runs[2], runs[3]};
}

void keep_place(const PlaceBook& place, proto::KeptPlace& kept) {
  kept.set_location(place.location);
  kept.set_since_slot(place.since_slot);
  kept.set_clock_offset_ms(place.clock_offset.count());
  for (const auto& [every_ms, slots] : place.accounted) {
    auto& set = *kept.add_accounted();
    set.set_every_ms(every_ms);
    slots.keep(set);
  }
  keep_counters(place.counters, kept);
  place.facts.keep(*kept.mutable_fact());
  if (!place.newest) return;
  *kept.mutable_newest() = whole(*place.newest);
  kept.set_newest_started_us(unix_us(place.newest->started));
  kept.set_newest_fresh_until_us(unix_us(place.newest->fresh_until));
}

void restore_place(const proto::KeptPlace& kept, PlaceBook& place) {
  place.since_slot = kept.since_slot();
  place.clock_offset = Milliseconds(kept.clock_offset_ms());
  for (const auto& set : kept.accounted()) place.accounted[set.every_ms()].restore(set);
  restore_counters(kept, place.counters);
  place.facts.restore(kept.fact());
  if (!kept.has_newest()) return;
  place.newest = NewestRun{.result = {},
                           .facts = copied_facts(kept.newest()),
                           .started = from_unix_us(kept.newest_started_us()),
                           .fresh_until = from_unix_us(kept.newest_fresh_until_us())};
  copy_without_facts(kept.newest(), place.newest->result);
}

void restore_check(const proto::KeptCheckBook& kept, CheckBook& check) {
  for (int i = 0; i < kept.former_fingerprint_size() && i < kept.former_every_ms_size(); ++i)
    check.former.emplace_back(kept.former_fingerprint(i), kept.former_every_ms(i));
  for (const auto& place : kept.place())
    if (PlaceBook* book = check.place(place.location())) restore_place(place, *book);
  check.slots.restore(kept.slots());
}

proto::KeptProbe kept_probe(const Identity& probe, const ProbeBook& book) {
  proto::KeptProbe kept;
  kept.set_location(probe.location);
  kept.set_probe(probe.probe);
  kept.set_last_seen_us(unix_us(book.last_seen));
  kept.set_version(book.version);
  kept.set_icmp(book.icmp);
  return kept;
}

}  // namespace

proto::KeptCheckBook kept_check(const CheckBook& check) {
  proto::KeptCheckBook kept;
  kept.set_id(check.definition().id());
  for (const auto& [fingerprint, every_ms] : check.former) {
    kept.add_former_fingerprint(fingerprint);
    kept.add_former_every_ms(every_ms);
  }
  for (const PlaceBook& place : check.places) keep_place(place, *kept.add_place());
  *kept.mutable_slots() = check.slots.kept();
  return kept;
}

proto::KeptBooks kept_without_checks(const Ledger& ledger, const AppliedSequences& sequences,
                                     const FleetBook& fleet) {
  proto::KeptBooks kept;
  for (const auto& [probe, spools] : sequences.all()) {
    for (const auto& [spool_id, sequence] : spools) {
      auto& spool = *kept.add_spool();
      spool.mutable_of()->set_location(probe.location);
      spool.mutable_of()->set_probe(probe.probe);
      spool.mutable_of()->set_spool_id(spool_id);
      spool.set_applied_sequence(sequence);
    }
  }
  for (const auto& [check_id, location] : ledger.removed()) {
    auto& pair = *kept.add_removed();
    pair.set_check_id(check_id);
    pair.set_location(location);
  }
  for (const auto& [location, rejected] : ledger.unexpected()) {
    auto& unexpected = *kept.add_unexpected();
    unexpected.set_location(location);
    keep(rejected, *unexpected.mutable_rejected());
  }
  for (const auto& [probe, book] : fleet.probes()) *kept.add_probe() = kept_probe(probe, book);
  return kept;
}

void restore_books(const proto::KeptBooks& kept, Ledger& ledger, AppliedSequences& sequences, FleetBook& fleet) {
  // When they came into force says nothing any more: each place has its first slot from its own book.
  ledger.apply_definitions(from_kept(kept.definitions()), WallTime{});
  for (const auto& check : kept.check())
    if (CheckBook* book = ledger.book_to_restore(check.id())) restore_check(check, *book);
  for (const auto& pair : kept.removed()) ledger.restore_removed(pair.check_id(), pair.location());
  for (const auto& unexpected : kept.unexpected()) {
    RejectedCounts rejected{};
    restore(rejected, unexpected.rejected());
    ledger.restore_unexpected(unexpected.location(), rejected);
  }
  for (const auto& spool : kept.spool())
    sequences.set({spool.of().location(), spool.of().probe()}, spool.of().spool_id(), spool.applied_sequence());
  for (const auto& probe : kept.probe()) fleet.restore(probe);
}

// --- The parts of the books that keep their own members to themselves ---

std::optional<std::int64_t> SlotSet::newest() const {
  return ranges_.empty() ? std::nullopt : std::optional(ranges_.back().last);
}

void SlotSet::keep(proto::KeptSlots& kept) const {
  for (const Range& range : ranges_) {
    kept.add_bound(range.first);
    kept.add_bound(range.last);
  }
}

void SlotSet::restore(const proto::KeptSlots& kept) {
  ranges_.clear();
  for (int i = 0; i + 1 < kept.bound_size(); i += 2) ranges_.push_back({kept.bound(i), kept.bound(i + 1)});
}

proto::KeptSlotBook SlotBook::kept() const {
  proto::KeptSlotBook kept;
  kept.set_started_at(started_at_);
  kept.set_first_open(first_open_);
  kept.set_up(tally_.up);
  kept.set_down(tally_.down);
  kept.set_unknown(tally_.unknown);
  for (const auto& [number, slot] : slots_) {
    auto& one = *kept.add_slot();
    one.set_number(number);
    one.set_closed(slot.closed);
    for (const auto& [location, index] : numbers_) {
      const std::optional<Vote> vote = vote_in(slot, location);
      if (!vote) continue;
      one.add_location(location);
      one.add_vote(static_cast<std::uint32_t>(*vote));
    }
  }
  return kept;
}

void SlotBook::restore(const proto::KeptSlotBook& kept) {
  started_at_ = kept.started_at();
  first_open_ = kept.first_open();
  tally_ = {.up = kept.up(), .down = kept.down(), .unknown = kept.unknown()};
  slots_.clear();
  for (const auto& one : kept.slot()) {
    Slot& slot = slots_[one.number()];
    slot.closed = one.closed();
    for (int i = 0; i < one.location_size() && i < one.vote_size(); ++i)
      put_vote(slot, one.location(i), static_cast<Vote>(std::min(one.vote(i), 2U)));
  }
}

void FactCounters::keep(google::protobuf::RepeatedPtrField<proto::KeptFactCounter>& kept) const {
  for (const Counter& counter : counters_) {
    auto& one = *kept.Add();
    one.set_field(counter.of.field->full_name());
    one.set_sum(counter.sum);
    one.mutable_by()->insert(counter.by.begin(), counter.by.end());
    one.mutable_bucket()->Add(counter.bucket.begin(), counter.bucket.end());
  }
}

void FactCounters::restore(const google::protobuf::RepeatedPtrField<proto::KeptFactCounter>& kept) {
  for (const auto& one : kept) {
    const auto counter = std::ranges::find_if(
        counters_, [&](const Counter& known) { return known.of.field->full_name() == one.field(); });
    if (counter == counters_.end()) continue;
    counter->sum = one.sum();
    counter->by.clear();
    counter->by.insert(one.by().begin(), one.by().end());
    if (static_cast<std::size_t>(one.bucket_size()) == counter->bucket.size())
      counter->bucket = {one.bucket().begin(), one.bucket().end()};
  }
}

}  // namespace parallax
