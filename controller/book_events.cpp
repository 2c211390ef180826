#include "controller/book_events.h"

#include "controller/kept_definitions.h"

namespace parallax {
namespace {

Identity identity_of(const proto::Sender& sender) { return {sender.location(), sender.probe()}; }

}  // namespace

bool is_of_sequences(proto::Gap::Cause cause) {
  return cause == proto::Gap::EVICTED || cause == proto::Gap::CORRUPT;
}

bool is_rejected(Applied applied) { return applied != Applied::counted && applied != Applied::duplicate; }

std::vector<NotTaken> BookEvents::apply(const JournalEntry& entry) {
  last_ = entry.number;
  if (entry.event().has_definitions()) last_definitions_ = entry.number;
  return apply(entry, nullptr);
}

void BookEvents::restored(const proto::KeptBooks& kept) { last_ = last_definitions_ = kept.event(); }

void BookEvents::apply_again(const JournalEntry& entry, const Has& has) {
  const proto::BookEvent& event = entry.event();
  last_ = entry.number;
  if (event.has_definitions()) last_definitions_ = entry.number;
  apply(entry, &has);
  if (event.has_reported()) was_there(event.reported().from(), event.at_us());
  if (event.has_gap()) was_there(event.gap().from(), event.at_us());
  if (event.has_resumed()) was_there(event.resumed().from(), event.at_us());
}

// A probe that reported before the crash is still to be missed after it.
void BookEvents::was_there(const proto::Sender& sender, std::int64_t at_us) {
  proto::KeptProbe kept;
  kept.set_location(sender.location());
  kept.set_probe(sender.probe());
  kept.set_last_seen_us(at_us);
  fleet_.restore(kept);
}

std::vector<NotTaken> BookEvents::apply(const JournalEntry& entry, const Has* has) {
  const proto::BookEvent& event = entry.event();
  const WallTime at = from_unix_us(event.at_us());
  switch (event.what_case()) {
    case proto::BookEvent::kReported:
      return take(event.reported(), entry.facts, at, has);
    case proto::BookEvent::kGap:
      return take(event.gap(), at, has);
    case proto::BookEvent::kDefinitions:
      ledger_.apply_definitions(entry.definitions ? entry.definitions : from_kept(event.definitions()), at);
      return {};
    case proto::BookEvent::kTimePassed:
      has ? ledger_.tick(at, *has) : ledger_.tick(at);
      return {};
    case proto::BookEvent::kResumed:
      sequences_.set(identity_of(event.resumed().from()), event.resumed().from().spool_id(),
                     event.resumed().applied_sequence());
      return {};
    case proto::BookEvent::kForgotten:
      fleet_.forget(event.forgotten());
      return {};
    case proto::BookEvent::WHAT_NOT_SET:
      return {};  // of a newer controller
  }
  return {};
}

// Where a check is not expected, its book knows nothing of what came from there.
bool BookEvents::is_in_already(const Has* has, const std::string& check_id, const Identity& from) const {
  return has && (*has)(check_id) && ledger_.is_expected(check_id, from.location);
}

// A newer session may have sent the same again while the event waited for the disk: what lies up to the applied
// sequence was counted.
std::vector<NotTaken> BookEvents::take(const proto::Reported& reported, const std::vector<SharedFacts>& facts,
                                       WallTime at, const Has* has) {
  const Identity from = identity_of(reported.from());
  const Milliseconds offset(reported.from().clock_offset_ms());
  const std::uint64_t counted = sequences_.applied(from, reported.from().spool_id()).value_or(0);
  const SharedFacts nobodys;
  std::vector<NotTaken> not_taken;
  std::uint64_t sequence = reported.first_sequence();
  for (int row = 0; row < reported.result_size(); ++row) {
    const auto& result = reported.result(row);
    const std::uint64_t of_this = sequence++;
    if (of_this <= counted || is_in_already(has, result.check_id(), from)) continue;
    const SharedFacts& its_facts = facts.empty() ? nobodys : facts[static_cast<std::size_t>(row)];
    const Applied applied = ledger_.apply(from, result, offset, at, its_facts);
    if (is_rejected(applied)) not_taken.push_back({applied, of_this, result.check_id(), true});
  }
  if (sequence - 1 > counted) sequences_.set(from, reported.from().spool_id(), sequence - 1);
  return not_taken;
}

std::vector<NotTaken> BookEvents::take(const proto::ReportedGap& reported, WallTime at, const Has* has) {
  const Identity from = identity_of(reported.from());
  const proto::Gap& gap = reported.gap();
  const std::uint64_t counted = sequences_.applied(from, reported.from().spool_id()).value_or(0);
  if (gap.last_sequence() <= counted) return {};
  std::vector<NotTaken> not_taken;
  for (const auto& check : gap.check()) {
    if (is_in_already(has, check.check_id(), from)) continue;
    const Applied applied = ledger_.apply_gap(from, check, gap.cause(), at);
    if (is_rejected(applied))
      not_taken.push_back({applied, gap.last_sequence(), check.check_id(), !is_of_sequences(gap.cause())});
  }
  sequences_.set(from, reported.from().spool_id(), gap.last_sequence());
  return not_taken;
}

}  // namespace parallax
