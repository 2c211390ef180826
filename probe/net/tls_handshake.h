// A TLS handshake on a connected socket, and what the server says right after it.
#pragma once

#include "base/time.h"
#include "probe/net/connect.h"
#include "probe/net/tls_verify.h"
#include "probe/outcome.h"

namespace parallax {

// Makes the handshake; sends nothing of ours over it. Returns when it was done (steady). `peer` has its facts
// afterwards, also when this fails with tls_protocol, tls_timeout, closed_early or probe_fault. A verification
// that failed is not a failure here: ask peer.failure().
//
// Where the server asked for a client certificate in TLS 1.3 the handshake seems to succeed before the server
// refuses: reads on for a ticket, an alert or 100 ms.
Task<Step<Instant>> tls_handshake(TcpSocket& socket, TlsPeer& peer, const Clock& clock, Instant deadline);

}  // namespace parallax
