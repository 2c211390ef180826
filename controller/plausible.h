// Whether a result can come from a probe of ours. A good certificate does not make a probe honest, or right.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "proto/result.pb.h"

namespace parallax {

// False for a result with a value outside of what a run can give: a state, reason and phase that contradict each
// other, negative or endless durations, numbers that are not finite, lists and texts beyond any bound. Reasons and
// phases that this program does not know are a newer probe's, and plausible. The moments are not looked at.
bool plausible(const proto::RunResult& result);
// The same for a result with facts that were looked at before.
bool plausible_without_facts(const proto::RunResult& result);

// Whether a definition can have this interval.
bool is_interval(std::int64_t every_ms);

}  // namespace parallax
