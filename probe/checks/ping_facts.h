// What the echoes of a run amount to.
#pragma once

#include <span>

#include "probe/net/icmp.h"
#include "proto/result.pb.h"

namespace parallax {

// A reply more than this after the next request was sent (or after the last) is late: it counts as lost.
inline constexpr Milliseconds kReplyIsLateAfter{1000};

// Counts, loss and, where a reply came in time, the statistics of the round trips in seconds:
//   median   the middle one, or the mean of the two in the middle
//   p95      nearest rank: the smallest that 95 % do not exceed
//   stddev   of the replies received (divided by their number)
//   jitter   RFC 3550, 6.4.1: J += (|D| - J) / 16 over the differences of neighbouring round trips, from 0;
//            absent with fewer than two replies
// Requires: one echo or more. Pure.
proto::PingFacts ping_facts(std::span<const Echo> echoes);

}  // namespace parallax
