// Does what the link (link.h) decides: dials, sends, puts assignments in force, and tells the person on call.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/task.h"
#include "probe/link.h"
#include "probe/loop_watch.h"
#include "probe/spool.h"
#include "probe/uplink.h"

namespace parallax {

// Owned by main. Everything given by reference outlives it; run() has ended before it is destroyed.
class Reporter {
 public:
  struct Settings {
    std::vector<std::string> controllers;  // host:port, at least one
    Uplink::Files files;
    proto::Hello hello;  // version, icmp, check types
  };
  using Assigned = std::function<void(const proto::Assignment&)>;

  Reporter(Loop& loop, Log& log, const Clock& clock, Spool& spool, ScheduleLag& lag, Settings settings,
           Assigned assigned);

  // Keeps a record and sends it when it is time.
  void record(SpoolRecord&& record, bool state_changed);

  // Keeps the link alive; ends when its task is stopped.
  Task<> run();

  // Sends what there is, waits until the controller has counted it or `deadline` has come, and hangs up.
  // Requires: run() still runs.
  Task<> finish(Instant deadline);

 private:
  Moment now() const { return {clock_.now(), clock_.wall()}; }
  void perform(LinkActions actions);
  bool dial(std::size_t controller);
  void tell(const LinkActions& actions);
  void tell_disconnected(const LinkActions::Disconnected& disconnected);
  proto::Heartbeat figures();

  Log& log_;
  const Clock& clock_;
  Spool& spool_;
  ScheduleLag& lag_;
  std::vector<std::string> controllers_;
  Assigned assigned_;
  Link link_;
  Uplink uplink_;
  Signal wake_;
  Instant waits_until_ = Instant::max();  // of run(); it need not be woken for what is not due before
  std::string controller_;                // the one dialled last
  bool hung_up_ = false;
};

}  // namespace parallax
