// The words that people and Prometheus see for the enumerations of proto/.
#pragma once

#include <string_view>

#include "proto/definition.pb.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// "up", "degraded", "down", "unknown"; "unknown" also for a value this program does not know.
std::string_view name(proto::State state);

// "ok", "tls_expired", ...; "other" for a value this program does not know (a newer probe's).
std::string_view name(proto::Reason reason);

// "resolve", "connect", ...; empty for none.
std::string_view name(proto::Phase phase);

// "evicted", "corrupt", "probe_down", "overrun", "overload".
std::string_view name(proto::Gap::Cause cause);

// "removed", "not_expected", "invalid", "clock".
std::string_view name(proto::Reject::Cause cause);

// "http", "tls", "ping": the name of the field that is set in the oneof; empty for none or for a type this
// program does not know.
std::string_view type_name(const proto::Check& check);

}  // namespace parallax
