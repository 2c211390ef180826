// The books: what every check found at every location, added up so that each run is counted exactly once.
//
// A pure state machine: definitions, results and the time go in; the exposition reads it. No sockets, no clock, no
// threads: everything is called on the loop. The parts: check_book.h, slot_book.h, slot_set.h,
// verdict.h.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "controller/check_book.h"
#include "controller/identity.h"
#include "definitions/definitions.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// What became of a result. The last four are permanent: the sequence is consumed, and the Reject names the cause.
enum class Applied {
  counted,
  duplicate,     // its slot was counted before, whoever sent it
  not_expected,  // the definitions do not have this check at this location
  removed,       // they had it, and do not any more
  invalid,       // a value no probe of ours sends: the message is wrong or hostile
  clock,         // scheduled more than a year away from our clock: the moment means nothing
};

// The cause to send in a Reject. Requires: `applied` is one of the last four.
proto::Reject::Cause reject_cause(Applied applied);

// A service and the checks of it, as the definitions have them.
struct ServiceBook {
  const proto::Service* service = nullptr;  // within the definitions in force
  std::vector<std::string> checks;          // ids of its enabled checks, in order of definition
};

class Ledger {
 public:
  Ledger() = default;
  Ledger(Ledger&&) = default;  // not copied: it points into itself
  Ledger& operator=(Ledger&&) = default;

  // Puts a set of definitions in force. What did not change keeps everything; a changed check drops its last
  // results and keeps its counters; a removed one (or a disabled one, or a location it left) goes with all its
  // series.
  void apply_definitions(std::shared_ptr<const Definitions> definitions, WallTime now);

  // Counts one run. `clock_offset` is the probe's clock minus ours. `facts`: those the result shows, where they
  // are shared; null costs a copy. Anything but `counted` changed nothing but the counter of duplicates or
  // rejected results.
  Applied apply(const Identity& from, const proto::RunResult& result, Milliseconds clock_offset, WallTime now,
                const SharedFacts& facts = nullptr);

  // Counts what a probe says has no result: slots never run, results that its spool dropped or its disk lost.
  // Slots that are accounted for already are passed over; `duplicate` when all of them are. Evicted runs are
  // counted twice on purpose: by outcome among the runs, which they were, and as `evicted` among the missed, as
  // their details are lost.
  Applied apply_gap(const Identity& from, const proto::CheckGap& gap, proto::Gap::Cause cause, WallTime now);

  // PlaceBook::accounted_up_to() of a check at a location; none where it is not expected.
  std::optional<std::int64_t> accounted_up_to(std::string_view check_id, std::string_view location,
                                              WallTime now) const;

  // Shows the newest state of a check that a probe tells after a break. Nothing is counted: the result itself will
  // come, and is counted then.
  void show_current(const Identity& from, const proto::RunResult& result, Milliseconds clock_offset, WallTime now);

  // Closes the slots whose time is over. Call it about once a second.
  void tick(WallTime now);
  // The same for the checks of which `passed_over` is false.
  void tick(WallTime now, const std::function<bool(std::string_view check_id)>& passed_over);
  // Whether tick() would change anything.
  bool has_to_tick(WallTime now) const;

  const std::shared_ptr<const Definitions>& definitions() const { return definitions_; }
  const std::string& revision() const { return definitions_->revision; }
  const std::vector<proto::Location>& locations() const { return definitions_->locations; }
  const std::vector<ServiceBook>& services() const { return services_; }
  // The enabled checks by id.
  const std::map<std::string, CheckBook, std::less<>>& checks() const { return checks_; }
  // Results for checks that are not expected where they came from, by location of the sender.
  const std::map<std::string, RejectedCounts>& unexpected() const { return unexpected_; }
  // Whether the definitions in force have this check at this location.
  bool is_expected(std::string_view check_id, std::string_view location) const;
  // What was expected once and is not any more: (check, location).
  const std::set<std::pair<std::string, std::string>>& removed() const { return removed_; }

  // After a restart (kept_books.h), behind apply_definitions(): null for a check that the definitions do not have.
  CheckBook* book_to_restore(std::string_view check_id);
  void restore_removed(const std::string& check_id, const std::string& location);
  void restore_unexpected(const std::string& location, const RejectedCounts& rejected);

  // The zone of a location; empty for one that is not defined.
  std::string_view zone_of(std::string_view location) const;

  // The verdict of a check and of a service as of `now`.
  std::optional<bool> check_up(const CheckBook& check, WallTime now) const;
  std::optional<bool> service_up(const ServiceBook& service, WallTime now) const;

 private:
  struct Expected {
    CheckBook* check = nullptr;
    PlaceBook* place = nullptr;  // null: not expected there
  };
  Expected expected(std::string_view check_id, std::string_view location);
  Applied reject_unexpected(const Identity& from, const std::string& check_id);
  static Applied reject(PlaceBook& place, Applied why, std::uint64_t results = 1);

  std::shared_ptr<const Definitions> definitions_ = std::make_shared<const Definitions>();
  std::vector<ServiceBook> services_;
  std::map<std::string, CheckBook, std::less<>> checks_;
  boost::unordered_flat_map<std::string_view, CheckBook*> by_id_;  // the same: each result looks one up
  std::set<std::pair<std::string, std::string>> removed_;          // (check, location) that were expected once
  std::map<std::string, RejectedCounts> unexpected_;
};

}  // namespace parallax
