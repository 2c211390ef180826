#include "definitions/service_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/nearest.h"
#include "base/schema.h"
#include "base/toml.h"
#include "definitions/attachments.h"
#include "definitions/objective.h"
#include "definitions/rules.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;

const OneofDescriptor& types() { return *proto::Check::descriptor()->FindOneofByName("type"); }

// The member of the oneof for a table [[NAME]]; null when there is no such type.
const FieldDescriptor* type_called(const std::string& name) {
  for (int i = 0; i < types().field_count(); ++i)
    if (types().field(i)->name() == name) return types().field(i);
  return nullptr;
}

class Reader {
 public:
  Reader(ServiceFile& into, const std::filesystem::path& folder, bool by_hand, Problems& problems)
      : into_(into), folder_(folder), by_hand_(by_hand), problems_(problems), schema_(into.file, problems) {}

  void read(const TomlValue& document) {
    read_service(document);
    if (const TomlEntry* defaults = document.find("defaults")) read_defaults(*defaults);
    for (const TomlEntry& entry : document.table) {
      if (const FieldDescriptor* type = type_called(entry.key))
        read_checks(entry, *type);
      else if (entry.key != "service" && entry.key != "defaults")
        report(entry.place, fmt::format("unknown table \"{}\"{}", entry.key, did_you_mean(entry.key, tables())));
    }
    std::stable_sort(into_.checks.begin(), into_.checks.end(), [](const WrittenCheck& a, const WrittenCheck& b) {
      return a.table.place.line < b.table.place.line;
    });
    find_repeated_names();
    const TomlEntry* service = document.find("service");
    if (service == nullptr) return;
    if (document.table.size() == 1 && !by_hand_) report_no_checks(service->value);
    check_objective(into_, service->value, problems_);
  }

 private:
  static std::vector<std::string> tables() {
    std::vector<std::string> names = {"service", "defaults"};
    for (int i = 0; i < types().field_count(); ++i) names.push_back(types().field(i)->name());
    return names;
  }

  void read_service(const TomlValue& document) {
    const TomlEntry* service = document.find("service");
    if (service == nullptr) return report({1, 1}, "missing table [service]; it names the service of these checks");
    if (service->value.kind != TomlValue::Kind::table)
      return report(service->value.place, "\"service\" is not a table; expected [service]");
    schema_.read(service->value, "[service]", {&into_.service});
    const TomlEntry* name = service->value.find("name");
    into_.service_name = name == nullptr ? service->place : name->value.place;
  }

  void report_no_checks(const TomlValue& service) {
    if (const TomlEntry* objective = service.find("objective"))
      return report(objective->place, "an objective, and no check that could tell whether it is kept");
    problems_.push_back({into_.file, 0, 0, "the service has no checks", true});
  }

  void read_defaults(const TomlEntry& entry) {
    if (entry.value.kind != TomlValue::Kind::table)
      return report(entry.value.place, "\"defaults\" is not a table; expected [defaults]");
    defaults_ = entry.value;
    const auto name = std::find_if(defaults_.table.begin(), defaults_.table.end(),
                                   [](const TomlEntry& e) { return e.key == "name"; });
    if (name != defaults_.table.end()) {
      report(name->place, "\"name\" cannot have a default; each check has its own");
      defaults_.table.erase(name);
    }
    proto::Check unused;
    schema_.read(defaults_, "[defaults]", {&unused}, SchemaReader::Absent::left);
    const std::vector<std::string> common = key_names(unused);
    std::erase_if(defaults_.table,
                  [&](const TomlEntry& e) { return std::ranges::find(common, e.key) == common.end(); });
  }

  void read_checks(const TomlEntry& entry, const FieldDescriptor& type) {
    if (entry.value.kind != TomlValue::Kind::list)
      return report(entry.place,
                    fmt::format("\"{}\" is not a list of tables; expected [[{}]]", entry.key, entry.key));
    for (const TomlValue& table : entry.value.list) {
      if (table.kind == TomlValue::Kind::table)
        read_check(table, type);
      else
        report(table.place, fmt::format("\"{}\" is not a list of tables; expected [[{}]]", entry.key, entry.key));
    }
  }

  void read_check(const TomlValue& table, const FieldDescriptor& type) {
    WrittenCheck written = {into_.file, table, {}};
    for (const TomlEntry& entry : defaults_.table)
      if (table.find(entry.key) == nullptr) written.table.table.push_back(entry);
    proto::Check& check = written.check;
    auto* own_keys = check.GetReflection()->MutableMessage(&check, &type);
    schema_.read(written.table, "[[" + type.name() + "]]", {&check, own_keys});
    check.set_service(into_.service.name());
    check.set_id(into_.service.name() + "/" + check.name());
    apply_rules(written, problems_);
    attach_files(written, folder_, by_hand_, problems_);
    into_.checks.push_back(std::move(written));
  }

  void find_repeated_names() {
    std::map<std::string, int> lines;
    for (const WrittenCheck& written : into_.checks) {
      if (written.check.name().empty()) continue;
      const auto [first, is_new] = lines.emplace(written.check.name(), written.table.place.line);
      if (!is_new)
        problems_.push_back(written.problem_at(
            {"name"},
            fmt::format("a second check named \"{}\"; the first is in line {}", first->first, first->second)));
    }
  }

  void report(Place place, std::string text) {
    problems_.push_back({into_.file, place.line, place.column, std::move(text)});
  }

  ServiceFile& into_;
  const std::filesystem::path& folder_;
  const bool by_hand_;
  Problems& problems_;
  SchemaReader schema_;
  TomlValue defaults_;
};

}  // namespace

std::optional<ServiceFile> read_service_file(const std::string& file, const std::string& content,
                                             const std::filesystem::path& folder, bool by_hand,
                                             Problems& problems) {
  TomlValue document;
  if (!parse_toml(content, file, document, problems)) return std::nullopt;
  ServiceFile service;
  service.file = file;
  Reader(service, folder, by_hand, problems).read(document);
  return service;
}

}  // namespace parallax
