// A run that is over: what is kept of it, and how it is told.
#pragma once

#include "base/time.h"
#include "probe/outcome.h"
#include "proto/definition.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// What a run came to. Outcome, start and duration are the last attempt's: only it counts.
struct FinishedRun {
  Outcome outcome;
  WallTime started;
  Nanoseconds duration{0};  // steady clock
  unsigned attempts = 0;
};

// Marks a result that the probe spoiled itself: a run that was too slow or ran into a timeout (lost packets and a
// silent proxy too, where the deadline ended the wait) while the loop was late by more than 100 ms, or by more
// than a tenth of the timeout, says nothing about the target. `loop_lag` is the largest lateness of the loop seen
// during the run.
void mark_overload(FinishedRun& run, const proto::Check& check, Nanoseconds loop_lag);

// The run as it is reported. The caller fills in what it alone knows: definition, slot and lateness.
proto::RunResult to_result(const proto::Check& check, FinishedRun run);

// The same but for the facts; takes the detail out of `run`.
void tell_run(const proto::Check& check, FinishedRun& run, proto::RunResult& result);

}  // namespace parallax
