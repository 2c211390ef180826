// One run of a check: its attempts, each with a deadline of its own.
// Used by the runners of `serve` and by `run` by hand.
#pragma once

#include "base/task.h"
#include "probe/finished_run.h"
#include "probe/tools.h"
#include "proto/definition.pb.h"

namespace parallax {

// Runs `check` and, at once, again while it is down and attempts remain; a run that could not measure is not tried
// again. Trouble that a check did not foresee (no descriptor left in the middle of a run) is `probe_fault`, not a
// crash. Ends by the timeout of the last attempt + 250 ms. `check` and `tools` outlive the task.
Task<FinishedRun> run_attempts(const proto::Check& check, Tools& tools);

}  // namespace parallax
