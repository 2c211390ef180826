// Looks at this host for `parallax-probe doctor`: what was seen goes to the functions of doctor_findings.h.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "probe/doctor_findings.h"
#include "proto/settings.pb.h"

namespace parallax {

// What every probe needs of its host. Takes half a second at most.
Task<std::vector<Finding>> look_at_host(Loop& loop, const Clock& clock);

// What the probe with these settings needs: its directory, its certificate, its controllers (3 s each, all at
// once).
Task<std::vector<Finding>> look_at_settings(const proto::ProbeSettings& settings, Loop& loop, const Clock& clock);

// The name of the user this process is, or its number.
std::string user_of_process();

}  // namespace parallax
