#include "controller/rule_file.h"

#include <fmt/format.h>

#include "base/json.h"

namespace parallax {
namespace {

// In double quotes YAML takes every escape that JSON has (YAML 1.2, section 5.7).
std::string quoted(const std::string& text) {
  JsonWriter json;
  json.value(text);
  return json.take();
}

// The lines of a text, each with `indent` before it and a line feed behind it.
std::string indented(const std::string& text, const std::string& indent) {
  std::string out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out += indent + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return out;
}

void append_labels(std::string& out, const char* key, const RuleLabels& labels) {
  if (labels.empty()) return;
  out += fmt::format("        {}:\n", key);
  for (const auto& [name, value] : labels) out += fmt::format("          {}: {}\n", name, quoted(value));
}

void append_rule(std::string& out, const Rule& rule) {
  out += rule.alert.empty() ? fmt::format("      - record: {}\n", rule.record)
                            : fmt::format("      - alert: {}\n", rule.alert);
  out += "        expr: |-\n" + indented(rule.expression, "          ");
  append_labels(out, "labels", rule.labels);
  append_labels(out, "annotations", rule.annotations);
}

void write_labels(JsonWriter& json, const char* key, const RuleLabels& labels) {
  if (labels.empty()) return;
  json.key(key).open_object();
  for (const auto& [name, value] : labels) json.member(name, value);
  json.close_object();
}

}  // namespace

RuleLabels with_label(RuleLabels labels, const char* name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

std::string rule_group_as_yaml(const RuleGroup& group) {
  std::string out = fmt::format("  - name: {}\n", group.name);
  if (!group.interval.empty()) out += fmt::format("    interval: {}\n", group.interval);
  out += "    rules:\n";
  for (const Rule& rule : group.rules) append_rule(out, rule);
  return out;
}

std::string rules_as_yaml(const std::vector<RuleGroup>& groups) {
  std::string out = "groups:";
  if (groups.empty()) return out + " []\n";
  out += '\n';
  for (const RuleGroup& group : groups) out += rule_group_as_yaml(group);
  return out;
}

std::string rules_as_json(const std::vector<RuleGroup>& groups) {
  JsonWriter json;
  json.open_object().key("groups").open_array();
  for (const RuleGroup& group : groups) {
    json.open_object().member("name", group.name);
    if (!group.interval.empty()) json.member("interval", group.interval);
    json.key("rules").open_array();
    for (const Rule& rule : group.rules) {
      json.open_object();
      if (rule.alert.empty())
        json.member("record", rule.record);
      else
        json.member("alert", rule.alert);
      json.member("expr", rule.expression);
      write_labels(json, "labels", rule.labels);
      write_labels(json, "annotations", rule.annotations);
      json.close_object();
    }
    json.close_array().close_object();
  }
  json.close_array().close_object();
  return json.take() + "\n";
}

}  // namespace parallax
