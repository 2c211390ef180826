// Whether the controllers of a probe can be reached, for `parallax-probe doctor`.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "probe/doctor_findings.h"
#include "probe/outcome.h"
#include "proto/settings.pb.h"

namespace parallax {

struct ControllerSeen {
  std::string written;  // as in probe.toml: "controller.example:7443"
  std::string host;     // of it
  std::string port;
  std::string address;             // that answered, or the last one tried; empty where the name has none
  Nanoseconds took{0};             // look-up and connection
  std::optional<Failure> failure;  // why no connection came about
};
// A warning where another controller answers: the probe goes to that one.
Finding controller_finding(const ControllerSeen& seen, bool another_answers);

// Looks each name up and opens a TCP connection, all at once, within 3 s.
Task<std::vector<Finding>> look_at_controllers(const proto::ProbeSettings& settings, Loop& loop,
                                               const Clock& clock);

}  // namespace parallax
