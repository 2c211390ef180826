// Counts what the controller's journal says a second time, from what truly happened, and compares the ledger with
// that: each place by its counters, each check by its slots.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/ledger.h"
#include "proto/kept.pb.h"
#include "tests/unit/across/true_book.h"

namespace parallax {

// Owned by the simulated controller, and outlives its processes. World, book and host outlive it.
class TrueCounting {
 public:
  TrueCounting(World& world, TrueBook& book, const Host& host) : world_(world), book_(book), host_(host) {}

  // Of an event that is durable. Requires: `ledger` does not have it yet, and has all before it.
  void count(const proto::BookEvent& event, const Ledger& ledger);
  // The places that it was about, when the ledger has it too.
  void compare_touched(const Ledger& ledger);
  void compare_all(const Ledger& ledger);
  void compare_slots(const Ledger& ledger);
  // Nothing ran for longer than any result stays fresh: none may be shown.
  void nothing_is_shown(const Ledger& ledger) const;

  struct Counts {
    std::uint64_t runs = 0;
    std::uint64_t late = 0;
    std::uint64_t missed = 0;
    std::uint64_t evicted = 0;
    std::uint64_t duplicates = 0;
    std::uint64_t rejected = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  // A check at the place that a piece of a spool came from, as the truth and the ledger have it.
  struct Counted {
    TruePlace* truth = nullptr;  // null: it is not expected there
    const CheckBook* check = nullptr;
    const PlaceBook* place = nullptr;
  };
  Counted counted(const std::string& check_id, const proto::Sender& from, const Ledger& ledger);
  void count_results(const proto::Reported& reported, WallTime at, const Ledger& ledger);
  void count_gap(const proto::ReportedGap& reported, WallTime at, const Ledger& ledger);
  void count_run(const Counted& where, const proto::RunResult& result, const TrueRecord& record,
                 Milliseconds offset, WallTime at);
  void count_lateness(TruePlace& truth, const CheckBook& check, const TrueRecord& record, WallTime at) const;
  void count_slots(const Counted& where, const TruePart& part, proto::Gap::Cause cause, WallTime at);
  void put_in_force(const proto::KeptDefinitions& definitions);
  void compare(const std::string& check_id, const std::string& location, const Ledger& ledger) const;
  void compare_slots(const std::string& check_id, const CheckBook& check);

  World& world_;
  TrueBook& book_;
  const Host& host_;
  Counts counts_;
  std::vector<TrueBook::PlaceName> touched_;
  bool slots_are_touched_ = false;
  // The slots of a check, from where its books began anew.
  struct Slots {
    std::int64_t every_ms = 0;
    std::int64_t first = 0;
    std::int64_t first_open = 0;
    SlotBook::Tally before;
    SlotBook::Tally now;
  };
  std::map<std::string, Slots> slots_;
};

}  // namespace parallax
