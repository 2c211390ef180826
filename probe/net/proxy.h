// HTTP proxies: which requests go through one, and the tunnel that it opens (CONNECT, RFC 9110, 9.3.6).
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "probe/net/connect.h"
#include "probe/outcome.h"

namespace parallax {

// Whether `host` (a name, or an address without brackets) is asked without the proxy. An entry of `no_proxy` is
// "*", a name that stands for itself and everything below it (with or without a dot before it), an address, or a
// prefix like "10.0.0.0/8".
bool goes_around_proxy(const std::vector<std::string>& no_proxy, const std::string& host);

// Asks the proxy at the other end of `socket` for a tunnel to `target` ("shop.example:443"); what is sent over the
// socket afterwards goes there. `authorization` is the value of Proxy-Authorization, empty for none. Everything
// that goes wrong is reason `proxy`, but for probe_fault.
Task<Step<void>> open_tunnel(TcpSocket& socket, std::string target, std::string authorization, Instant deadline);

// A failure on the way to the proxy: what the network or the proxy did is `proxy`; our own trouble stays what it
// is.
Failure proxy_trouble(const std::string& proxy, Failure failure);

}  // namespace parallax
