// The two alerts of an objective: ObjectiveBurningFast pages, ObjectiveBurningSlow writes a ticket.
#pragma once

#include <vector>

#include "controller/objective.h"
#include "controller/rule_file.h"

namespace parallax {

std::vector<Rule> objective_alerts(const Objective& objective);

}  // namespace parallax
