// The books of one check: what it is, and for each of its locations the counters and the newest run.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/slot_grid.h"
#include "base/time.h"
#include "controller/fact_counters.h"
#include "controller/shared_facts.h"
#include "controller/slot_book.h"
#include "controller/slot_set.h"
#include "definitions/definitions.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// Upper bounds of probe_all_duration_seconds (without +Inf), as dashboards of Grafana's synthetic monitoring have
// them.
inline constexpr std::array<double, 11> kDurationBuckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                            0.5,   1,    2.5,   5,    10};

// Counted by proto::State (without STATE_UNSPECIFIED), Gap::Cause and Reject::Cause: value - 1 is the index.
using OutcomeCounts = std::array<std::uint64_t, 4>;
using MissedCounts = std::array<std::uint64_t, 5>;
using RejectedCounts = std::array<std::uint64_t, 4>;

// Runs that reached an answer, by whether they were faster than their service's latency objective. Runs that went
// down are in neither: they spend the availability's budget, and one failure is not charged twice.
struct ObjectiveRuns {
  std::uint64_t fast = 0;
  std::uint64_t slow = 0;
};

struct PlaceCounters {
  OutcomeCounts fresh_runs{};
  OutcomeCounts late_runs{};
  std::map<int, std::uint64_t> failures;  // by proto::Reason; kOtherReason for those this program does not know
  MissedCounts missed{};
  std::uint64_t duplicates = 0;
  RejectedCounts rejected{};
  std::uint64_t success_sum = 0;  // probe_all_success: fresh runs that are not unknown
  std::uint64_t success_count = 0;
  std::array<std::uint64_t, kDurationBuckets.size() + 1> duration_bucket{};  // the same runs; not cumulative
  double duration_sum = 0;
  ObjectiveRuns fresh_objective_runs;  // both count while the check has a latency objective
  ObjectiveRuns late_objective_runs;
};

// A reason of a newer probe.
inline constexpr int kOtherReason = -1;

// The newest run of a check at a location, by its slot.
struct NewestRun {
  proto::RunResult result;  // but for its facts
  SharedFacts facts;        // null: it has none
  WallTime started{};       // by our clock
  WallTime fresh_until{};   // by our clock
};

// Everything of a result but its facts, into another one whose memory is used again.
void copy_without_facts(const proto::RunResult& from, proto::RunResult& to);
// The run with its facts in it.
proto::RunResult whole(const NewestRun& run);
// Its facts; empty ones where it has none.
const proto::Facts& facts_of(const NewestRun& run);

// A check at one of its locations.
struct PlaceBook {
  PlaceBook(std::string location_name, SlotGrid slot_grid, std::string_view type)
      : location(std::move(location_name)), grid(slot_grid), facts(type) {}

  std::string location;
  std::string zone;
  std::string labels;  // of every series of this pair, written and escaped once: service="..",...,instance=".."
  SlotGrid grid;
  std::int64_t since_slot = 0;                // the first slot it is expected to run
  Milliseconds clock_offset{0};               // of the probe that reported last
  std::map<std::int64_t, SlotSet> accounted;  // by `every` in ms: a changed interval is another grid
  PlaceCounters counters;
  FactCounters facts;
  std::optional<NewestRun> newest;

  // The slots of the grid with this interval; null for an interval that no definition can have, and for one more
  // than we keep books of.
  SlotSet* accounted_for(std::int64_t every_ms);
  // Up to this slot of the interval in force every one is accounted for that was expected and is due. A slot of
  // which nothing is known for very long is nobody's any more, and is passed over.
  std::int64_t accounted_up_to(WallTime now) const;

  // The newest run if it is still fresh at `now`, else null: the location has no data.
  const NewestRun* fresh(WallTime now) const;
};

struct CheckBook {
  const DefinedCheck* defined = nullptr;  // within the definitions in force
  std::uint64_t fingerprint = 0;
  std::string type;    // "http"
  std::string labels;  // service="..",check=".."
  // What runs are compared with: of an http check whose service has a latency objective, else none.
  std::optional<Milliseconds> latency_objective;
  // Definitions this check had before (not the one in force), newest last, and their `every` in ms.
  std::vector<std::pair<std::uint64_t, std::int64_t>> former;
  std::vector<PlaceBook> places;  // in byte order of their locations: index k of the slot grid
  SlotBook slots;

  const proto::Check& definition() const { return defined->check; }
  Milliseconds every() const { return Milliseconds(definition().every_ms()); }
  // How long after its slot's moment a result is fresh.
  Milliseconds lifetime() const {
    return 2 * every() + Milliseconds(definition().timeout_ms()) + Milliseconds(5000);
  }
  // Null where the check is not expected.
  PlaceBook* place(std::string_view location);
  // Closes the slots that are complete or overdue.
  void close_slots(WallTime now);
  bool has_slots_to_close(WallTime now) const;

  // Our clock was set back by more than a day: slots were closed so far ahead of their time that none would be
  // told until we get there. A shorter way back is waited for, so that no slot is told twice.
  bool is_far_ahead(WallTime now) const;
  // Then they are told again as they come.
  void begin_again(WallTime now);

 private:
  std::int64_t newest_slot(WallTime now) const;
};

}  // namespace parallax
