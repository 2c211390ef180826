// A Prometheus rule file as we write it: groups of recording and alerting rules.
// https://prometheus.io/docs/prometheus/latest/configuration/recording_rules/
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace parallax {

using RuleLabels = std::vector<std::pair<std::string, std::string>>;

RuleLabels with_label(RuleLabels labels, const char* name, std::string value);

struct Rule {
  std::string record;  // one of the two is empty
  std::string alert;
  std::string expression;  // one or more lines
  RuleLabels labels;
  RuleLabels annotations;
};

// Evaluated in order, each rule after the one before, at one moment.
struct RuleGroup {
  std::string name;
  std::string interval;  // "2m"; empty for the server's own
  std::vector<Rule> rules;
};

// The file. Equal groups give equal bytes.
std::string rules_as_yaml(const std::vector<RuleGroup>& groups);

// The same as one JSON object, which is YAML, too: Prometheus takes it as it is.
std::string rules_as_json(const std::vector<RuleGroup>& groups);

// One group as it stands in rules_as_yaml().
std::string rule_group_as_yaml(const RuleGroup& group);

}  // namespace parallax
