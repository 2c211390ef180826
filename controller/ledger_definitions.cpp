// How a new set of definitions changes the books: Ledger::apply_definitions().
#include <algorithm>
#include <utility>

#include "controller/ledger.h"
#include "controller/series_text.h"
#include "proto/names.h"

namespace parallax {
namespace {

constexpr std::size_t kMostFormer = 16;
constexpr std::size_t kMostRemoved = 100'000;

using Checks = std::map<std::string, CheckBook, std::less<>>;

std::string zone_of(const Definitions& definitions, const std::string& location) {
  const auto found = std::ranges::find(definitions.locations, location, &proto::Location::name);
  return found == definitions.locations.end() ? std::string() : found->zone();
}

// The definition changed in more than its words: what was measured by the old one says nothing of the new one.
void forget_what_was_measured(CheckBook& book, const std::string& new_type) {
  book.former.emplace_back(book.fingerprint, book.every().count());
  if (book.former.size() > kMostFormer) book.former.erase(book.former.begin());
  for (PlaceBook& place : book.places) {
    place.newest.reset();
    if (book.type != new_type) place.facts = FactCounters(new_type);
  }
}

// The place of the check at `location`: the one there was, or a new one.
PlaceBook take_place(CheckBook& book, const std::string& location, const SlotGrid& grid, std::string_view type,
                     WallTime now) {
  PlaceBook* old = book.place(location);
  PlaceBook place = old != nullptr ? std::move(*old) : PlaceBook(location, grid, type);
  const bool is_other_interval = old != nullptr && place.grid.every() != grid.every();
  if (old == nullptr || is_other_interval) place.since_slot = grid.current(now);
  place.grid = grid;
  return place;
}

void write_labels(CheckBook& book) {
  const proto::Check& check = book.definition();
  book.labels.clear();
  append_label(book.labels, "service", check.service());
  append_label(book.labels, "check", check.name());
  for (PlaceBook& place : book.places) {
    place.labels = book.labels;
    append_label(place.labels, "location", place.location);
    append_label(place.labels, "zone", place.zone);
    append_label(place.labels, "instance", check.target());
  }
  append_label(book.labels, "instance", "");
}

// The latency objective of the service that `check` belongs to, where its runs are measured against one.
std::optional<Milliseconds> latency_objective_of(const proto::Check& check, const Definitions& definitions) {
  const auto service = std::ranges::find(definitions.services, check.service(), &proto::Service::name);
  if (!check.has_http() || service == definitions.services.end() || !service->objective().has_latency_ms())
    return std::nullopt;
  return Milliseconds(service->objective().latency_ms());
}

// Another objective asks another question of the same runs: it counts on from here. One that is new, or is there
// again, starts at 0, as every counter of ours does.
void take_latency_objective(CheckBook& book, std::optional<Milliseconds> latency) {
  if (!book.latency_objective || !latency)
    for (PlaceBook& place : book.places)
      place.counters.fresh_objective_runs = place.counters.late_objective_runs = {};
  book.latency_objective = latency;
}

// `book` is empty for a check that is new.
CheckBook updated(CheckBook book, const DefinedCheck& defined, const Definitions& definitions, WallTime now) {
  const bool is_new = book.type.empty();
  const std::string type(type_name(defined.check));
  const bool is_other_interval = !is_new && book.every().count() != defined.check.every_ms();
  if (!is_new && book.fingerprint != defined.fingerprint) forget_what_was_measured(book, type);

  std::vector<PlaceBook> places;
  const auto count = static_cast<std::uint32_t>(defined.locations.size());
  places.reserve(count);
  for (std::uint32_t k = 0; k < count; ++k) {
    const SlotGrid grid(defined.check.id(), Milliseconds(defined.check.every_ms()), k, count);
    places.push_back(take_place(book, defined.locations[k], grid, type, now));
    places.back().zone = zone_of(definitions, defined.locations[k]);
  }
  book.defined = &defined;
  book.fingerprint = defined.fingerprint;
  book.type = type;
  book.places = std::move(places);
  book.slots.expect_others();
  take_latency_objective(book, latency_objective_of(defined.check, definitions));
  write_labels(book);
  if (is_new || is_other_interval) {
    std::int64_t first = book.places.front().since_slot;
    for (const PlaceBook& place : book.places) first = std::max(first, place.since_slot);
    book.slots.start_at(first);
  }
  return book;
}

}  // namespace

void Ledger::apply_definitions(std::shared_ptr<const Definitions> new_definitions, WallTime now) {
  const Definitions& definitions = *new_definitions;
  Checks before = std::move(checks_);
  checks_.clear();
  for (const auto& [id, check] : before)
    for (const PlaceBook& place : check.places) removed_.emplace(id, place.location);

  for (const DefinedCheck& defined : definitions.checks) {
    if (!defined.check.enabled() || defined.locations.empty()) continue;
    const std::string& id = defined.check.id();
    auto old = before.extract(id);
    checks_.insert_or_assign(id, updated(old ? std::move(old.mapped()) : CheckBook(), defined, definitions, now));
    for (const std::string& location : defined.locations) removed_.erase({id, location});
  }
  by_id_.clear();
  for (auto& [id, check] : checks_) by_id_.emplace(id, &check);
  if (removed_.size() > kMostRemoved) removed_.clear();  // then such results are "not expected": nearly as good

  services_.clear();
  for (const proto::Service& service : definitions.services) {
    ServiceBook& book = services_.emplace_back();
    book.service = &service;
    for (const DefinedCheck& defined : definitions.checks)
      if (defined.check.service() == service.name() && checks_.contains(defined.check.id()))
        book.checks.push_back(defined.check.id());
  }
  definitions_ = std::move(new_definitions);  // nothing points into those of before any more
  for (const proto::Location& location : locations()) unexpected_.try_emplace(location.name());
}

CheckBook* Ledger::book_to_restore(std::string_view check_id) {
  const auto found = checks_.find(check_id);
  return found == checks_.end() ? nullptr : &found->second;
}

void Ledger::restore_removed(const std::string& check_id, const std::string& location) {
  removed_.emplace(check_id, location);
}

void Ledger::restore_unexpected(const std::string& location, const RejectedCounts& rejected) {
  unexpected_[location] = rejected;
}

}  // namespace parallax
