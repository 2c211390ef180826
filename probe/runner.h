// One check of this location: waits for its slots, runs them, puts what came of it in the spool.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "probe/finished_run.h"
#include "probe/loop_watch.h"
#include "probe/places.h"
#include "probe/schedule.h"
#include "probe/spool.h"
#include "proto/fleet.pb.h"

namespace parallax {

// What all runners work with. Owned by whoever owns the roster; outlives every runner.
struct RunnerTools {
  Loop& loop;
  const Clock& clock;
  Places& places;
  const LoopWatch& watch;
  ScheduleLag& lag;
  std::function<Task<FinishedRun>(const proto::Check&)> run;  // the check outlives the task
  std::function<void(proto::RunResult& result, bool state_changed)> record;
  std::function<void(MissedSlots&&)> declare;
  // A runner has taken up its first slot.
  std::function<void(const proto::AssignedCheck&, std::int64_t first_slot)> began = [](const proto::AssignedCheck&,
                                                                                       std::int64_t) {};
};

// Owned by the roster and by its own task, so that a stopped runner ends in peace.
class Runner : public std::enable_shared_from_this<Runner> {
 public:
  // Requires: runnable(assigned).
  Runner(RunnerTools& tools, proto::AssignedCheck assigned, Schedule schedule);

  // Whether the numbers of an assigned check make a schedule.
  static bool runnable(const proto::AssignedCheck& assigned);
  static SlotGrid grid_of(const proto::AssignedCheck& assigned);

  void start();
  // Ends a run under way, too: its result is not wanted.
  void stop();
  // Starts no run any more, but lets one that is under way end and be reported.
  void finish();

  // Another definition of the check, or another place in its grid, from the next slot on; a run under way goes on
  // and is reported as what it is. Requires: the same id and period.
  void change(proto::AssignedCheck assigned);

  // The wall clock was set.
  void look_again() { wake_.notify(); }

  const proto::AssignedCheck& assigned() const { return *assigned_; }
  const Schedule& schedule() const { return schedule_; }
  bool is_running() const { return tasks_.running() > 0; }

 private:
  static Task<> live(std::shared_ptr<Runner> self);
  Task<> run_slot(Schedule::Next next);
  void declare(proto::Gap::Cause cause, std::vector<std::int64_t> slots, const proto::AssignedCheck& assigned);
  void report(FinishedRun& run, const proto::AssignedCheck& assigned, std::int64_t slot, Nanoseconds lateness);

  RunnerTools& tools_;
  std::shared_ptr<const proto::AssignedCheck> assigned_;
  Schedule schedule_;
  Signal wake_;
  std::optional<proto::State> last_state_;  // on this definition
  bool in_run_ = false;
  bool finishing_ = false;
  TaskGroup tasks_;
};

}  // namespace parallax
