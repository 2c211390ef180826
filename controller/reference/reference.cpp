#include "controller/reference/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace parallax {
namespace {

constexpr int kDone = 0;
constexpr int kTrouble = 1;
constexpr int kUsage = 2;

constexpr ReferencePage kPages[] = {
    {"checks", "checks.md", checks_page},
    {"metrics", "metrics.md", metrics_page},
    {"settings", "settings.md", settings_page},
    {"checks-schema", "checks.schema.json", checks_schema},
    {"locations-schema", "locations.schema.json", locations_schema},
};

int write_all(const std::filesystem::path& directory, std::FILE* out, std::FILE* err) {
  for (const ReferencePage& page : kPages) {
    const std::filesystem::path file = directory / page.file;
    std::ofstream stream(file, std::ios::binary);
    stream << page.write();
    stream.close();
    if (!stream) {
      fmt::print(err, "{}: cannot be written\n", file.string());
      return kTrouble;
    }
    fmt::print(out, "{}\n", file.string());
  }
  return kDone;
}

}  // namespace

std::span<const ReferencePage> reference_pages() { return kPages; }

int print_reference(const std::string& name, const std::string& directory, std::FILE* out, std::FILE* err) {
  if (!directory.empty()) return write_all(directory, out, err);
  const auto page = std::ranges::find(kPages, name, &ReferencePage::name);
  if (page != std::end(kPages)) {
    fmt::print(out, "{}", page->write());
    return kDone;
  }
  fmt::print(err, "no page \"{}\"; there are", name);
  for (const ReferencePage& known : kPages) fmt::print(err, " {}", known.name);
  fmt::print(err, "; --write DIR writes them all\n");
  return kUsage;
}

}  // namespace parallax
