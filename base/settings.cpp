#include "base/settings.h"

#include "base/file.h"
#include "base/schema.h"
#include "base/toml.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::size_t kMostBytes = 1 << 20;

bool names_a_path(const FieldDescriptor& field) {
  const std::string& name = field.name();
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
         (name.ends_with("_file") || name.ends_with("_dir") || name == "dirs" || name.ends_with("_dirs"));
}

// Path's operator/ keeps an absolute right side as it is.
std::string below(const std::filesystem::path& folder, const std::string& path) {
  return path.empty() ? path : (folder / path).string();
}

void resolve_paths(Message& settings, const std::filesystem::path& folder) {
  const auto* reflection = settings.GetReflection();
  for (int i = 0; i < settings.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = settings.GetDescriptor()->field(i);
    const bool is_list = field->is_repeated();
    if (names_a_path(*field) && !is_list)
      reflection->SetString(&settings, field, below(folder, reflection->GetString(settings, field)));
    for (int k = 0; names_a_path(*field) && is_list && k < reflection->FieldSize(settings, field); ++k)
      reflection->SetRepeatedString(&settings, field, k,
                                    below(folder, reflection->GetRepeatedString(settings, field, k)));
    if (field->message_type() != nullptr && !is_list && reflection->HasField(settings, field))
      resolve_paths(*reflection->MutableMessage(&settings, field), folder);
  }
}

}  // namespace

bool read_settings(const std::filesystem::path& file, Message& settings, Problems& problems) {
  Problems found;
  TomlValue document;
  const auto content = read_whole_file(file, kMostBytes);
  if (!content)
    found.push_back({file.string(), 0, 0, content.error().what});
  else if (parse_toml(*content, file.string(), document, found))
    SchemaReader(file.string(), found).read(document, file.filename().string(), {&settings});
  sort_by_place(found);
  problems.insert(problems.end(), found.begin(), found.end());
  if (has_errors(found)) return false;
  resolve_paths(settings, file.parent_path());
  return true;
}

}  // namespace parallax
