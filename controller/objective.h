// One promise of one service, with the checks that tell whether it is kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controller/rule_file.h"
#include "definitions/definitions.h"

namespace parallax {

// Over what time events are counted.
struct RateWindow {
  const char* name;  // as PromQL has it
  std::int64_t ms;
};

inline constexpr std::array<RateWindow, 7> kRateWindows = {{{"5m", 300'000},
                                                            {"30m", 1'800'000},
                                                            {"1h", 3'600'000},
                                                            {"2h", 7'200'000},
                                                            {"6h", 21'600'000},
                                                            {"1d", 86'400'000},
                                                            {"3d", 259'200'000}}};

// The first of them that is at least `ms` long; the last where none is.
const RateWindow& window_of_at_least(std::int64_t ms);

// The window in which a check that runs `every_ms` is looked at where `window` was asked for: one in which it runs
// at least twice.
const RateWindow& window_for(std::int64_t every_ms, const RateWindow& window);

enum class Promise { availability, latency };

struct Objective {
  Promise promise{};
  std::string service;
  std::string title;                        // of the service, for people; its name where it has none
  std::string id;                           // "shop-api-availability"
  double per_cent = 0;                      // that must be good
  std::int64_t latency_ms = 0;              // of a latency objective
  std::vector<const DefinedCheck*> checks;  // those that tell, in byte order of their names; never empty

  bool is_latency() const { return promise == Promise::latency; }
  const char* name() const { return is_latency() ? "latency" : "availability"; }
  // What may fail, as a ratio, and written so that 0.1 % is "0.001".
  double budget() const { return (100 - per_cent) / 100; }
  std::string budget_text() const;
  // What every rule of it bears; promtool wants rules of one name to differ in the labels they set.
  RuleLabels labels() const;
};

// The objectives of a set, in byte order of service and promise. They point into `definitions`.
std::vector<Objective> objectives_of(const Definitions& definitions);

// The labels that select series of these checks: service="shop-api",check=~"edge|health"
std::string selector(const std::string& service, const std::vector<std::string>& checks);

// The names of an objective's checks, and the same by how often they run.
std::vector<std::string> check_names(const Objective& objective);
std::map<std::int64_t, std::vector<std::string>> checks_by_interval(const Objective& objective);

}  // namespace parallax
