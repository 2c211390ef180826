// The Prometheus rules that follow from what services promise: `parallax-controller rules`.
//
// A service with  objective = { availability = 99.9, latency = "300ms" }  has two objectives (SLOs): that many per
// cent of its time slots are up over 30 days, and as many per cent of its answers come within 300 ms. What may
// fail is its budget, here 0.1 %; how many times faster than evenly over the 30 days it is being spent is the burn
// rate.
//
// The records bear sloth's names (https://sloth.dev), so that dashboards made for it work:
//   slo:sli_error:ratio_rate5m 30m 1h 2h 6h 1d 3d 30d    share of slots or answers that failed, of those known
//   slo:objective:ratio, slo:error_budget:ratio, slo:time_period:days, sloth_slo_info
//   slo:current_burn_rate:ratio, slo:period_burn_rate:ratio, slo:period_error_budget_remaining:ratio
// and one of our own, slo:period_known:ratio: how much of the 30 days they rest on. The budget is 43 minutes in 30
// days, not 0.1 % of what is known by now: of a service that is an hour old one bad minute leaves 98 %. All are
// sloth_id, sloth_service, sloth_slo, of the first kind sloth_window, and our own label service.
//
// Availability: a service is down when one of its checks that count is, so its error is that of its worst check,
// and like its verdict it is not known unless every one of them is known or one is down. Over 30 days it is the
// mean of the 5-minute errors: failures of different checks at different times add up. Latency: of the runs of its
// http checks that count, those of all locations taken together. Runs that went down are the availability's.
// Alerts look at fresh runs only; the 30 days count late ones, too. What is not known is absent: neither an error
// nor a success.
//
// Alerts follow the Google SRE workbook, chapter 5: each looks at a long window, so that it is worth it, and at a
// short one, so that it ends when the trouble does. Ours also wants that much of the budget to be really gone, and
// two failures at least: a window that is mostly unknown, or younger than it is long, makes one failure look
// large.
#pragma once

#include <vector>

#include "controller/rule_file.h"
#include "definitions/definitions.h"

namespace parallax {

// Two groups an objective, in byte order of the service's name. Services without an objective, and those whose
// checks that count are all disabled, have none.
std::vector<RuleGroup> objective_rules(const Definitions& definitions);

}  // namespace parallax
