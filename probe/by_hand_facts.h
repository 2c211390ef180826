// The facts of a run, in words: what a table shows below it.
#pragma once

#include <string>
#include <vector>

#include "proto/result.pb.h"

namespace parallax {

// A line; one without a label goes on with what the line before is about.
struct FactLine {
  std::string label;  // "address", "http", "chain 0"; at most kLabelWidth wide
  std::string text;
};
inline constexpr std::size_t kLabelWidth = 10;

// Addresses, HTTP, TLS with every certificate that was sent, pings: what there is of it, in this order;
// certificates not `all` the time, but where one is why the run failed. "Left" is as of the run. Nothing a target
// sent is in it as a control character.
std::vector<FactLine> fact_lines(const proto::RunResult& result, bool all);

// "57 days left (2026-03-29T10:00:00Z)", "expired 2 days ago (...)", at `now` (both Unix time).
std::string time_left(double until, double now);

}  // namespace parallax
