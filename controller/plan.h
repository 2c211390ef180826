// Which probe runs which checks: a pure function of the definitions and of the probes that are there.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/identity.h"
#include "definitions/definitions.h"
#include "proto/fleet.pb.h"

namespace parallax {

// One check for one probe: it points into the definitions. A fleet is planned anew with each probe that comes or
// goes, so a plan copies nothing.
struct PlannedCheck {
  const DefinedCheck* defined = nullptr;
  std::uint32_t location_index = 0;  // k of the slot grid

  bool operator==(const PlannedCheck&) const = default;
};

// The checks of each probe in order of definition; a probe without checks has an empty list.
using Plan = std::map<Identity, std::vector<PlannedCheck>>;

// As it is sent. Its number is left 0: that belongs to a session. It shows the check of the definitions and does
// not own it. Requires: `assigned` lies in an arena, and the definitions outlive it.
void show_check(const PlannedCheck& planned, proto::AssignedCheck& assigned);

// The probe that runs a check at a location which several serve: the one with the highest hash of (probe, check),
// so that a probe that comes or goes moves only its own share (rendezvous hashing). Null when there is none.
const Identity* probe_for(const std::string& check_id, const std::string& location,
                          const std::set<Identity>& probes);

// Each enabled check, at each of its locations, goes to exactly one of the `connected` probes there. The
// definitions outlive the plan.
Plan make_plan(const Definitions& definitions, const std::set<Identity>& connected);

}  // namespace parallax
