#include "controller/fact_metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string>

#include "proto/definition.pb.h"
#include "proto/names.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

bool is_message(const FieldDescriptor& field) { return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE; }

void append_metrics(std::vector<FactMetric>& metrics, const FieldDescriptor& field) {
  const auto& options = field.options();
  for (int i = 0; i < options.ExtensionSize(proto::metric); ++i)
    metrics.push_back({&field, &options.GetExtension(proto::metric, i)});
}

ListMetrics metrics_of_list(const FieldDescriptor& field) {
  ListMetrics list;
  list.field = &field;
  if (field.options().ExtensionSize(proto::metric) > 0)
    list.info = &field.options().GetExtension(proto::metric, 0);
  const Descriptor& element = *field.message_type();
  for (int i = 0; i < element.field_count(); ++i) {
    append_metrics(list.of_element, *element.field(i));
    const std::string& label = element.field(i)->options().GetExtension(proto::fact).label();
    if (!label.empty()) list.labels.emplace_back(label, element.field(i));
  }
  return list;
}

FactMetrics metrics_of_message(const Descriptor& type) {
  FactMetrics metrics;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (is_message(field)) {
      if (field.is_repeated()) metrics.lists.push_back(metrics_of_list(field));
      continue;
    }
    append_metrics(metrics.all, field);
    if (field.options().GetExtension(proto::fact).is_answer()) metrics.answer = &field;
  }
  return metrics;
}

TypeMetrics metrics_of_check_type(const FieldDescriptor& type) {
  const Descriptor& facts = *proto::Facts::descriptor();
  TypeMetrics metrics;
  metrics.shared = metrics_of_message(facts);
  metrics.own_field = facts.FindFieldByName(type.name());
  if (metrics.own_field != nullptr) metrics.own = metrics_of_message(*metrics.own_field->message_type());
  for (int i = 0; i < facts.field_count(); ++i) {
    const FieldDescriptor& field = *facts.field(i);
    if (!is_message(field) || &field == metrics.own_field) continue;
    if (type.message_type()->FindFieldByName(field.name()) == nullptr) continue;
    metrics.beside.emplace_back(&field, metrics_of_message(*field.message_type()));
  }
  if (type.message_type()->options().HasExtension(proto::phases))
    metrics.phases = &type.message_type()->options().GetExtension(proto::phases);
  return metrics;
}

std::map<std::string, TypeMetrics, std::less<>> metrics_of_all_types() {
  std::map<std::string, TypeMetrics, std::less<>> types;
  const auto& oneof = *proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < oneof.field_count(); ++i)
    types.emplace(oneof.field(i)->name(), metrics_of_check_type(*oneof.field(i)));
  return types;
}

// "1.1" as a number, like the version of HTTP; 0 for what is none.
double number_in(const std::string& text) {
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = read.ec == std::errc() && read.ptr == text.data() + text.size() && std::isfinite(number);
  return is_number ? number : 0;
}

}  // namespace

const TypeMetrics& metrics_of_type(std::string_view type) {
  static const auto types = metrics_of_all_types();
  static const TypeMetrics unknown_type{metrics_of_message(*proto::Facts::descriptor()), nullptr, {}, {}, nullptr};
  const auto found = types.find(type);
  return found == types.end() ? unknown_type : found->second;
}

std::optional<double> phase_seconds(const proto::RunResult& run, std::string_view phase) {
  for (const proto::PhaseTime& entered : run.phases())
    if (name(entered.phase()) == phase) return static_cast<double>(entered.nanoseconds()) / 1e9;
  return std::nullopt;
}

std::optional<double> measured_phase_seconds(const TypeMetrics& type, const proto::RunResult& run,
                                             std::string_view phase) {
  const auto& absent = type.phases->absent();
  const bool may_be_absent = std::find(absent.begin(), absent.end(), phase) != absent.end();
  if (may_be_absent && name(run.phase()) == phase) return std::nullopt;
  return phase_seconds(run, phase);
}

double probe_duration_seconds(const TypeMetrics& type, const proto::RunResult& run) {
  const double run_seconds = static_cast<double>(run.duration_ns()) / 1e9;
  if (type.phases == nullptr || !type.phases->sum_is_duration()) return run_seconds;
  std::optional<double> last;
  double sum = 0;
  for (const std::string& phase : type.phases->phase()) {
    last = measured_phase_seconds(type, run, phase);
    sum += last.value_or(0);
  }
  return last ? sum : run_seconds;
}

bool has_value(const Message& facts, const FieldDescriptor& field) {
  if (field.is_repeated()) return facts.GetReflection()->FieldSize(facts, &field) > 0;
  return facts.GetReflection()->HasField(facts, &field);
}

double number_of(const Message& facts, const FieldDescriptor& field) {
  const auto& reflection = *facts.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(facts, &field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return reflection.GetUInt32(facts, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection.GetInt64(facts, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return static_cast<double>(reflection.GetUInt64(facts, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(facts, &field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return static_cast<double>(reflection.GetFloat(facts, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(facts, &field) ? 1 : 0;
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection.GetEnumValue(facts, &field);
    case FieldDescriptor::CPPTYPE_STRING:
      return number_in(reflection.GetString(facts, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return 0;
}

std::string text_of(const Message& facts, const FieldDescriptor& field) {
  const auto& reflection = *facts.GetReflection();
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING)
    return std::to_string(static_cast<std::int64_t>(number_of(facts, field)));
  if (!field.is_repeated()) return reflection.GetString(facts, &field);
  std::string joined;
  for (int i = 0; i < reflection.FieldSize(facts, &field); ++i) {
    if (i > 0) joined += ',';
    joined += reflection.GetRepeatedString(facts, &field, i);
  }
  return joined;
}

}  // namespace parallax
