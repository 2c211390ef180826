// What changes the books, one event at a time, so that live and after a crash the same events make the same books.
//
// Nothing else may change what /metrics counts: no clock is read in here, the event brings its moment along.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/applied_sequences.h"
#include "controller/fleet_book.h"
#include "controller/journal.h"
#include "controller/ledger.h"
#include "proto/kept.pb.h"

namespace parallax {

// A result, or a declared slot, that the ledger did not take.
struct NotTaken {
  Applied why = Applied::invalid;
  std::uint64_t sequence = 0;
  std::string check_id;
  bool is_consumed_alone = true;  // false: one check of a gap, whose other checks were taken
};

class BookEvents {
 public:
  // Everything outlives it.
  BookEvents(Ledger& ledger, AppliedSequences& sequences, FleetBook& fleet)
      : ledger_(ledger), sequences_(sequences), fleet_(fleet) {}

  // Puts what an event says into the books. Requires: the events come in the order of the journal.
  std::vector<NotTaken> apply(const JournalEntry& entry);

  // The same after a crash: what a check's book has in it already (`has` says so of its id) is passed over.
  using Has = std::function<bool(std::string_view check_id)>;
  void apply_again(const JournalEntry& entry, const Has& has);

  // The last event that is in the books; 0 for none.
  std::uint64_t last() const { return last_; }
  // The last one that put definitions in force, and those definitions.
  std::uint64_t last_definitions() const { return last_definitions_; }
  const std::shared_ptr<const Definitions>& definitions() const { return ledger_.definitions(); }
  // After a restart: the books are as of `kept`, and have its definitions.
  void restored(const proto::KeptBooks& kept);

 private:
  std::vector<NotTaken> apply(const JournalEntry& entry, const Has* has);
  std::vector<NotTaken> take(const proto::Reported& reported, const std::vector<SharedFacts>& facts, WallTime at,
                             const Has* has);
  std::vector<NotTaken> take(const proto::ReportedGap& reported, WallTime at, const Has* has);

  bool is_in_already(const Has* has, const std::string& check_id, const Identity& from) const;
  void was_there(const proto::Sender& sender, std::int64_t at_us);

  Ledger& ledger_;
  AppliedSequences& sequences_;
  FleetBook& fleet_;
  std::uint64_t last_ = 0;
  std::uint64_t last_definitions_ = 0;
};

// Whether what a gap with that cause says is about sequences; else about slots without a run.
bool is_of_sequences(proto::Gap::Cause cause);

// Whether the ledger's word means that a result was neither counted nor counted before.
bool is_rejected(Applied applied);

}  // namespace parallax
