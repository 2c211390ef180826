// STARTTLS: what is said in the clear before a TLS handshake.
#pragma once

#include <string>

#include "base/task.h"
#include "probe/net/connect.h"
#include "probe/outcome.h"

namespace parallax {

// Whether start_tls() knows this protocol: "smtp", "imap", "pop3", "postgres".
bool can_start_tls(const std::string& protocol);

// Speaks `protocol` over the connected socket up to the point where the handshake begins. Fails with tls_protocol
// (TLS refused, or something said that is not the protocol), tls_timeout, closed_early and probe_fault. Requires:
// can_start_tls(protocol).
Task<Step<void>> start_tls(TcpSocket& socket, std::string protocol, Instant deadline);

}  // namespace parallax
