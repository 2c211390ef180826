#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "base/file.h"
#include "base/schema.h"
#include "base/toml.h"
#include "definitions/definitions.h"
#include "definitions/places.h"
#include "definitions/revision.h"
#include "definitions/service_file.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 1 << 20;
constexpr const char* kLocationsFile = "locations.toml";

// A set while it is being read.
struct Loading {
  fs::path folder;
  LoadOptions options;
  Problems problems;
  std::vector<fs::path> names;  // of service files, in byte order
  bool has_locations_file = false;
  std::vector<ReadFile> read;
  Definitions definitions;
  std::vector<ServiceFile> services;
};

std::optional<std::string> read(Loading& loading, const fs::path& file) {
  auto content = read_whole_file(file, kMostBytes);
  if (!content) {
    loading.problems.push_back({file.string(), 0, 0, content.error().what});
    return std::nullopt;
  }
  loading.read.push_back({file, *content});
  return std::move(*content);
}

void list_directory(Loading& loading) {
  std::error_code error;
  for (fs::directory_iterator entry(loading.folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path name = entry->path().filename();
    std::error_code unknown;
    if (name.extension() != ".toml" || name.string().starts_with('.') || entry->is_directory(unknown)) continue;
    if (name == kLocationsFile)
      loading.has_locations_file = true;
    else
      loading.names.push_back(name);
  }
  if (error)
    loading.problems.push_back({loading.folder.string(), 0, 0, "cannot be read: " + error.message()});
  else if (loading.names.empty())
    loading.problems.push_back({loading.folder.string(), 0, 0, "holds no check definitions (*.toml)"});
  std::sort(loading.names.begin(), loading.names.end());
}

// False when there is nothing to go on with.
bool list_files(Loading& loading, const fs::path& path) {
  std::error_code error;
  const auto kind = fs::status(path, error).type();
  if (kind == fs::file_type::directory) {
    loading.folder = path;
    list_directory(loading);
  } else if (kind == fs::file_type::not_found || kind == fs::file_type::none) {
    const std::string why = error ? error.message() : "No such file or directory";
    loading.problems.push_back({path.string(), 0, 0, "cannot be read: " + why});
  } else {
    loading.folder = path.parent_path();
    loading.has_locations_file = fs::exists(loading.folder / kLocationsFile, error);
    if (path.filename() != kLocationsFile) loading.names.push_back(path.filename());
  }
  return loading.problems.empty();
}

void read_locations(Loading& loading) {
  const fs::path file = loading.folder / kLocationsFile;
  if (!loading.has_locations_file) {
    loading.problems.push_back({file.string(), 0, 0, "is missing; it names the locations that checks run at"});
    return;
  }
  const auto content = read(loading, file);
  TomlValue document;
  if (!content || !parse_toml(*content, file.string(), document, loading.problems)) return;
  proto::LocationsFile message;
  SchemaReader(file.string(), loading.problems).read(document, kLocationsFile, {&message});
  if (document.find("location") == nullptr)
    loading.problems.push_back({file.string(), 1, 1, "names no location; expected [[location]]"});
  std::map<std::string, int> lines;
  for (int i = 0; i < message.location_size(); ++i) {
    const proto::Location& location = message.location(i);
    const Place place = document.find("location")->value.list[static_cast<std::size_t>(i)].place;
    const auto [first, is_new] = lines.emplace(location.name(), place.line);
    if (!is_new && !location.name().empty())
      loading.problems.push_back({file.string(), place.line, place.column,
                                  fmt::format("a second location named \"{}\"; the first is in line {}",
                                              location.name(), first->second)});
    loading.definitions.locations.push_back(location);
  }
  std::sort(loading.definitions.locations.begin(), loading.definitions.locations.end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
}

void read_services(Loading& loading) {
  for (const fs::path& name : loading.names) {
    const fs::path file = loading.folder / name;
    const auto content = read(loading, file);
    if (!content) continue;
    auto service =
        read_service_file(file.string(), *content, loading.folder, loading.options.by_hand, loading.problems);
    if (service) loading.services.push_back(std::move(*service));
  }
  std::map<std::string, std::string> files;
  for (const ServiceFile& service : loading.services) {
    const auto [first, is_new] = files.emplace(service.service.name(), service.file);
    if (!is_new && !service.service.name().empty())
      loading.problems.push_back({service.file, service.service_name.line, service.service_name.column,
                                  fmt::format("a second service named \"{}\"; the first is in {}", first->first,
                                              fs::path(first->second).filename().string())});
  }
}

// What the check brought along from other files belongs to the revision as well.
void note_attachments(Loading& loading, const proto::Check& check) {
  const proto::HttpCheck& http = check.http();
  const proto::TlsOptions& tls = check.has_http() ? http.tls() : check.tls().tls();
  if (!http.body_file().empty()) loading.read.push_back({loading.folder / http.body_file(), http.body()});
  if (!tls.ca_file().empty()) loading.read.push_back({loading.folder / tls.ca_file(), tls.ca_pem()});
}

void assemble(Loading& loading) {
  std::vector<std::string> known;
  for (const proto::Location& location : loading.definitions.locations) known.push_back(location.name());
  for (ServiceFile& service : loading.services) {
    loading.definitions.services.push_back(service.service);
    for (WrittenCheck& written : service.checks) {
      note_attachments(loading, written.check);
      DefinedCheck defined;
      // Without known places every name would be unknown, and that is told already.
      if (!loading.options.by_hand && !known.empty())
        defined.locations = expand_locations(written, known, loading.problems);
      defined.file = written.file;
      defined.line = written.place_of({}).line;
      defined.check = std::move(written.check);
      defined.fingerprint = fingerprint(defined.check);
      loading.definitions.checks.push_back(std::move(defined));
    }
  }
}

// A mistake in [defaults] is met again in every check that takes it over.
void sort_and_say_once(Problems& problems) {
  sort_by_place(problems);
  const auto all = [](const Problem& p) { return std::tie(p.file, p.line, p.column, p.text, p.is_warning); };
  Problems once;
  for (Problem& problem : problems) {
    const auto same = [&](const Problem& other) { return all(other) == all(problem); };
    if (std::none_of(once.begin(), once.end(), same)) once.push_back(std::move(problem));
  }
  problems = std::move(once);
}

}  // namespace

Loaded load_definitions(const fs::path& path, const LoadOptions& options) {
  Loading loading;
  loading.options = options;
  if (list_files(loading, path)) {
    if (!options.by_hand) read_locations(loading);
    read_services(loading);
    assemble(loading);
    loading.definitions.revision = revision_of(loading.folder, loading.read);
  }
  sort_and_say_once(loading.problems);
  Loaded loaded;
  loaded.problems = std::move(loading.problems);
  if (!has_errors(loaded.problems)) loaded.definitions = std::move(loading.definitions);
  return loaded;
}

}  // namespace parallax
