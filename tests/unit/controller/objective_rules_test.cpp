// The rules of objectives: which there are and what they look at. That Prometheus draws the right conclusions from
// them is tested with promtool (tests/e2e/objectives.test).
#include "controller/objective_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ObjectiveRules : public testing::Test {
 protected:
  // One service, "shop", that promises 99.9 % and, unless it is 0, a latency.
  std::vector<RuleGroup> rules(std::vector<DefinedCheck> checks, std::int64_t latency_ms = 300) {
    Definitions set = set_of(std::move(checks));
    for (proto::Service& service : set.services) promise(service, latency_ms);
    return objective_rules(set);
  }
  static void promise(proto::Service& service, std::int64_t latency_ms) {
    service.mutable_objective()->set_availability(99.9);
    if (latency_ms > 0) service.mutable_objective()->set_latency_ms(latency_ms);
  }
  static DefinedCheck counting(DefinedCheck check, bool counts = true) {
    check.check.set_counts(counts);
    return check;
  }
  static DefinedCheck health(std::vector<std::string> locations = {"a", "b", "c"}) {
    return counting(http_check("shop", "health", std::move(locations)));
  }
  static DefinedCheck edge() { return counting(ping_check("shop", "edge", {"a", "b", "c"})); }
  static DefinedCheck every(DefinedCheck check, std::int64_t every_ms) {
    check.check.set_every_ms(every_ms);
    return check;
  }

  static std::vector<std::string> names(const std::vector<RuleGroup>& groups) {
    std::vector<std::string> all;
    for (const RuleGroup& group : groups) all.push_back(group.name);
    return all;
  }
  // Of the rule that records `name` for the objective `id`, or alerts under that name.
  static Rule rule(const std::vector<RuleGroup>& groups, const std::string& name, const std::string& id) {
    for (const RuleGroup& group : groups)
      for (const Rule& rule : group.rules)
        if (group.name.starts_with("objective-" + id) && (rule.record == name || rule.alert == name)) return rule;
    ADD_FAILURE() << "no rule " << name << " of " << id;
    return {};
  }
  static std::string label_of(const Rule& rule, const std::string& name) {
    for (const auto& [label, value] : rule.labels)
      if (label == name) return value;
    return "absent";
  }
  static std::string annotation_of(const Rule& rule, const std::string& name) {
    for (const auto& [annotation, value] : rule.annotations)
      if (annotation == name) return value;
    return "absent";
  }
};

TEST_F(ObjectiveRules, RecordUnderSlothsNames) {
  const auto groups = rules({health(), edge()});
  std::set<std::string> records;
  for (const RuleGroup& group : groups)
    for (const Rule& rule : group.rules)
      if (label_of(rule, "sloth_slo") == "availability" && rule.alert.empty()) records.insert(rule.record);
  EXPECT_THAT(records, ElementsAre("slo:current_burn_rate:ratio", "slo:error_budget:ratio", "slo:objective:ratio",
                                   "slo:period_burn_rate:ratio", "slo:period_error_budget_remaining:ratio",
                                   "slo:period_known:ratio", "slo:sli_error:ratio_rate1d",
                                   "slo:sli_error:ratio_rate1h", "slo:sli_error:ratio_rate2h",
                                   "slo:sli_error:ratio_rate30d", "slo:sli_error:ratio_rate30m",
                                   "slo:sli_error:ratio_rate3d", "slo:sli_error:ratio_rate5m",
                                   "slo:sli_error:ratio_rate6h", "slo:time_period:days", "sloth_slo_info"));
  const Rule sli = rule(groups, "slo:sli_error:ratio_rate5m", "shop-availability");
  EXPECT_THAT(sli.labels, ElementsAre(std::pair("service", "shop"), std::pair("sloth_id", "shop-availability"),
                                      std::pair("sloth_service", "shop"), std::pair("sloth_slo", "availability"),
                                      std::pair("sloth_window", "5m")));
}

