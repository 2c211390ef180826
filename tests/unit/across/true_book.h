// What truly happened in a simulated world, and what a ledger that counts each slot exactly once must therefore
// say. It is told each record as a probe makes it, and each piece of a spool as the controller is about to count
// it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "proto/fleet.pb.h"
#include "proto/result.pb.h"
#include "tests/unit/across/simulated_time.h"

namespace parallax {

// What a record, or a gap, says of one check.
struct TruePart {
  std::string check_id;
  std::int64_t every_ms = 0;  // whose slots they are
  std::vector<std::int64_t> slots;
  std::array<std::uint64_t, 4> runs{};  // by value of proto::State - 1
};

// One record of a spool, as it was made: a run, slots that were missed, or what an earlier life had to evict.
struct TrueRecord {
  std::vector<TruePart> parts;
  proto::Gap::Cause cause = proto::Gap::EVICTED;  // of its gap, when it goes as one
  std::uint64_t digest = 0;                       // of a run: of all it says; else 0
  Nanoseconds due{0};                             // of a run: when its slot was, by the one true clock
  const Host* host = nullptr;

  bool is_run() const { return digest != 0; }
};

// What the controller must have counted of one check at one location, in the indices of its ledger.
struct TruePlace {
  WallTime since{};                                                    // it is expected at this interval
  std::int64_t every_ms = 0;                                           // the interval in force
  std::map<std::int64_t, std::unordered_set<std::int64_t>> accounted;  // slots by `every` in ms
  std::array<std::uint64_t, 4> runs{};
  std::array<std::uint64_t, 5> missed{};
  std::uint64_t duplicates = 0;
  std::array<std::uint64_t, 4> rejected{};
  std::uint64_t late_at_least = 0;  // of the runs
  std::uint64_t late_at_most = 0;
};

std::uint64_t digest_of(const proto::RunResult& result);
TrueRecord true_run(const proto::RunResult& result, const Host& host);
std::vector<TruePart> parts_of(const proto::Gap& gap);

class TrueBook {
 public:
  using PlaceName = std::pair<std::string, std::string>;  // check, location

  explicit TrueBook(World& world) : world_(world) {}

  // --- Probes ---
  // A run came to its end now: its record is made.
  void ran(const TrueRecord& run, Nanoseconds due) { runs_[run.digest] = due; }
  // The next record of that spool: new, or found again by a new life of the probe. Requires: a run ran().
  void made(const std::string& spool_id, TrueRecord record);
  std::uint64_t made_in(const std::string& spool_id) const;
  // The records that the controller has not counted.
  std::vector<const TrueRecord*> uncounted(const std::string& spool_id) const;
  std::vector<const TrueRecord*> counted(const std::string& spool_id) const;
  bool ever_ran(const proto::RunResult& result) const { return runs_.contains(digest_of(result)); }

  // --- The controller ---
  // What it has counted of a spool, and may acknowledge.
  std::uint64_t consumed(const std::string& spool_id) const;
  std::uint64_t ever_consumed(const std::string& spool_id) const;
  // The records of a piece that it is about to count; empty when the piece is not the next one, which breaks the
  // promise, or nothing of it is new. The first one returned has the sequence consumed() + 1.
  std::vector<const TrueRecord*> take(const std::string& spool_id, std::uint64_t first, std::uint64_t last);
  // A hello that was late, or one that tells of less: the controller counts from here on, and knows by the slots
  // what it has. Skipping what nobody counted breaks the promise.
  void resume(const std::string& spool_id, std::uint64_t behind);
  // Whether `gap` says exactly what became of `records`, which it is about.
  bool tells(const proto::Gap& gap, const std::vector<const TrueRecord*>& records);

  std::map<PlaceName, TruePlace>& places() { return places_; }
  std::uint64_t& unexpected(const std::string& location) { return unexpected_[location]; }

 private:
  struct SpoolBook {
    std::vector<TrueRecord> records;  // by sequence - 1
    std::uint64_t consumed = 0;
    std::uint64_t ever_consumed = 0;
  };
  World& world_;
  std::map<std::string, SpoolBook> spools_;
  std::unordered_map<std::uint64_t, Nanoseconds> runs_;  // when each was due, by digest
  std::map<PlaceName, TruePlace> places_;
  std::map<std::string, std::uint64_t> unexpected_;  // results for checks that are not expected, by location
};

}  // namespace parallax
