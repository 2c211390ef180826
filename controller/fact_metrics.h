// Which metrics the facts of a check type have: read from the options in proto/result.proto and
// proto/definition.proto, so that nothing here knows a type by name.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/options.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// One metric of one field.
struct FactMetric {
  const google::protobuf::FieldDescriptor* field = nullptr;
  const proto::Metric* metric = nullptr;
};

// The metrics of a list of messages, like the certificates that were sent.
struct ListMetrics {
  const google::protobuf::FieldDescriptor* field = nullptr;
  const proto::Metric* info = nullptr;  // 1 with labels from the first element; null for none
  std::vector<std::pair<std::string, const google::protobuf::FieldDescriptor*>> labels;  // those labels
  std::vector<FactMetric> of_element;  // one sample an element; their `label` is its position
};

// The metrics of one message of facts, in order of its fields.
struct FactMetrics {
  std::vector<FactMetric> all;  // of plain fields and lists of numbers
  std::vector<ListMetrics> lists;
  const google::protobuf::FieldDescriptor* answer = nullptr;  // set when the target answered; null: no such fact
};

// Of one check type. Everything it points to lives as long as the program.
struct TypeMetrics {
  FactMetrics shared;  // of Facts itself: address, protocol
  const google::protobuf::FieldDescriptor* own_field =
      nullptr;  // its field in Facts; null for a type without facts
  FactMetrics own;
  // Facts that the type has beside its own: an http check with a `tls` table gives TLS facts.
  std::vector<std::pair<const google::protobuf::FieldDescriptor*, FactMetrics>> beside;
  const proto::PhasesMetric* phases = nullptr;  // null: no family of phases
};

// `type` is the name of a field in the oneof of proto::Check; one that is not known has only the shared ones.
const TypeMetrics& metrics_of_type(std::string_view type);

// The seconds a run spent in a phase; none where it was not entered.
std::optional<double> phase_seconds(const proto::RunResult& run, std::string_view phase);

// The same for the type's own series: of a phase that may be absent, the time until the run died in it measures
// nothing. Requires: type.phases.
std::optional<double> measured_phase_seconds(const TypeMetrics& type, const proto::RunResult& run,
                                             std::string_view phase);

// What probe_duration_seconds says of a run: its time, or for a type that says so (ping) the sum of its phases if
// it got to the last one.
double probe_duration_seconds(const TypeMetrics& type, const proto::RunResult& run);

// Whether the field was filled in: for a field without presence, whether it differs from its default.
bool has_value(const google::protobuf::Message& facts, const google::protobuf::FieldDescriptor& field);

// The value of a field as a number: true is 1, text that is no number is 0. Requires: the field is not repeated.
double number_of(const google::protobuf::Message& facts, const google::protobuf::FieldDescriptor& field);

// The value of a field as a label: text as it is, several joined by commas, a number as an integer.
std::string text_of(const google::protobuf::Message& facts, const google::protobuf::FieldDescriptor& field);

}  // namespace parallax
