// Whether a check and a service are up, seen over several locations.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace parallax {

// What the expected locations of one check say.
struct Votes {
  std::uint32_t expected = 0;  // locations the check is meant to run at
  std::uint32_t measured = 0;  // of them: fresh data that is not unknown
  std::uint32_t up = 0;        // of these: up or degraded
};

// None where too few locations measured (fewer than floor(n/2)+1; for "any" none at all): no data is never up and
// never down. Otherwise up when enough of those that measured see it up: one ("any"), floor(m/2)+1 ("majority"),
// all of them ("all"), or min(k, m) for a number k.
std::optional<bool> verdict(std::string_view up_when, const Votes& votes);

// Of the checks that count: false if one is down, else none if one has no verdict (or there is no such check),
// else true.
std::optional<bool> service_verdict(std::span<const std::optional<bool>> checks_that_count);

}  // namespace parallax
