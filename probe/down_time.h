// The slots that nobody ran because this probe was not there, declared exactly once.
//
// Known only when three things are: the first slot a check's runner took up (F), the slot up to which the
// controller has accounted for all (A), and the slots that the spool still tells of. What lies between A and F and
// is in no record was run by nobody. Each check is looked at once in the life of the process, and again when its
// interval changed or it was gone for a while: the word of that may have been long on its way. Otherwise its
// runner declares.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "probe/spool.h"
#include "proto/fleet.pb.h"

namespace parallax {

// Pure: time comes in.
class DownTime {
 public:
  explicit DownTime(std::function<void(MissedSlots)> declare) : declare_(std::move(declare)) {}

  // A record that the spool had when the program started.
  void had(const SpoolRecord& record);
  // The spool's file was damaged: what is missing may have been run, and lost.
  void spool_lost_some() { cause_ = proto::Gap::CORRUPT; }

  // A runner took up its first slot.
  void began(const proto::AssignedCheck& assigned, std::int64_t first_slot);
  // A whole assignment or a difference. `controllers_now` by the controller's clock: ours may be wrong by years.
  void assigned(const proto::Assignment& assignment, WallTime controllers_now);

 private:
  using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;
  struct Check {
    std::int64_t done_every_ms = 0;                              // the interval it was looked at for; 0: none yet
    std::optional<std::pair<std::int64_t, std::int64_t>> first;  // every_ms, slot
    struct Told {
      std::int64_t every_ms = 0;
      std::int64_t accounted = 0;
      std::int64_t over = 0;     // the newest slot that is over by the controller's clock
      std::int64_t soonest = 0;  // a first slot beyond this is a clock's mistake
    };
    std::optional<Told> told;
  };
  void forget_what_is_gone(const proto::Assignment& assignment);
  void look(const std::string& id, Check& check);
  Ranges without_records(const std::string& id, std::int64_t every_ms, std::int64_t first, std::int64_t last);

  std::function<void(MissedSlots)> declare_;
  proto::Gap::Cause cause_ = proto::Gap::PROBE_DOWN;
  std::map<std::string, Check> checks_;
  std::map<std::pair<std::string, std::int64_t>, Ranges> had_;  // by check and every_ms
};

}  // namespace parallax
