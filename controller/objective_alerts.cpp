#include "controller/objective_alerts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/notation.h"

namespace parallax {
namespace {

constexpr const char* kRunbooks = "https://github.com/parallax-monitoring/parallax/blob/main/docs/runbooks/";
constexpr std::int64_t kPeriodMs = 30 * 86'400'000LL;

// The budget burns so many times too fast in both windows.
struct Burn {
  const char* rate;
  double times;
  RateWindow over;
  const char* lately;
};

constexpr Burn kFast[] = {{"14.4", 14.4, kRateWindows[2], "5m"}, {"6", 6, kRateWindows[4], "30m"}};
constexpr Burn kSlow[] = {{"3", 3, kRateWindows[5], "2h"}, {"1", 1, kRateWindows[6], "6h"}};

// A quarter of an hour in which nothing is known ends no alert: nobody saw the trouble end.
std::string error_in(const Objective& objective, std::string_view window) {
  const std::string error = fmt::format("slo:sli_error:ratio_rate{}{{sloth_id=\"{}\"}}", window, objective.id);
  return window == "5m" ? fmt::format("last_over_time({}[15m])", error) : error;
}

// So many failures of events that come at `per_ms` are worth the alert.
double worth(const Objective& objective, const Burn& burn, double per_ms) {
  const double events = per_ms * static_cast<double>(burn.over.ms);
  return std::max(2.0, std::ceil(burn.times * objective.budget() * events - 1e-9));
}

// increase() estimates: half a failure less than is worth it.
std::string slots_spent(const Objective& objective, const Burn& burn) {
  std::string text;
  for (const auto& [every_ms, names] : checks_by_interval(objective)) {
    if (!text.empty()) text += "\n  or\n";
    text +=
        fmt::format("    sum by (service, check) (increase(parallax_slots_total{{{},result=\"down\"}}[{}])) > {}",
                    selector(objective.service, names), burn.over.name,
                    worth(objective, burn, 1 / static_cast<double>(every_ms)) - 0.5);
  }
  return text;
}

std::string runs_spent(const Objective& objective, const Burn& burn) {
  double per_ms = 0;
  for (const DefinedCheck* defined : objective.checks)
    per_ms += static_cast<double>(defined->locations.size()) / static_cast<double>(defined->check.every_ms());
  return fmt::format(
      "    sum by (service) (increase(parallax_objective_runs_total{{{},result=\"slow\",arrival=\"fresh\"}}[{}])) "
      "> "
      "{}",
      selector(objective.service, check_names(objective)), burn.over.name, worth(objective, burn, per_ms) - 0.5);
}

std::string burning(const Objective& objective, const Burn& burn) {
  const std::string threshold = fmt::format("{} * {}", burn.rate, objective.budget_text());
  return fmt::format(
      "  max without (sloth_window) ({} > {})\n"
      "and\n"
      "  max without (sloth_window) ({} > {})\n"
      "and on (service) (\n{}\n  )",
      error_in(objective, burn.over.name), threshold, error_in(objective, burn.lately), threshold,
      objective.is_latency() ? runs_spent(objective, burn) : slots_spent(objective, burn));
}

// What users wrote, in an annotation, which is a template.
std::string without_template(std::string text) {
  for (std::size_t at = 0; (at = text.find("{{", at)) != std::string::npos; at += 10)
    text.replace(at, 2, "{{ \"{{\" }}");
  return text;
}

std::string promised(const Objective& objective) {
  if (objective.is_latency())
    return fmt::format("{} % of the answers within {} over 30 days, so that {:.3g} of 1000 may be slower",
                       objective.per_cent, duration_text(objective.latency_ms), objective.budget() * 1000);
  const auto minutes = std::llround(objective.budget() * static_cast<double>(kPeriodMs) / 60'000);
  return fmt::format(
      "{} % of the time slots up over 30 days, so that it may be down for {}", objective.per_cent,
      minutes >= 60 ? fmt::format("{} h {} min", minutes / 60, minutes % 60) : fmt::format("{} min", minutes));
}

// The sentence on where most of the trouble is.
std::string worst(const Objective& objective, const char* window) {
  if (!objective.is_latency())
    return fmt::format(
        "{{{{ with query \"topk(1, check:slot_errors:ratio_rate{}{{service='{}'}} > 0)\" }}}} Worst check: "
        "{{{{ . | first | label \"check\" }}}}, down in {{{{ . | first | value | humanizePercentage }}}} of its "
        "slots "
        "of the last {}.{{{{ end }}}}",
        window, objective.service, window);
  const std::string runs =
      fmt::format("sum by (check, location) (rate(parallax_objective_runs_total{{service='{}'", objective.service);
  return fmt::format(
      "{{{{ with query \"topk(1, {},result='slow'}}[{}])) / {}}}[{}])) > 0)\" }}}} Slowest: {{{{ . | first | "
      "label "
      "\"check\" }}}} from {{{{ . | first | label \"location\" }}}}, {{{{ . | first | value | humanizePercentage "
      "}}}} "
      "of its answers of the last {}.{{{{ end }}}}",
      runs, window, runs, window, window);
}

RuleLabels annotations(const Objective& objective, const char* alert, const char* window) {
  const std::string title = without_template(objective.title);
  const std::string description = fmt::format(
      "Promised: {}. At this rate all of it is gone in {{{{ with printf \"2592000 / %f\" $value | query }}}}"
      "{{{{ . | first | value | humanizeDuration }}}}{{{{ end }}}}; left of it now: "
      "{{{{ with query \"slo:period_error_budget_remaining:ratio{{sloth_id='{}'}}\" }}}}"
      "{{{{ . | first | value | humanizePercentage }}}}{{{{ else }}}}not known{{{{ end }}}}.{}",
      promised(objective), objective.id, worst(objective, window));
  return {
      {"summary", fmt::format("{} burns its {} objective of {} % {{{{ printf \"%.1f\" $value }}}} times too fast",
                              title, objective.name(), objective.per_cent)},
      {"description", description},
      {"runbook_url", fmt::format("{}{}.md", kRunbooks, alert)}};
}

// The value is the burn rate over the long window.
Rule alert(const Objective& objective, const char* name, const char* severity, const Burn (&burns)[2]) {
  Rule rule;
  rule.alert = name;
  rule.expression = fmt::format("(\n{}\nor\n{}\n) / {}", burning(objective, burns[0]),
                                burning(objective, burns[1]), objective.budget_text());
  rule.labels = with_label(objective.labels(), "severity", severity);
  rule.annotations = annotations(objective, name, burns[0].over.name);
  return rule;
}

}  // namespace

std::vector<Rule> objective_alerts(const Objective& objective) {
  return {alert(objective, "ObjectiveBurningFast", "critical", kFast),
          alert(objective, "ObjectiveBurningSlow", "warning", kSlow)};
}

}  // namespace parallax