TEST_F(ObjectiveRules, AreTwoObjectivesWhereBothArePromisedAndOneWithoutALatency) {
  EXPECT_THAT(names(rules({health()})),
              ElementsAre("objective-shop-availability-days", "objective-shop-availability",
                          "objective-shop-latency-days", "objective-shop-latency"));
  EXPECT_THAT(names(rules({health()}, 0)),
              ElementsAre("objective-shop-availability-days", "objective-shop-availability"));
}

TEST_F(ObjectiveRules, DoNotDependOnTheOrderOfFilesAndChecks) {
  const DefinedCheck other = counting(http_check("crm", "health", {"a"}));
  const std::string once = rules_as_yaml(rules({health(), edge(), other}));
  EXPECT_EQ(once, rules_as_yaml(rules({other, edge(), health()})));
  EXPECT_LT(once.find("objective-crm"), once.find("objective-shop"));
}

TEST_F(ObjectiveRules, LookAtTheChecksThatCountAndAreEnabled) {
  DefinedCheck disabled = counting(http_check("shop", "beta", {"a"}));
  disabled.check.set_enabled(false);
  const auto groups = rules({health(), disabled, counting(http_check("shop", "extra", {"a"}), false)});
  const std::string text = rules_as_yaml(groups);
  EXPECT_THAT(text, HasSubstr("check=\"health\""));
  EXPECT_THAT(text, Not(HasSubstr("beta")));
  EXPECT_THAT(text, Not(HasSubstr("extra")));
  EXPECT_THAT(rules({disabled}), testing::IsEmpty()) << "nothing could tell";
}

TEST_F(ObjectiveRules, TimeHttpChecksOnly) {
  const std::string text =
      rule(rules({health(), edge()}), "slo:sli_error:ratio_rate1h", "shop-latency").expression;
  EXPECT_THAT(text, HasSubstr("parallax_objective_runs_total{service=\"shop\",check=\"health\",result=\"slow\""));
}

TEST_F(ObjectiveRules, GiveAServiceAnErrorOnlyIfAllItsChecksAreKnownOrOneFails) {
  const std::string two =
      rule(rules({health(), edge()}), "slo:sli_error:ratio_rate1h", "shop-availability").expression;
  EXPECT_EQ(two,
            "max by (service) (check:slot_errors:ratio_rate1h{service=\"shop\"})\n"
            "and\n"
            "(count by (service) (check:slot_errors:ratio_rate1h{service=\"shop\"}) == 2 or "
            "max by (service) (check:slot_errors:ratio_rate1h{service=\"shop\"}) > 0)");
  const std::string one = rule(rules({health()}), "slo:sli_error:ratio_rate1h", "shop-availability").expression;
  EXPECT_EQ(one, "max by (service) (check:slot_errors:ratio_rate1h{service=\"shop\"})");
}

TEST_F(ObjectiveRules, LookAtASlowCheckOverATimeInWhichItRunsTwice) {
  const auto groups = rules({health(), every(edge(), 3'600'000)});
  EXPECT_THAT(rule(groups, "slo:sli_error:ratio_rate5m", "shop-availability").expression,
              HasSubstr("(check:slot_errors:ratio_rate5m{service=\"shop\",check=\"health\"} or "
                        "check:slot_errors:ratio_rate2h{service=\"shop\",check=\"edge\"})"));
  EXPECT_THAT(rule(groups, "slo:sli_error:ratio_rate6h", "shop-availability").expression,
              HasSubstr("(check:slot_errors:ratio_rate6h{service=\"shop\"})"));
  EXPECT_THAT(rule(rules({every(health(), 86'400'000)}), "slo:sli_error:ratio_rate5m", "shop-latency").expression,
              HasSubstr("[3d]"));
}

