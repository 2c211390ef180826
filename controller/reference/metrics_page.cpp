// docs/metrics.md: every family of /metrics. Those of facts are read from the options of proto/result.proto, the
// others from own_families.h.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

#include "controller/fact_metrics.h"
#include "controller/own_families.h"
#include "controller/reference/key_table.h"
#include "controller/reference/reference.h"
#include "proto/definition.pb.h"
#include "proto/fleet.pb.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

constexpr std::string_view kHead = R"(# Metrics

<!-- Generated from proto/ and controller/own_families.h by `parallax-controller reference`; see CONTRIBUTING.md. -->

What the controller's `/metrics` carries, in text 0.0.4 and OpenMetrics 1.0. `probe_*` are the names, types, labels and absence rules
of blackbox_exporter and of Grafana's synthetic monitoring; `parallax_*` are our own; `process_*` are the conventions'. How they
are used: [monitoring](monitoring.md).

- Scrape with `honor_labels: true`. `instance` is the target as it is written in the definition, empty where there is none.
- A gauge of the newest run is absent when that run is *unknown* or not *fresh*: 2 x every + timeout + 5 s after its slot.
  No data is never up and never down: `parallax_check_state{state="no_data"}` is 1 then.
- Counters with a closed set of labels are there at 0 from the check's first appearance. A changed definition keeps them.
- A family of type info is a gauge in text 0.0.4, always 1, and joined with `group_left`. The series of a removed check go.

The last column tells when a series is absent, or not what it seems.
)";

constexpr std::string_view kColumns = "| name | type | labels | meaning | absent |\n|---|---|---|---|---|\n";

std::string_view type_word(MetricKind kind) {
  switch (kind) {
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::counter:
      return "counter";
    case MetricKind::histogram:
      return "histogram";
    case MetricKind::summary:
      return "summary";
    case MetricKind::info:
      break;
  }
  return "info";
}

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

std::string sentence(std::string_view text) { return fmt::format("{}{}", text, text.ends_with('.') ? "" : "."); }

// What stands above the rows: the labels that each of them has.
void append_heading(std::string& page, std::string_view heading, Subject subject) {
  page += fmt::format("\n## {}\n\n", heading);
  if (!labels_of(subject).empty()) page += fmt::format("Labels of each: {}.\n\n", code(labels_of(subject)));
  page += kColumns;
}

// The families of one subject.
void append_own(std::string& page, Subject subject, std::string_view heading) {
  append_heading(page, heading, subject);
  for (const OwnFamily& family : kOwnFamilies) {
    if (family.subject != subject) continue;
    append_row(page, {code(family.name), std::string(type_word(family.kind)), code(family.labels),
                      sentence(family.help), std::string(family.absent)});
  }
}

// Facts.

std::string_view type_word(const proto::Metric& metric) {
  switch (metric.kind()) {
    case proto::Metric::SUM:
    case proto::Metric::COUNT_BY:
      return "counter";
    case proto::Metric::HISTOGRAM:
      return "histogram";
    default:
      return "gauge";
  }
}

std::string labels_of(const proto::Metric& metric) {
  if (metric.has_fixed()) return fmt::format("{}={}", metric.fixed().name(), metric.fixed().value());
  return metric.label();
}

std::string absence_of(const proto::Metric& metric) {
  switch (metric.kind()) {
    case proto::Metric::SUM:
    case proto::Metric::HISTOGRAM:
      return "Never: at 0 from the check's first appearance.";
    case proto::Metric::COUNT_BY: {
      std::string text = "Each series until its first use.";
      if (metric.most() > 0) text += fmt::format(" Beyond {} different values `other`.", metric.most());
      if (metric.has_min() && metric.has_max())
        text += fmt::format(" Outside {} to {} `other`.", metric.min(), metric.max());
      return text;
    }
    default:
      break;
  }
  if (!metric.has_when_unset()) return "When the run did not tell.";
  if (metric.when_unset() == 0) return "0 when the run went down before it could tell, or did not tell.";
  return fmt::format("0 when the run went down before an answer, {} when the answer did not tell.",
                     metric.when_unset());
}

void append_metric(std::string& page, const proto::Metric& metric, const std::string& labels) {
  std::string meaning = sentence(metric.help());
  if (metric.bucket_size() > 0) meaning += fmt::format(" Buckets: {}.", fmt::join(metric.bucket(), ", "));
  append_row(page,
             {code(metric.name()), std::string(type_word(metric)), code(labels), meaning, absence_of(metric)});
}

void append_list(std::string& page, const ListMetrics& list) {
  std::string labels;
  for (const auto& [label, field] : list.labels) labels += (labels.empty() ? "" : " ") + label;
  if (list.info != nullptr) append_metric(page, *list.info, labels);
  for (const FactMetric& metric : list.of_element) append_metric(page, *metric.metric, labels_of(*metric.metric));
}

void append_facts(std::string& page, const FactMetrics& facts) {
  for (const FactMetric& metric : facts.all) append_metric(page, *metric.metric, labels_of(*metric.metric));
  for (const ListMetrics& list : facts.lists) append_list(page, list);
}

void append_phases(std::string& page, const proto::PhasesMetric& phases) {
  std::string absent = "0 for a phase that the run did not get to";
  if (phases.absent_size() > 0) absent += fmt::format("; {} is absent then", fmt::join(phases.absent(), ", "));
  append_row(page, {code(phases.name()), "gauge", code(fmt::format("phase={}", fmt::join(phases.phase(), "|"))),
                    sentence(phases.help()), absent + "."});
}

bool has_beside(const TypeMetrics& type, const FieldDescriptor* facts) {
  for (const auto& [field, metrics] : type.beside)
    if (field == facts) return true;
  return false;
}

// The facts of one check type, and which other types have them beside their own.
void append_type(std::string& page, const FieldDescriptor& type) {
  const TypeMetrics& metrics = metrics_of_type(type.name());
  std::string heading = fmt::format("Of {} checks", type.name());
  for (int i = 0; i < type.containing_oneof()->field_count(); ++i) {
    const std::string& other = type.containing_oneof()->field(i)->name();
    if (has_beside(metrics_of_type(other), metrics.own_field))
      heading += fmt::format(", and of {} checks where they have them", other);
  }
  append_heading(page, heading, Subject::place);
  if (metrics.phases != nullptr) append_phases(page, *metrics.phases);
  append_facts(page, metrics.own);
}

void append_causes(std::string& page, const EnumDescriptor& type, std::string_view heading) {
  page += fmt::format("\n### {}\n\n| cause | meaning |\n|---|---|\n", heading);
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    std::string word = type.value(i)->name();
    for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    append_row(page, {code(word), type.value(i)->options().GetExtension(proto::meaning).doc()});
  }
}

}  // namespace

std::string metrics_page() {
  std::string page(kHead);
  append_own(page, Subject::place, "Of a check at a location");
  append_heading(page, "Of every run, whatever its type", Subject::place);
  append_facts(page, metrics_of_type("").shared);
  append_causes(page, *proto::Gap::Cause_descriptor(), "Causes of missed runs");
  append_causes(page, *proto::Reject::Cause_descriptor(), "Causes of rejected results");
  page += "\nReasons of `parallax_failures_total`: [checks](checks.md#reasons).\n";
  const auto& types = *proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < types.field_count(); ++i) append_type(page, *types.field(i));
  append_own(page, Subject::check, "Of a check over its locations");
  append_own(page, Subject::service, "Of a service");
  append_own(page, Subject::location, "Of a location");
  append_own(page, Subject::probe, "Of a probe");
  append_own(page, Subject::controller, "Of the controller");
  return page;
}

}  // namespace parallax
