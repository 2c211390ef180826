// The rules for the keys that say how the connections of a check are made: `resolver`, `source`, `addresses`,
// `proxy` and `no_proxy`.
#pragma once

#include "base/problem.h"
#include "definitions/written_check.h"

namespace parallax {

// Puts `resolver` and `proxy` into their normal form, "192.0.2.53:53" and "proxy.example:3128", and reports what
// cannot be meant.
void apply_route_rules(WrittenCheck& written, Problems& problems);

}  // namespace parallax
