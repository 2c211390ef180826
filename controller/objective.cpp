#include "controller/objective.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "definitions/objective.h"

namespace parallax {
namespace {

std::vector<const DefinedCheck*> checks_that_tell(const Definitions& definitions, const std::string& service,
                                                  Promise promise) {
  std::vector<const DefinedCheck*> checks;
  for (const DefinedCheck& defined : definitions.checks) {
    const proto::Check& check = defined.check;
    const bool is_timed = promise == Promise::availability || check.has_http();
    if (check.service() == service && speaks_for_objective(check) && is_timed) checks.push_back(&defined);
  }
  std::ranges::sort(checks, {}, [](const DefinedCheck* defined) { return defined->check.name(); });
  return checks;
}

void add(std::vector<Objective>& objectives, const Definitions& definitions, const proto::Service& service,
         Promise promise) {
  Objective objective;
  objective.promise = promise;
  objective.service = service.name();
  objective.title = service.title().empty() ? service.name() : service.title();
  objective.id = service.name() + "-" + objective.name();
  objective.per_cent = service.objective().availability();
  objective.latency_ms = service.objective().latency_ms();
  objective.checks = checks_that_tell(definitions, service.name(), promise);
  if (!objective.checks.empty()) objectives.push_back(std::move(objective));
}

}  // namespace

const RateWindow& window_of_at_least(std::int64_t ms) {
  const auto found = std::ranges::find_if(kRateWindows, [&](const RateWindow& w) { return w.ms >= ms; });
  return found == kRateWindows.end() ? kRateWindows.back() : *found;
}

const RateWindow& window_for(std::int64_t every_ms, const RateWindow& window) {
  return window_of_at_least(std::max(window.ms, 2 * every_ms));
}

std::string Objective::budget_text() const { return fmt::format("{:.10g}", budget()); }

RuleLabels Objective::labels() const {
  return {{"service", service}, {"sloth_id", id}, {"sloth_service", service}, {"sloth_slo", name()}};
}

std::vector<Objective> objectives_of(const Definitions& definitions) {
  std::vector<const proto::Service*> services;
  for (const proto::Service& service : definitions.services) services.push_back(&service);
  std::ranges::sort(services, {}, [](const proto::Service* service) { return service->name(); });
  std::vector<Objective> objectives;
  for (const proto::Service* service : services) {
    if (service->objective().has_availability()) add(objectives, definitions, *service, Promise::availability);
    if (service->objective().has_latency_ms()) add(objectives, definitions, *service, Promise::latency);
  }
  return objectives;
}

std::string selector(const std::string& service, const std::vector<std::string>& checks) {
  return fmt::format("service=\"{}\",check{}\"{}\"", service, checks.size() == 1 ? "=" : "=~",
                     fmt::join(checks, "|"));
}

std::vector<std::string> check_names(const Objective& objective) {
  std::vector<std::string> names;
  for (const DefinedCheck* defined : objective.checks) names.push_back(defined->check.name());
  return names;
}

std::map<std::int64_t, std::vector<std::string>> checks_by_interval(const Objective& objective) {
  std::map<std::int64_t, std::vector<std::string>> checks;
  for (const DefinedCheck* defined : objective.checks)
    checks[defined->check.every_ms()].push_back(defined->check.name());
  return checks;
}

}  // namespace parallax
