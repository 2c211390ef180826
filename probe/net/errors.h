// Whose trouble an errno is: ours (the run is unknown) or the target's (it is down).
#pragma once

#include <string>

#include "probe/outcome.h"

namespace parallax {

// Where an error came from. The kernel answers a call at once from its own tables (no route, no descriptor); what
// comes later was said by the network, and the same number then means the target's side.
enum class ErrorSource { local, network };

// Opening or connecting a socket to `where` ("192.0.2.7:443") failed with `error`:
//   EMFILE, ENFILE, ENOMEM, ENOBUFS and what only a faulty program sees       probe_fault
//   local ENETUNREACH, ENETDOWN, EADDRNOTAVAIL, EPERM, EACCES; local
//   EHOSTUNREACH, which an "unreachable" route says                           probe_isolated
//   ECONNREFUSED                                                               connect_refused
//   ETIMEDOUT                                                                  connect_timeout
//   anything else that the network said                                        connect_unreachable
Failure connect_failure(int error, ErrorSource source, const std::string& where);

// An errno of ours in words, with the next step where there is one ("Too many open files; raise ...").
std::string own_trouble(int error);

// True for what means that this probe is out of something: descriptors, memory, buffers.
bool is_exhaustion(int error);

// True for what the kernel says when it has no way out to an address.
bool is_without_route(int error);

}  // namespace parallax
