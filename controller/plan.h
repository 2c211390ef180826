// Which probe runs which checks: a pure function of the definitions and of the probes that are there.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/identity.h"
#include "definitions/definitions.h"
#include "proto/fleet.pb.h"

namespace parallax {

// The checks of each probe in order of definition; a probe without checks has an empty list. Numbers are left 0:
// they belong to a session.
using Plan = std::map<Identity, std::vector<proto::AssignedCheck>>;

// The probe that runs a check at a location which several serve: the one with the highest hash of (probe, check),
// so that a probe that comes or goes moves only its own share (rendezvous hashing). Null when there is none.
const Identity* probe_for(const std::string& check_id, const std::string& location,
                          const std::set<Identity>& probes);

// Each enabled check, at each of its locations, goes to exactly one of the `connected` probes there.
Plan make_plan(const Definitions& definitions, const std::set<Identity>& connected);

}  // namespace parallax
