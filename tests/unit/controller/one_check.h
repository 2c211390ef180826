// The page of a controller with one check at one location, for the tests of its series.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controller/exposition.h"
#include "tests/unit/controller/shop.h"

namespace parallax {

// One check at location a, whose runs are applied slot by slot; what the page says of it is looked up by name.
class ExpositionTest : public testing::Test {
 protected:
  void watch(const DefinedCheck& defined) {
    check = defined;
    ledger.apply_definitions(shared(set_of({check})), kStart);
    slot = grid_of(check).current(kStart);
    now = kStart;
  }

  // The run of the next slot.
  proto::RunResult next_run(proto::State state) { return run_of(check, ++slot, state); }
  void apply(const proto::RunResult& run) {
    now = grid_of(check).due(run.slot()) + std::chrono::seconds(1);
    ASSERT_EQ(ledger.apply(probe_at("a"), run, Milliseconds(0), now), Applied::counted);
  }

  std::string page(ExpositionFormat format = ExpositionFormat::text, const ExpositionFilter& filter = {}) const {
    return joined(write_exposition(format, ledger, fleet, controller, filter, now));
  }

  // Sample lines by what stands before the number, with the labels of the pair replaced by "@".
  std::map<std::string, std::string> samples() const {
    std::map<std::string, std::string> found;
    std::istringstream lines(page());
    const std::string& labels = ledger.checks().begin()->second.places.front().labels;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("#")) continue;
      const std::size_t space = line.rfind(' ');
      std::string series = line.substr(0, space);
      if (const auto at = series.find(labels); at != std::string::npos) series.replace(at, labels.size(), "@");
      EXPECT_TRUE(found.emplace(series, line.substr(space + 1)).second) << "twice: " << line;
    }
    return found;
  }
  std::string sample(const std::string& series) const {
    const auto all = samples();
    const auto found = all.find(series);
    return found == all.end() ? "absent" : found->second;
  }
  std::vector<std::string> names_with(const std::string& prefix) const {
    std::vector<std::string> names;
    for (const auto& [series, value] : samples())
      if (series.starts_with(prefix)) names.push_back(series);
    return names;
  }

  DefinedCheck check;
  std::int64_t slot = 0;
  WallTime now = kStart;
  Ledger ledger;
  FleetBook fleet;
  ControllerFigures controller{.version = "0.1.0", .revision = "abc", .last_reload_ok = true, .process = {}};
};

inline proto::RunResult with_answer(proto::RunResult run) {
  proto::Facts& facts = *run.mutable_facts();
  facts.set_address("192.0.2.7");
  facts.set_ip_protocol(4);
  facts.set_address_hash(0xbf9cf968U);
  proto::HttpFacts& http = *facts.mutable_http();
  http.set_status(200);
  http.set_version("2");
  http.set_redirects(1);
  http.set_body_bytes(110);
  http.set_sent_bytes(320);
  http.set_received_bytes(900);
  http.set_ssl(true);
  http.set_failed_due_to_regex(false);
  for (const auto phase : {proto::PHASE_RESOLVE, proto::PHASE_CONNECT, proto::PHASE_PROCESSING}) {
    proto::PhaseTime& time = *run.add_phases();
    time.set_phase(phase);
    time.set_nanoseconds(static_cast<std::int64_t>(phase) * 1'000'000);
  }
  return run;
}

}  // namespace parallax
