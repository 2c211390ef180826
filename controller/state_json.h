// What /api/v1/state says: every service, check and location as it is now, for programs and for people with curl.
#pragma once

#include <string>

#include "base/time.h"
#include "controller/fleet_book.h"
#include "controller/ledger.h"

namespace parallax {

// One JSON object, well-formed whatever targets sent. `up` is null where there is no verdict; `state` of a
// location is "no_data" when its newest run is no longer fresh or there was none.
std::string write_state_json(const Ledger& ledger, const FleetBook& fleet, WallTime now);

}  // namespace parallax
