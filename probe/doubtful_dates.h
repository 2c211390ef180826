// Whether the dates of certificates can be judged at all: they are compared with this host's clock, and a wrong
// clock is no outage of the target.
#pragma once

#include <optional>

#include "base/time.h"
#include "proto/result.pb.h"

namespace parallax {

// Makes a result unknown (probe_fault) that failed by a certificate's dates, or by how soon they end, where the
// controller's clock would have judged otherwise: one of the two clocks is wrong, and nobody here knows which.
// `ahead`: this host's clock minus the controller's; none when no controller has said so yet.
void doubt_dates(proto::RunResult& result, std::optional<Nanoseconds> ahead);

}  // namespace parallax
