#include "probe/bounded_result.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "base/utf8.h"

namespace parallax {
namespace {

constexpr std::size_t kMostDetail = 1000;
constexpr std::size_t kMostBytes = 64 * 1024;
constexpr int kMostEntries = 1000;  // of a list

std::string clean(const std::string& text) {
  std::string cleaned;
  append_utf8(cleaned, text);
  return cleaned;
}

// Every string and list of the message and of those in it.
void clean_fields(google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const auto* access = message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  access->ListFields(message, &fields);
  for (const auto* field : fields) {
    while (field->is_repeated() && access->FieldSize(message, field) > kMostEntries)
      access->RemoveLast(&message, field);
    const int count = field->is_repeated() ? access->FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
        clean_fields(field->is_repeated() ? *access->MutableRepeatedMessage(&message, field, i)
                                          : *access->MutableMessage(&message, field));
      if (field->type() != FieldDescriptor::TYPE_STRING) continue;
      if (field->is_repeated())
        access->SetRepeatedString(&message, field, i, clean(access->GetRepeatedString(message, field, i)));
      else
        access->SetString(&message, field, clean(access->GetString(message, field)));
    }
  }
}

}  // namespace

void bound(proto::RunResult& result) {
  clean_fields(result);
  result.set_detail(std::string(cut_utf8(result.detail(), kMostDetail)));
  if (result.ByteSizeLong() <= kMostBytes) return;
  auto& certificates = *result.mutable_facts()->mutable_tls()->mutable_certificates();
  for (auto& certificate : certificates) certificate.clear_sans();
  if (result.ByteSizeLong() <= kMostBytes) return;
  if (certificates.size() > 1) certificates.DeleteSubrange(1, certificates.size() - 1);
  if (result.ByteSizeLong() > kMostBytes) result.clear_facts();
}

}  // namespace parallax
