#include "controller/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/plan.h"
#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// shop/health at a, b and c; the probes of a and b are connected, and a has reported.
class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() {
    check.check.add_locations("*");
    check.file = "checks/shop.toml";
    check.line = 14;
    put_in_force();
  }
  void put_in_force() {
    definitions = set_of({check, http_check("crm", "login", {"a"})});
    ledger.apply_definitions(shared(definitions), kStart);
    slot = grid_of(check).current(kStart);
  }
  void report(proto::State state, const std::string& detail) {
    proto::RunResult run = run_of(check, slot, state);
    run.set_detail(detail);
    ASSERT_EQ(ledger.apply(probe_at("a"), run, Milliseconds(0), now), Applied::counted);
  }
  Explanation explained(const std::string& id = "shop/health") {
    const auto explanation = explain(id, definitions, kInForce, ledger, connected, now);
    EXPECT_TRUE(explanation.has_value());
    return explanation.value_or(Explanation());
  }

  const WallTime kInForce = kStart - seconds(3600);
  DefinedCheck check = http_check("shop", "health", {"a", "b", "c"});
  Definitions definitions;
  Ledger ledger;
  std::vector<Fleet::Connected> connected = {
      {.identity = probe_at("a"), .peer = "192.0.2.7:4711", .since = kStart - seconds(60)},
      {.identity = probe_at("b"), .peer = "192.0.2.8:4711", .since = kStart}};
  std::int64_t slot = 0;
  WallTime now = kStart + seconds(1);
};

TEST_F(ExplainTest, TellsWhereTheCheckIsWrittenAndSinceWhenItIsInForce) {
  const Explanation of = explained();
  EXPECT_EQ(of.id, "shop/health");
  EXPECT_EQ(of.type, "http");
  EXPECT_EQ(of.target, "https://shop.example/health");
  EXPECT_EQ(of.file, "checks/shop.toml:14");
  EXPECT_EQ(of.revision, "r1");
  EXPECT_EQ(of.since, kInForce);
  EXPECT_EQ(of.every, Milliseconds(15'000));
  EXPECT_THAT(of.globs, ElementsAre("*"));
}

TEST_F(ExplainTest, TellsWhichProbeHasItAndSinceWhen) {
  const Explanation of = explained();
  ASSERT_EQ(of.places.size(), 3u);
  EXPECT_EQ(of.places[0].location, "a");
  EXPECT_EQ(of.places[0].probe, "probe-a");
  EXPECT_EQ(of.places[0].peer, "192.0.2.7:4711");
  EXPECT_EQ(of.places[0].connected, kStart - seconds(60));
  EXPECT_EQ(of.places[2].probe, "");
}

TEST_F(ExplainTest, NamesTheProbeOfAPoolThatThePlanGaveTheCheck) {
  for (const char* name : {"one", "two", "three"})
    connected.push_back({.identity = {"c", name}, .peer = name, .since = kStart});
  std::set<Identity> probes;
  for (const auto& probe : connected) probes.insert(probe.identity);
  const Identity* planned = probe_for("shop/health", "c", probes);
  ASSERT_NE(planned, nullptr);
  EXPECT_EQ(explained().places[2].probe, planned->probe);
  EXPECT_EQ(explained().places[2].peer, planned->probe);
}

TEST_F(ExplainTest, SaysWhatTheNewestRunFound) {
  report(proto::STATE_DOWN, "refused by 192.0.2.7");
  const ExplainedPlace at_a = explained().places.at(0);
  EXPECT_EQ(at_a.state, "down");
  EXPECT_EQ(at_a.why, "connect_refused: refused by 192.0.2.7");
  EXPECT_EQ(at_a.last_run, grid_of(check).due(slot));
  EXPECT_EQ(at_a.next_due, grid_of(check).due(slot + 1));
}

TEST_F(ExplainTest, SaysWhyThereIsNoData) {
  EXPECT_EQ(explained().places.at(1).state, "no_data");
  EXPECT_EQ(explained().places.at(1).why, "no result yet");
  EXPECT_EQ(explained().places.at(2).state, "no_data");
  EXPECT_EQ(explained().places.at(2).why, "no probe of this location is connected");
}

TEST_F(ExplainTest, NeverShowsAnOldResultAsTheStateOfNow) {
  report(proto::STATE_UP, "");
  now = kStart + seconds(120);
  const ExplainedPlace at_a = explained().places.at(0);
  EXPECT_EQ(at_a.state, "no_data");
  EXPECT_THAT(at_a.why, HasSubstr("too old"));
  EXPECT_TRUE(at_a.last_run.has_value());
}

TEST_F(ExplainTest, PutsADisabledCheckNowhere) {
  check.check.set_enabled(false);
  put_in_force();
  const Explanation of = explained();
  EXPECT_FALSE(of.enabled);
  EXPECT_TRUE(of.places.empty());
  EXPECT_THAT(to_table(of, now), HasSubstr("nowhere: enabled = false"));
}

TEST_F(ExplainTest, NamesTheIdThatWasMeant) {
  EXPECT_FALSE(explain("shop/helth", definitions, kInForce, ledger, connected, now).has_value());
  EXPECT_EQ(no_such_check("shop/helth", definitions),
            "there is no check \"shop/helth\"; did you mean \"shop/health\"?");
  EXPECT_EQ(no_such_check("nothing-like-it", definitions),
            "there is no check \"nothing-like-it\"; there are: shop/health, crm/login");
  EXPECT_EQ(no_such_check("shop/health", Definitions()), "there is no check \"shop/health\"");
}

TEST_F(ExplainTest, PutsItIntoATableForPeople) {
  report(proto::STATE_UP, "");
  const std::string table = to_table(explained(), now);
  EXPECT_THAT(table, HasSubstr("shop/health (http https://shop.example/health)\n"));
  EXPECT_THAT(
      table,
      HasSubstr("defined  checks/shop.toml:14, revision r1; unchanged at least since 2026-01-31T09:00:00Z\n"));
  EXPECT_THAT(table, HasSubstr("runs     every 15 s, timeout 10 s\n"));
  EXPECT_THAT(table, HasSubstr("where    locations = [\"*\"] are a, b, c\n"));
  EXPECT_THAT(table, HasSubstr("probe-a (192.0.2.7:4711)  2026-01-31T09:59:00Z"));
  EXPECT_THAT(table, HasSubstr("no probe of this location is connected\n"));
}

TEST_F(ExplainTest, SaysTheSameAsJson) {
  report(proto::STATE_UP, "");
  const std::string json = to_json(explained());
  EXPECT_THAT(json, HasSubstr(R"("file": "checks/shop.toml:14", "revision": "r1")"));
  EXPECT_THAT(json, HasSubstr(R"("location": "a", "probe": "probe-a", "peer": "192.0.2.7:4711")"));
  EXPECT_THAT(json, HasSubstr(R"("location": "c", "probe": null, "peer": null, "connected_since": null)"));
  EXPECT_THAT(json, HasSubstr(R"("state": "up", "why": "ok")"));
  EXPECT_THAT(json, Not(HasSubstr("WHY")));
}

}  // namespace
}  // namespace parallax
