// Judges a TLS connection by its facts. Pure: no network, no clock.
#pragma once

#include <optional>

#include "base/time.h"
#include "probe/outcome.h"
#include "proto/definition.pb.h"

namespace parallax {

// The first rule that does not hold, in the order min_version, key_bits (weak), alpn, issuer, SANs, fingerprint
// OCSP (certificate), expires_in (expires_soon); nothing when all hold.
std::optional<Failure> judge_tls(const proto::TlsExpect& rules, const proto::TlsFacts& facts, WallTime now);

}  // namespace parallax
