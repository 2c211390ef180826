// Does what the link (link.h) decides: dials, sends, puts assignments in force, and tells the person on call.
// Gives the spool's disk its turn (spool_shadow.h), too.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "probe/link.h"
#include "probe/loop_watch.h"
#include "probe/spool_shadow.h"
#include "probe/uplink.h"

namespace parallax {

// Owned by main. Everything given by reference outlives it; run() has ended before it is destroyed.
class Reporter {
 public:
  struct Settings {
    std::vector<std::string> controllers;  // host:port, at least one
    Uplink::Files files;
    proto::Hello hello;  // version, icmp, check types, the revision that is kept
  };
  // `controllers_now` is the wall clock of the controller that assigned it.
  using Assigned = std::function<void(const proto::Assignment&, WallTime controllers_now)>;

  Reporter(Loop& loop, Log& log, const Clock& clock, Spool& spool, SpoolShadow& shadow, ScheduleLag& lag,
           Settings settings, Assigned assigned);

  // Keeps a record and sends it when it is time.
  void record(const proto::RunResult& result, bool state_changed);
  void declare(MissedSlots&& missed);

  // Keeps the link alive; ends when its task is stopped.
  Task<> run();

  // This host's wall clock minus that of the controller that welcomed us last; none before the first.
  std::optional<Nanoseconds> ahead_of_controller() const;

  // The shadow wants its turn at another time.
  void disk_changed() { wake_.notify(); }

  // Sends what there is, waits until the controller has counted it or `deadline` has come, and hangs up. What is
  // left then goes to the disk, until `disk_deadline`. Requires: run() still runs.
  Task<> finish(Instant deadline, Instant disk_deadline);

 private:
  void recorded(bool state_changed, Moment moment);
  Moment now() const { return {clock_.now(), clock_.wall()}; }
  WallTime controllers_now() const;  // Requires: welcomed_
  void perform(LinkActions actions);
  bool dial(std::size_t controller);
  void tell(const LinkActions& actions);
  void tell_disk();
  Task<> keep_what_is_left(Instant deadline);
  void tell_disconnected(const LinkActions::Disconnected& disconnected);
  proto::Heartbeat figures();

  Log& log_;
  const Clock& clock_;
  Spool& spool_;
  SpoolShadow& shadow_;
  ScheduleLag& lag_;
  std::vector<std::string> controllers_;
  Assigned assigned_;
  Link link_;
  Uplink uplink_;
  Signal wake_;
  Instant waits_until_ = Instant::max();  // of run(); it need not be woken for what is not due before
  std::string controller_;                // the one dialled last
  Instant welcomed_at_{};
  std::optional<WallTime> welcomed_;  // then, by the controller's clock
  bool hung_up_ = false;
};

}  // namespace parallax
