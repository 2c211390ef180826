#include "controller/plan.h"

#include <google/protobuf/arena.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

const Identity kOne{"a", "one"};
const Identity kTwo{"a", "two"};
const Identity kThree{"a", "three"};

std::vector<DefinedCheck> many_checks(int count, const std::vector<std::string>& locations) {
  std::vector<DefinedCheck> checks;
  for (int i = 0; i < count; ++i) checks.push_back(http_check("shop", "check-" + std::to_string(i), locations));
  return checks;
}

std::vector<std::string> ids_of(const Plan& plan, const Identity& probe) {
  std::vector<std::string> ids;
  for (const auto& assigned : plan.at(probe)) ids.push_back(assigned.defined->check.id());
  return ids;
}

// Which probe has each check of a plan for one location; fails where two have it.
std::map<std::string, std::string> owners_in(const Plan& plan) {
  std::map<std::string, std::string> owners;
  for (const auto& [probe, checks] : plan)
    for (const auto& assigned : checks)
      EXPECT_TRUE(owners.emplace(assigned.defined->check.id(), probe.probe).second)
          << "twice: " << assigned.defined->check.id();
  return owners;
}

const proto::AssignedCheck& shown(const PlannedCheck& planned, google::protobuf::Arena& arena) {
  auto& assigned = *google::protobuf::Arena::CreateMessage<proto::AssignedCheck>(&arena);
  show_check(planned, assigned);
  return assigned;
}

TEST(Plan, GivesTheOnlyProbeOfALocationAllItsChecksInOrderOfDefinition) {
  const Definitions set = set_of({http_check("shop", "zeta", {"a", "b"}), http_check("shop", "alpha", {"a"}),
                                  http_check("shop", "elsewhere", {"b"})});
  const Plan plan = make_plan(set, {kOne});
  EXPECT_EQ(ids_of(plan, kOne), (std::vector<std::string>{"shop/zeta", "shop/alpha"}));
}

TEST(Plan, HandsOverTheDefinitionAndItsFingerprint) {
  const DefinedCheck check = http_check("shop", "health", {"a"});
  const Definitions set = set_of({check});
  const Plan plan = make_plan(set, {kOne});
  google::protobuf::Arena arena;
  const proto::AssignedCheck& assigned = shown(plan.at(kOne).at(0), arena);
  EXPECT_EQ(&assigned.check(), &set.checks.at(0).check) << "there once, however many probes get it";
  EXPECT_EQ(assigned.check().SerializeAsString(), check.check.SerializeAsString());
  EXPECT_EQ(assigned.definition(), check.fingerprint);
}

TEST(Plan, SharesALocationsChecksSoThatEachIsOnExactlyOneProbe) {
  const Definitions set = set_of(many_checks(300, {"a"}));
  const Plan plan = make_plan(set, {kOne, kTwo, kThree});
  EXPECT_EQ(owners_in(plan).size(), 300u);
  for (const auto& [probe, checks] : plan) EXPECT_GT(checks.size(), 60u) << probe.probe << " is left idle";
}

TEST(Plan, MovesOnlyTheChecksOfAProbeThatLeaves) {
  const Definitions set = set_of(many_checks(300, {"a"}));
  const auto before = owners_in(make_plan(set, {kOne, kTwo, kThree}));
  const auto after = owners_in(make_plan(set, {kOne, kThree}));
  ASSERT_EQ(after.size(), 300u);
  for (const auto& [check, owner] : before) {
    if (owner == "two") {
      EXPECT_NE(after.at(check), "two");
    } else {
      EXPECT_EQ(after.at(check), owner) << check;
    }
  }
}

TEST(Plan, GivesAProbeThatComesBackExactlyWhatItHad) {
  const Definitions set = set_of(many_checks(100, {"a"}));
  EXPECT_EQ(owners_in(make_plan(set, {kTwo, kOne})), owners_in(make_plan(set, {kOne, kTwo})));
  EXPECT_EQ(ids_of(make_plan(set, {kOne}), kOne).size(), 100u);
}

TEST(Plan, DoesNotMindProbesOfOtherLocations) {
  const Definitions set = set_of(many_checks(100, {"a"}));
  const Plan alone = make_plan(set, {kOne, kTwo});
  const Plan among_others = make_plan(set, {kOne, kTwo, {"aa", "one"}, {"b", "one"}});
  EXPECT_EQ(owners_in(alone), owners_in(among_others));
  EXPECT_TRUE(among_others.at({"aa", "one"}).empty());  // present, so that it is told to run nothing
  EXPECT_TRUE(among_others.at({"b", "one"}).empty());
}

TEST(Plan, SendsADisabledCheckNowhere) {
  DefinedCheck disabled = http_check("shop", "resting", {"a"});
  disabled.check.set_enabled(false);
  const Definitions set = set_of({disabled, http_check("shop", "health", {"a"})});
  const Plan plan = make_plan(set, {kOne});
  EXPECT_EQ(ids_of(plan, kOne), (std::vector<std::string>{"shop/health"}));
}

TEST(Plan, TellsEachLocationItsPlaceInTheSlotGridWhoeverIsConnected) {
  const Definitions set = set_of({http_check("shop", "health", {"a", "b", "c"})});
  const Plan plan = make_plan(set, {probe_at("a"), probe_at("c")});  // b is away: its moments stay its own
  google::protobuf::Arena arena;
  const auto& at_a = shown(plan.at(probe_at("a")).at(0), arena);
  const auto& at_c = shown(plan.at(probe_at("c")).at(0), arena);
  EXPECT_EQ(at_a.location_index(), 0u);
  EXPECT_EQ(at_c.location_index(), 2u);
  EXPECT_EQ(at_a.location_count(), 3u);
  EXPECT_EQ(at_c.location_count(), 3u);
}

TEST(Plan, IsEmptyWhenNobodyIsThere) {
  EXPECT_TRUE(make_plan(set_of(many_checks(3, {"a"})), {}).empty());
  EXPECT_EQ(probe_for("shop/health", "a", {probe_at("b")}), nullptr);
}

}  // namespace
}  // namespace parallax
