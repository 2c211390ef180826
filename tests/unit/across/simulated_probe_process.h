// The inside of a simulated probe: what dies with its process. Of simulated_probe.cpp alone.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "probe/down_time.h"
#include "probe/link.h"
#include "probe/memory_spool.h"
#include "probe/schedule.h"
#include "probe/spool_shadow.h"
#include "tests/unit/across/simulated_probe.h"
#include "tests/unit/across/simulated_spool_disk.h"

namespace parallax {

// One check of a roster: what probe/runner.cpp does, without its coroutine.
struct SimulatedProbe::Runner {
  Runner(proto::AssignedCheck check, Schedule its_schedule)
      : assigned(std::move(check)), schedule(std::move(its_schedule)) {}

  proto::AssignedCheck assigned;
  Schedule schedule;
  Schedule::Since since = Schedule::Since::waiting;
  std::optional<proto::State> last_state;
  unsigned plan = 0;                      // grows when what was planned is void
  bool in_run = false;                    // or waiting for a place to run
  std::optional<std::int64_t> last_slot;  // that became a record
};

// What dies with the process.
struct SimulatedProbe::Process {
  Process(SimulatedProbe& probe);

  // The link.
  Moment now() const { return {self.host_.now(), self.host_.wall()}; }
  void perform(LinkActions actions);
  void wake_link();
  void wake_disk();
  void take_up();
  void record(SpoolRecord&& record, bool state_changed);
  void assigned(const proto::Assignment& assignment);

  // The roster.
  void put_in_force(const proto::Assignment& assignment);
  void put(const proto::AssignedCheck& assigned);
  void remove(const std::string& id);
  void look(const std::shared_ptr<Runner>& runner);
  void look_after(const std::shared_ptr<Runner>& runner, Nanoseconds wait);
  void begin_run(const std::shared_ptr<Runner>& runner, const Schedule::Next& next);
  void end_run(const std::shared_ptr<Runner>& runner, const proto::AssignedCheck& assigned, proto::RunResult run);
  void declare(Runner& runner, proto::Gap::Cause cause, std::vector<std::int64_t> slots);
  void follows(Runner& runner, std::int64_t first, std::int64_t last, bool may_jump);
  void look_again();
  bool is_running() const;
  void leave(Instant runs_end);

  SimulatedProbe& self;
  MemorySpool spool;
  SpoolShadow shadow;
  DownTime down_time;
  Link link;
  Instant welcomed_at{};
  WallTime welcomed{};
  std::shared_ptr<Connection> connection;
  Instant tick_at = Instant::max();
  Instant disk_at = Instant::max();
  std::map<std::string, std::shared_ptr<Runner>> runners;
  struct Past {
    std::int64_t every_ms;
    std::int64_t last_slot;
  };
  std::map<std::string, Past> past;
  double fraction = 0;
  bool finishing = false;
  bool is_flushed = false;
};

}  // namespace parallax
