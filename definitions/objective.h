// What a service promises, and whether that can be kept and measured.
#pragma once

#include "base/problem.h"
#include "definitions/service_file.h"

namespace parallax {

// Reports an objective that cannot be: one that leaves no budget, or that no check of the service can tell.
// `table` is the table [service]. Requires: the checks of `service` are read.
void check_objective(const ServiceFile& service, const TomlValue& table, Problems& problems);

// Whether the check speaks for the service's objective: it is enabled, and it being down makes its service down.
bool speaks_for_objective(const proto::Check& check);

}  // namespace parallax
