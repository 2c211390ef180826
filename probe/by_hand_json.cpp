#include "probe/by_hand_json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <optional>

#include "base/json.h"
#include "base/time.h"
#include "proto/names.h"
#include "proto/options.pb.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr double kLastSecondOfYear9999 = 253402300799;
constexpr int kWholeList = -1;

std::optional<std::string> date(double unix_time) {
  if (!(unix_time >= 0 && unix_time <= kLastSecondOfYear9999)) return std::nullopt;
  return to_text(from_unix_us(static_cast<std::int64_t>(unix_time) * 1'000'000), 0);
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

void write_fields(JsonWriter& json, const Message& message, bool skip_unset);

// Element `i` of a list, or the field itself.
void write_value(JsonWriter& json, const Message& message, const FieldDescriptor& field, int i = kWholeList) {
  const auto& read = *message.GetReflection();
  const bool one = i == kWholeList;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_MESSAGE:
      json.open_object();
      write_fields(json, one ? read.GetMessage(message, &field) : read.GetRepeatedMessage(message, &field, i),
                   false);
      json.close_object();
      return;
    case FieldDescriptor::CPPTYPE_STRING:
      json.value(one ? read.GetString(message, &field) : read.GetRepeatedString(message, &field, i));
      return;
    case FieldDescriptor::CPPTYPE_BOOL:
      json.value(one ? read.GetBool(message, &field) : read.GetRepeatedBool(message, &field, i));
      return;
    case FieldDescriptor::CPPTYPE_INT32:
      json.value(one ? read.GetInt32(message, &field) : read.GetRepeatedInt32(message, &field, i));
      return;
    case FieldDescriptor::CPPTYPE_INT64:
      json.value(one ? read.GetInt64(message, &field) : read.GetRepeatedInt64(message, &field, i));
      return;
    case FieldDescriptor::CPPTYPE_UINT32:
      json.value(one ? read.GetUInt32(message, &field) : read.GetRepeatedUInt32(message, &field, i));
      return;
    case FieldDescriptor::CPPTYPE_UINT64:
      json.value(one ? read.GetUInt64(message, &field) : read.GetRepeatedUInt64(message, &field, i));
      return;
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const double number = one ? read.GetDouble(message, &field) : read.GetRepeatedDouble(message, &field, i);
      field.options().GetExtension(proto::fact).timestamp() ? json.value(date(number)) : json.value(number);
      return;
    }
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_ENUM:
      json.null();  // no fact is one
      return;
  }
}

void write_list(JsonWriter& json, const Message& message, const FieldDescriptor& field) {
  json.open_array();
  const int size = message.GetReflection()->FieldSize(message, &field);
  for (int i = 0; i < size; ++i) write_value(json, message, field, i);
  json.close_array();
}

// `skip_unset`: a plain field at its zero was not taken either.
void write_fields(JsonWriter& json, const Message& message, bool skip_unset) {
  const auto& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const auto& field = *type.field(i);
    const auto& fact = field.options().GetExtension(proto::fact);
    if (fact.not_in_json()) continue;
    if (field.is_repeated()) {
      if (fact.left_out_empty() && message.GetReflection()->FieldSize(message, &field) == 0) continue;
      json.key(field.name());
      write_list(json, message, field);
    } else if ((!field.has_presence() && !skip_unset) || message.GetReflection()->HasField(message, &field)) {
      json.key(field.name());
      write_value(json, message, field);
    } else if (fact.null_in_json()) {
      json.key(field.name()).null();
    }
  }
}

}  // namespace

std::string to_json(const proto::Check& check, const proto::RunResult& result) {
  JsonWriter json;
  json.open_object();
  json.member("service", unless_empty(check.service())).member("check", unless_empty(check.name()));
  json.member("type", type_name(check)).member("target", check.target());
  json.key("location").null().key("slot").null();
  json.member("state", name(result.state())).member("reason", name(result.reason()));
  json.member("phase", unless_empty(std::string(name(result.phase()))));
  json.member("detail", result.detail());
  json.member("started", to_text(from_unix_us(result.started_us())));
  json.member("duration_seconds", seconds(Nanoseconds(result.duration_ns())));
  json.member("timeout_seconds", seconds(Milliseconds(check.timeout_ms())));
  json.member("attempts", result.attempts());
  json.key("phases").open_object();
  for (const auto& phase : result.phases())
    json.member(name(phase.phase()), seconds(Nanoseconds(phase.nanoseconds())));
  json.close_object();
  json.key("facts").open_object();
  write_fields(json, result.facts(), true);
  json.close_object().close_object();
  return json.take();
}

}  // namespace parallax
