// The rules that hold between the keys of one check, and the defaults that follow from other keys. What concerns
// one key alone is a field option in proto/definition.proto.
#pragma once

#include "base/problem.h"
#include "definitions/written_check.h"

namespace parallax {

// Fills in what follows from other keys: target, timeout, counts, expect.status, the normal form of url, address,
// host and fingerprints; and reports what does not go together.
void apply_rules(WrittenCheck& written, Problems& problems);

}  // namespace parallax
