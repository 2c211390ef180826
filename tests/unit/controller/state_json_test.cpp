#include "controller/state_json.h"

#include <gtest/gtest.h>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::seconds;

TEST(StateJson, TellsServicesChecksLocationsAndProbes) {
  const DefinedCheck check = http_check("shop", "health", {"a", "b"});
  Ledger ledger;
  ledger.apply_definitions(shared(set_of({check})), kStart);
  FleetBook fleet;
  proto::Hello hello;
  hello.set_version("0.1.0");
  fleet.connected(probe_at("a"), hello, kStart);
  const std::int64_t slot = grid_of(check).current(kStart);
  proto::RunResult run = run_of(check, slot, proto::STATE_DOWN);
  run.set_started_us(unix_us(kStart));
  run.set_detail("refused by 192.0.2.7");
  ledger.apply(probe_at("a"), run, Milliseconds(0), kStart);
  EXPECT_EQ(
      write_state_json(ledger, fleet, kStart + seconds(1)),
      R"({"status": "success", "data": {"revision": "r1", "services": [{"service": "shop", "title": "The shop", )"
      R"("up": null, "checks": [{"check": "health", "type": "http", "target": "https://shop.example/health", )"
      R"("up": null, "locations": [{"location": "a", "zone": "zone-a", "state": "down", )"
      R"("reason": "connect_refused", "detail": "refused by 192.0.2.7", )"
      R"("last_run": "2026-01-31T10:00:00.000000Z", "fresh": true, "duration_seconds": 0.02}, )"
      R"({"location": "b", "zone": "zone-b", "state": "no_data", "reason": null, "detail": null, "last_run": null, )"
      R"("fresh": false, "duration_seconds": null}]}]}], "probes": [{"probe": "probe-a", "location": "a", )"
      R"("connected": true, "last_seen": "2026-01-31T10:00:00.000000Z", "version": "0.1.0"}]}})");
}

TEST(StateJson, ALocationThatFellSilentHasNoDataAndStillItsLastRun) {
  const DefinedCheck check = http_check("shop", "health", {"a"});
  Ledger ledger;
  ledger.apply_definitions(shared(set_of({check})), kStart);
  const std::int64_t slot = grid_of(check).current(kStart);
  ledger.apply(probe_at("a"), run_of(check, slot, proto::STATE_UP), Milliseconds(0), kStart);
  const std::string state = write_state_json(ledger, FleetBook(), kStart + seconds(60));
  EXPECT_NE(state.find(R"("state": "no_data", "reason": "ok")"), std::string::npos) << state;
  EXPECT_NE(state.find(R"("fresh": false)"), std::string::npos) << state;
}

}  // namespace
}  // namespace parallax
