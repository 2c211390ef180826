// A result fit to travel, whatever a target sent: text is UTF-8 (a message with other bytes could not be read by
// the controller, and would come back for ever), and no result is large enough to fill a message.
#pragma once

#include "proto/result.pb.h"

namespace parallax {

// Makes text fields UTF-8, cuts the detail at 1000 bytes and lists at 1000 entries, and leaves out certificates'
// names behind the hundredth, then all names, then certificates behind the leaf, then all facts, until the result
// has at most 64 KiB.
void bound(proto::RunResult& result);

}  // namespace parallax
