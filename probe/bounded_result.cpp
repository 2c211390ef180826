#include "probe/bounded_result.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <vector>

#include "base/utf8.h"

namespace parallax {
namespace {

constexpr std::size_t kMostDetail = 1000;
constexpr std::size_t kMostBytes = 64 * 1024;
constexpr int kMostEntries = 1000;  // of a list
constexpr int kFewNames = 100;      // of a certificate, where all are too many

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The fields of a message type that may hold too much or the wrong bytes: lists, texts, and messages with such
// fields. Every run is looked at, so the type is walked once and not for each.
struct Shape {
  struct Field {
    const FieldDescriptor* is;
    std::unique_ptr<const Shape> of_message;  // null: text or numbers
  };
  std::vector<Field> fields;
};

std::unique_ptr<const Shape> shape_of(const Descriptor* type) {
  auto shape = std::make_unique<Shape>();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    auto inner = is_message ? shape_of(field->message_type()) : nullptr;
    const bool matters = is_message ? !inner->fields.empty() : field->type() == FieldDescriptor::TYPE_STRING;
    if (matters || field->is_repeated()) shape->fields.push_back({field, std::move(inner)});
  }
  return shape;
}

std::string clean(const std::string& text) {
  std::string cleaned;
  append_utf8(cleaned, text);
  return cleaned;
}

void clean_fields(Message& message, const Shape& shape);

void clean_list(Message& message, const Shape::Field& field) {
  const auto* access = message.GetReflection();
  while (access->FieldSize(message, field.is) > kMostEntries) access->RemoveLast(&message, field.is);
  if (!field.of_message && field.is->type() != FieldDescriptor::TYPE_STRING) return;
  std::string scratch;
  for (int i = 0; i < access->FieldSize(message, field.is); ++i) {
    if (field.of_message) {
      clean_fields(*access->MutableRepeatedMessage(&message, field.is, i), *field.of_message);
      continue;
    }
    const std::string& text = access->GetRepeatedStringReference(message, field.is, i, &scratch);
    if (!is_utf8(text)) access->SetRepeatedString(&message, field.is, i, clean(text));
  }
}

// Every text and list of the message and of those in it.
void clean_fields(Message& message, const Shape& shape) {
  const auto* access = message.GetReflection();
  std::string scratch;
  for (const Shape::Field& field : shape.fields) {
    if (field.is->is_repeated()) {
      clean_list(message, field);
    } else if (field.of_message) {
      if (access->HasField(message, field.is))
        clean_fields(*access->MutableMessage(&message, field.is), *field.of_message);
    } else {
      const std::string& text = access->GetStringReference(message, field.is, &scratch);
      if (!is_utf8(text)) access->SetString(&message, field.is, clean(text));
    }
  }
}

// Whether nothing in it came from the target: the numbers and few words of a ping, which most runs are. What is
// not named here is looked at.
bool is_of_our_making(const proto::RunResult& result) {
  const proto::Facts& facts = result.facts();
  return facts.has_ping() && !facts.has_http() && !facts.has_tls() && facts.addresses().empty() &&
         facts.ping().rtt_size() <= kMostEntries;
}

}  // namespace

void bound(proto::RunResult& result) {
  if (is_of_our_making(result) && is_utf8(result.detail()) && result.detail().size() <= kMostDetail) return;
  static const auto shape = shape_of(proto::RunResult::descriptor());
  clean_fields(result, *shape);
  if (result.detail().size() > kMostDetail) result.set_detail(std::string(cut_utf8(result.detail(), kMostDetail)));
  if (result.ByteSizeLong() <= kMostBytes) return;
  auto& certificates = *result.mutable_facts()->mutable_tls()->mutable_certificates();
  for (auto& certificate : certificates)
    while (certificate.sans_size() > kFewNames) certificate.mutable_sans()->RemoveLast();
  if (result.ByteSizeLong() <= kMostBytes) return;
  for (auto& certificate : certificates) certificate.clear_sans();
  if (result.ByteSizeLong() <= kMostBytes) return;
  if (certificates.size() > 1) certificates.DeleteSubrange(1, certificates.size() - 1);
  if (result.ByteSizeLong() > kMostBytes) result.clear_facts();
}

}  // namespace parallax
