// Judges how long a certificate lasts, for every check type that sees one. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "probe/outcome.h"

namespace parallax {

// By the best verified chain, or by the earliest certificate sent where none verified; expires_soon when that is
// less than `least_ms` from `now`. Requires: least_ms > 0.
std::optional<Failure> judge_expiry(std::int64_t least_ms, const proto::TlsFacts& facts, WallTime now);

}  // namespace parallax
