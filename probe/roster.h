// The checks of this location: starts, keeps and stops runners as assignments come. What did not change keeps its
// phase and its state.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "probe/runner.h"

namespace parallax {

// Owned by main (or a test). `tools` outlives it; drain() comes before it is destroyed.
class Roster {
 public:
  explicit Roster(RunnerTools& tools) : tools_(tools) {}

  struct Difference {
    std::size_t added = 0;
    std::size_t changed = 0;
    std::size_t kept = 0;
    std::vector<std::string> removed;  // ids
    std::vector<std::string> refused;  // ids of checks whose numbers make no schedule
  };
  // Puts a complete assignment in force.
  Difference apply(const proto::Assignment& assignment);

  // A slot of this check was run before the program started: it does not run again.
  void had(const std::string& id, std::int64_t every_ms, std::int64_t slot);

  // The wall clock was set: every runner looks at it again.
  void look_again();

  // Starts no run any more; those under way go on.
  void finish();
  // Stops every runner, in the middle of a run, too.
  void stop();
  // Returns when the last run of those that were to end has ended, at the latest at `deadline`.
  Task<> drained(Instant deadline);

  std::size_t size() const { return runners_.size(); }

 private:
  struct Past {
    std::int64_t every_ms;
    std::int64_t last_slot;
  };
  void put(const proto::AssignedCheck& assigned, std::size_t expected, Difference& difference);
  void start(const proto::AssignedCheck& assigned, std::size_t expected);
  void remove(const std::string& id);
  double next_fraction();
  bool is_running() const;

  RunnerTools& tools_;
  std::map<std::string, std::shared_ptr<Runner>> runners_;
  std::vector<std::shared_ptr<Runner>> leaving_;
  std::map<std::string, Past> past_;  // of checks that left: should they come back, no slot runs twice
  double fraction_ = 0;
};

}  // namespace parallax