TEST_F(ObjectiveRules, WriteBudgetsAsAPersonWould) {
  for (const auto& [per_cent, budget] :
       {std::pair(99.9, "0.001"), std::pair(99.95, "0.0005"), std::pair(99.0, "0.01"), std::pair(90.0, "0.1"),
        std::pair(99.999, "1e-05"), std::pair(99.123, "0.00877")}) {
    Definitions set = set_of({health()});
    set.services.front().mutable_objective()->set_availability(per_cent);
    EXPECT_EQ(rule(objective_rules(set), "slo:error_budget:ratio", "shop-availability").expression,
              std::string("vector(") + budget + ")");
  }
}

TEST_F(ObjectiveRules, AlertByTheBurnRatesOfTheWorkbook) {
  const auto groups = rules({health()});
  const Rule fast = rule(groups, "ObjectiveBurningFast", "shop-availability");
  EXPECT_EQ(label_of(fast, "severity"), "critical");
  EXPECT_EQ(label_of(fast, "service"), "shop");
  for (const char* part : {"ratio_rate1h{sloth_id=\"shop-availability\"} > 14.4 * 0.001",
                           "ratio_rate5m{sloth_id=\"shop-availability\"}[15m]) > 14.4 * 0.001",
                           "ratio_rate6h{sloth_id=\"shop-availability\"} > 6 * 0.001",
                           "ratio_rate30m{sloth_id=\"shop-availability\"} > 6 * 0.001"})
    EXPECT_THAT(fast.expression, HasSubstr(part));
  const Rule slow = rule(groups, "ObjectiveBurningSlow", "shop-availability");
  EXPECT_EQ(label_of(slow, "severity"), "warning");
  for (const char* part : {"ratio_rate1d{sloth_id=\"shop-availability\"} > 3 * 0.001",
                           "ratio_rate2h{sloth_id=\"shop-availability\"} > 3 * 0.001",
                           "ratio_rate3d{sloth_id=\"shop-availability\"} > 1 * 0.001",
                           "ratio_rate6h{sloth_id=\"shop-availability\"} > 1 * 0.001"})
    EXPECT_THAT(slow.expression, HasSubstr(part));
  EXPECT_EQ(annotation_of(slow, "runbook_url"),
            "https://github.com/parallax-monitoring/parallax/blob/main/docs/runbooks/ObjectiveBurningSlow.md");
}

// 14.4 x 0.1 % of the 240 slots of an hour are 3.5: 4 are worth a page. Of the 720 answers of three
// locations 10.4. Of an hourly check one slot in 6 hours would be enough, but a single failure never is.
TEST_F(ObjectiveRules, WantSoMuchOfTheBudgetToBeGoneAndTwoFailures) {
  const auto groups = rules({health(), every(edge(), 3'600'000)});
  const std::string slots = rule(groups, "ObjectiveBurningFast", "shop-availability").expression;
  EXPECT_THAT(slots, HasSubstr("{service=\"shop\",check=\"health\",result=\"down\"}[1h])) > 3.5\n"));
  EXPECT_THAT(slots, HasSubstr("{service=\"shop\",check=\"edge\",result=\"down\"}[6h])) > 1.5\n"));
  EXPECT_THAT(rule(groups, "ObjectiveBurningFast", "shop-latency").expression,
              HasSubstr("result=\"slow\",arrival=\"fresh\"}[1h])) > 10.5\n"));
}

TEST_F(ObjectiveRules, ShowATitleAsItIsWrittenWhateverItHolds) {
  Definitions set = set_of({health()});
  promise(set.services.front(), 0);
  set.services.front().set_title("Shop {{ .Labels }} \"A\"\n\\");
  const auto groups = objective_rules(set);
  const Rule fast = rule(groups, "ObjectiveBurningFast", "shop-availability");
  EXPECT_TRUE(annotation_of(fast, "summary").starts_with("Shop {{ \"{{\" }} .Labels }} \"A\"\n\\ burns"));
  EXPECT_THAT(rules_as_yaml(groups),
              HasSubstr("summary: \"Shop {{ \\\"{{\\\" }} .Labels }} \\\"A\\\"\\n\\\\ burns"));
}

}  // namespace
}  // namespace parallax
