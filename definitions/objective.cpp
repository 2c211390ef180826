#include "definitions/objective.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/notation.h"

namespace parallax {
namespace {

// ObjectiveBurningFast pages from a burn rate of 6 on. A service that is down altogether errs by 1, which is a
// burn rate of 1 / budget: below this availability that never gets to 6.
constexpr double kLeastThatCanPage = 100.0 - 100.0 / 6;

// Reports at one key of the objective.
class Judge {
 public:
  Judge(const ServiceFile& service, const TomlEntry& written, Problems& problems)
      : service_(service), written_(written), problems_(problems) {}

  void judge() {
    const proto::Objective& objective = service_.service.objective();
    const bool has_availability = has("availability");
    const bool has_latency = has("latency");
    if (written_.value.table.empty())
      return report("", "the objective promises nothing; expected availability, like { availability = 99.9 }");
    if (!has_availability && has_latency)
      return report(
          "latency",
          "\"latency\" without \"availability\", which says how many per cent of the runs must be faster");
    if (objective.has_availability()) judge_availability(objective.availability());
    judge_checks(has_latency);
    if (objective.has_latency_ms()) judge_latency(objective.latency_ms());
  }

 private:
  // Whether the key is written, be its value good or refused already.
  bool has(std::string_view key) const { return written_.value.find(key) != nullptr; }

  void judge_availability(double availability) {
    if (availability >= 100)
      return report(
          "availability",
          "\"availability\" is 100, which leaves no budget for a single failure; expected less, like 99.9");
    if (availability <= 0)
      return report("availability", "\"availability\" is 0, which promises nothing; expected more, like 99.9");
    if (availability < kLeastThatCanPage)
      report(
          "availability",
          fmt::format("\"availability\" is {} per cent, so little that even an outage of everything pages nobody "
                      "(ObjectiveBurningFast); expected at least 83.4, like 99.9",
                      availability),
          true);
  }

  void judge_checks(bool has_latency) {
    if (service_.checks.empty()) return;  // told by the reader of the file
    const auto counts = [](const WrittenCheck& written) { return written.check.counts(); };
    const auto is_timed = [&](const WrittenCheck& written) { return written.check.has_http() && counts(written); };
    if (std::none_of(service_.checks.begin(), service_.checks.end(), counts))
      return report("availability",
                    "\"availability\" is judged by the checks that count, and none of this service does");
    if (has_latency && std::none_of(service_.checks.begin(), service_.checks.end(), is_timed))
      report("latency", "\"latency\" is judged by the http checks that count, and this service has none");
  }

  void judge_latency(std::int64_t latency_ms) {
    std::int64_t longest = 0;
    for (const WrittenCheck& written : service_.checks)
      if (written.check.has_http()) longest = std::max(longest, written.check.timeout_ms());
    if (longest > 0 && latency_ms >= longest)
      report("latency",
             fmt::format("\"latency\" is {}, and no run is up that takes longer: the longest \"timeout\" of its "
                         "http checks is {}",
                         duration_text(latency_ms), duration_text(longest)),
             true);
  }

  void report(std::string_view key, std::string text, bool is_warning = false) {
    const TomlEntry* entry = written_.value.find(key);
    const Place place = entry == nullptr ? written_.value.place : entry->value.place;
    problems_.push_back({service_.file, place.line, place.column, std::move(text), is_warning});
  }

  const ServiceFile& service_;
  const TomlEntry& written_;
  Problems& problems_;
};

}  // namespace

void check_objective(const ServiceFile& service, const TomlValue& table, Problems& problems) {
  const TomlEntry* written = table.find("objective");
  if (written == nullptr || written->value.kind != TomlValue::Kind::table) return;  // the schema told
  Judge(service, *written, problems).judge();
}

bool speaks_for_objective(const proto::Check& check) { return check.enabled() && check.counts(); }

}  // namespace parallax
