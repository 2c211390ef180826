#include "controller/objective_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/objective.h"
#include "controller/objective_alerts.h"

namespace parallax {
namespace {

// Windows of a day and more read much and move little.
constexpr std::int64_t kDay = 86'400'000;
constexpr const char* kDaysInterval = "2m";

Rule record(std::string name, std::string expression, RuleLabels labels = {}) {
  Rule rule;
  rule.record = std::move(name);
  rule.expression = std::move(expression);
  rule.labels = std::move(labels);
  return rule;
}

Rule record_error(const Objective& objective, const char* window, std::string expression) {
  return record(fmt::format("slo:sli_error:ratio_rate{}", window), std::move(expression),
                with_label(objective.labels(), "sloth_window", window));
}

// Availability.

// Of each check the share of its slots that were down, of those with a verdict.
Rule record_check_errors(const Objective& objective, const RateWindow& window) {
  const std::string slots =
      "sum by (service, check) (rate(parallax_slots_total{" + selector(objective.service, check_names(objective));
  return record(fmt::format("check:slot_errors:ratio_rate{}", window.name),
                fmt::format("{},result=\"down\"}}[{}]))\n/\n({},result=~\"up|down\"}}[{}])) > 0)", slots,
                            window.name, slots, window.name),
                {{"service", objective.service}});
}

// The errors of all checks of a service, each in a window in which it runs at least twice.
std::string check_errors(const Objective& objective, const RateWindow& window) {
  std::map<std::int64_t, std::pair<const RateWindow*, std::vector<std::string>>> by_window;
  for (const auto& [every_ms, names] : checks_by_interval(objective)) {
    const RateWindow& looked_at = window_for(every_ms, window);
    auto& [of, all] = by_window[looked_at.ms];
    of = &looked_at;
    all.insert(all.end(), names.begin(), names.end());
  }
  if (by_window.size() == 1)
    return fmt::format("check:slot_errors:ratio_rate{}{{service=\"{}\"}}", by_window.begin()->second.first->name,
                       objective.service);
  std::string text;
  for (auto& [ms, checks] : by_window) {
    std::ranges::sort(checks.second);
    text += fmt::format("{}check:slot_errors:ratio_rate{}{{{}}}", text.empty() ? "" : " or ", checks.first->name,
                        selector(objective.service, checks.second));
  }
  return text;
}

Rule record_availability_error(const Objective& objective, const RateWindow& window) {
  const std::string errors = check_errors(objective, window);
  std::string expression = fmt::format("max by (service) ({})", errors);
  if (objective.checks.size() > 1)
    expression += fmt::format("\nand\n(count by (service) ({}) == {} or max by (service) ({}) > 0)", errors,
                              objective.checks.size(), errors);
  return record_error(objective, window.name, std::move(expression));
}

// Latency.

std::string run_rates(const Objective& objective, const char* by, const char* more, const RateWindow& window) {
  return fmt::format("sum by ({}) (rate(parallax_objective_runs_total{{{}{}}}[{}]))", by,
                     selector(objective.service, check_names(objective)), more, window.name);
}

Rule record_latency_error(const Objective& objective, const RateWindow& window) {
  const RateWindow& looked_at = window_for(checks_by_interval(objective).begin()->first, window);
  return record_error(objective, window.name,
                      fmt::format("{}\n/\n({} > 0)",
                                  run_rates(objective, "service", ",result=\"slow\",arrival=\"fresh\"", looked_at),
                                  run_rates(objective, "service", ",arrival=\"fresh\"", looked_at)));
}

// Over the whole period: from what was recorded every 5 minutes, as the raw series would be too much to read.

Rule record_runs(const Objective& objective) {
  const RateWindow& looked_at = window_for(checks_by_interval(objective).begin()->first, kRateWindows.front());
  return record("service:objective_runs:rate5m", run_rates(objective, "service, result", "", looked_at),
                {{"service", objective.service}});
}

Rule record_period_error(const Objective& objective) {
  if (!objective.is_latency())
    return record_error(
        objective, "30d",
        fmt::format("avg_over_time(slo:sli_error:ratio_rate5m{{sloth_id=\"{}\"}}[30d])", objective.id));
  const std::string runs = fmt::format(
      "sum by (service) (sum_over_time(service:objective_runs:rate5m{{service=\"{}\"", objective.service);
  return record_error(objective, "30d",
                      fmt::format("{},result=\"slow\"}}[30d]))\n/\n({}}}[30d])) > 0)", runs, runs));
}

// How much of the 30 days the figures rest on, looked at every 5 minutes.
Rule record_known_share(const Objective& objective) {
  return record(
      "slo:period_known:ratio",
      fmt::format("sum without (sloth_window) (count_over_time(slo:sli_error:ratio_rate5m{{sloth_id=\"{}\"}}"
                  "[30d:5m])) / 8640",
                  objective.id),
      objective.labels());
}

// What is not measured, and what follows from both.
void add_description(const Objective& objective, std::vector<Rule>& rules) {
  const RuleLabels labels = objective.labels();
  const auto error = [&](const char* window) {
    return fmt::format("sum without (sloth_window) (slo:sli_error:ratio_rate{}{{sloth_id=\"{}\"}})", window,
                       objective.id);
  };
  const std::string budget = objective.budget_text();
  RuleLabels about = with_label(labels, "sloth_mode", "parallax-controller");
  about = with_label(std::move(about), "sloth_objective", fmt::format("{}", objective.per_cent));
  rules.push_back(record("sloth_slo_info", "vector(1)", std::move(about)));
  rules.push_back(record("slo:objective:ratio", fmt::format("vector({:.10g})", objective.per_cent / 100), labels));
  rules.push_back(record("slo:error_budget:ratio", fmt::format("vector({})", budget), labels));
  rules.push_back(record("slo:time_period:days", "vector(30)", labels));
  rules.push_back(record("slo:current_burn_rate:ratio", fmt::format("{} / {}", error("5m"), budget), labels));
  rules.push_back(record("slo:period_burn_rate:ratio", fmt::format("{} / {}", error("30d"), budget), labels));
  rules.push_back(record("slo:period_error_budget_remaining:ratio",
                         fmt::format("1 - slo:period_burn_rate:ratio{{{0}}} * slo:period_known:ratio{{{0}}}",
                                     "sloth_id=\"" + objective.id + "\""),
                         labels));
}

void add_errors(const Objective& objective, bool of_days, std::vector<Rule>& rules) {
  std::vector<RateWindow> windows;
  for (const RateWindow& window : kRateWindows)
    if ((window.ms >= kDay) == of_days) windows.push_back(window);
  if (objective.is_latency()) {
    for (const RateWindow& window : windows) rules.push_back(record_latency_error(objective, window));
    return;
  }
  for (const RateWindow& window : windows) rules.push_back(record_check_errors(objective, window));
  for (const RateWindow& window : windows) rules.push_back(record_availability_error(objective, window));
}

}  // namespace

std::vector<RuleGroup> objective_rules(const Definitions& definitions) {
  std::vector<RuleGroup> groups;
  for (const Objective& objective : objectives_of(definitions)) {
    RuleGroup days{"objective-" + objective.id + "-days", kDaysInterval, {}};
    add_errors(objective, true, days.rules);
    days.rules.push_back(record_period_error(objective));
    days.rules.push_back(record_known_share(objective));

    RuleGroup group{"objective-" + objective.id, "", {}};
    add_errors(objective, false, group.rules);
    if (objective.is_latency()) group.rules.push_back(record_runs(objective));
    add_description(objective, group.rules);
    for (Rule& alert : objective_alerts(objective)) group.rules.push_back(std::move(alert));
    groups.push_back(std::move(days));
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace parallax
