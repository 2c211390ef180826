// The rules of a ping check.
#pragma once

#include <optional>

#include "probe/outcome.h"
#include "proto/definition.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// The first broken rule in the order loss, round trip, jitter, duplicates; nothing when all hold. A rule on times
// cannot hold without a reply: that is packet_loss. Pure.
std::optional<Failure> broken_rule(const proto::PingExpect& rules, const proto::PingFacts& facts);

// Judges by `expect` (down), where that has no rule at all by "at least one reply" (down), and by `warn`
// (degraded). Pure, except that it writes the outcome.
void judge_ping(const proto::PingCheck& check, const proto::PingFacts& facts, Outcome& outcome);

}  // namespace parallax
