// The findings of `parallax-probe doctor`, for people and for programs.
#pragma once

#include <string>
#include <vector>

#include "probe/doctor_findings.h"
#include "probe/terminal.h"

namespace parallax {

// A table 80 columns wide; only a remedy may be longer, for it stays in one piece. Nothing that a certificate says
// reaches the terminal as a control character.
//
//   STATE    CHECK        FOUND
//   trouble  icmp-ipv4    no ping can be sent: net.ipv4.ping_group_range is "1 0", which ...
//            mend:        sysctl -w net.ipv4.ping_group_range="0 2147483647"
std::string doctor_table(const std::vector<Finding>& findings, const TableStyle& style);

// {"checks": [{"name", "state", "detail", "remedy"}]}; remedy is null where there is nothing to mend.
std::string doctor_json(const std::vector<Finding>& findings);

}  // namespace parallax
