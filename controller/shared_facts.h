// Facts that many results have. What a run found out about its target changes seldom: the facts of a check are
// told when they change, and then lie in memory once, for the session, the journal and the books alike.
#pragma once

#include <memory>

#include "proto/result.pb.h"

namespace parallax {

// Nobody changes them once they are shared.
using SharedFacts = std::shared_ptr<const proto::Facts>;

// Lets `result` show facts that it does not own. Requires: it lies in an arena, and `facts` outlives it.
inline void show_facts(proto::RunResult& result, const proto::Facts& facts) {
  result.unsafe_arena_set_allocated_facts(const_cast<proto::Facts*>(&facts));
}

// The facts of a result as ones that are shared: a copy; null when it has none.
inline SharedFacts copied_facts(const proto::RunResult& result) {
  return result.has_facts() ? std::make_shared<const proto::Facts>(result.facts()) : nullptr;
}

}  // namespace parallax
