#include "controller/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/json.h"
#include "definitions/definitions.h"

namespace parallax {
namespace {

constexpr int kValid = 0;
constexpr int kUsage = 2;
constexpr int kInvalid = 4;

std::string counted(std::size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string as_json(const Loaded& loaded) {
  JsonWriter json;
  json.open_object().member("valid", loaded.definitions.has_value());
  if (loaded.definitions) {
    json.member("revision", loaded.definitions->revision);
    json.member("services", loaded.definitions->services.size());
    json.member("checks", loaded.definitions->checks.size());
    json.member("locations", loaded.definitions->locations.size());
  }
  json.key("problems").open_array();
  for (const Problem& problem : loaded.problems) {
    json.open_object().member("file", problem.file).member("line", problem.line).member("column", problem.column);
    json.member("warning", problem.is_warning).member("text", problem.text).close_object();
  }
  json.close_array().close_object();
  return json.take();
}

std::string summary(const std::string& path, const Loaded& loaded) {
  const auto warnings = static_cast<std::size_t>(std::count_if(loaded.problems.begin(), loaded.problems.end(),
                                                               [](const Problem& p) { return p.is_warning; }));
  if (!loaded.definitions) {
    std::string text = fmt::format("{}: {}", path, counted(loaded.problems.size() - warnings, "error"));
    if (warnings > 0) text += ", " + counted(warnings, "warning");
    return text + "; nothing of it would be served";
  }
  const Definitions& set = *loaded.definitions;
  return fmt::format("{}: {}, {} at {}: ok{}", path, counted(set.services.size(), "service"),
                     counted(set.checks.size(), "check"), counted(set.locations.size(), "location"),
                     warnings > 0 ? " with " + counted(warnings, "warning") : "");
}

}  // namespace

int verify(const std::string& path, bool json, std::FILE* out, std::FILE* err) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fmt::print(err, "{}: {}\n", path, error ? error.message() : "no such file or directory");
    return kUsage;
  }
  const Loaded loaded = load_definitions(path);
  if (json) {
    fmt::print(out, "{}\n", as_json(loaded));
  } else {
    for (const Problem& problem : loaded.problems) fmt::print(err, "{}\n", to_text(problem));
    fmt::print(loaded.definitions ? out : err, "{}\n", summary(path, loaded));
  }
  return loaded.definitions ? kValid : kInvalid;
}

}  // namespace parallax
