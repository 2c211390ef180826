// A small shop for the tests of the books: definitions, runs and probes, made by hand.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "controller/ledger.h"

namespace parallax {

// 2026-01-31T10:00:00Z, far from any boundary that matters.
inline const WallTime kStart = from_unix_us(1769853600LL * 1'000'000);

inline proto::Location location(const std::string& name) {
  proto::Location place;
  place.set_name(name);
  place.set_zone("zone-" + name);
  place.set_region("eu");
  place.set_title("Rack in " + name);
  return place;
}

// An http check every 15 s with a timeout of 10 s: fresh for 45 s after its moment.
inline DefinedCheck http_check(const std::string& service, const std::string& name,
                               std::vector<std::string> locations) {
  DefinedCheck defined;
  proto::Check& check = defined.check;
  check.set_service(service);
  check.set_name(name);
  check.set_id(service + "/" + name);
  check.set_target("https://" + service + ".example/" + name);
  check.set_every_ms(15'000);
  check.set_timeout_ms(10'000);
  check.set_up_when("majority");
  check.set_enabled(true);
  check.mutable_http()->set_url(check.target());
  defined.locations = std::move(locations);
  defined.fingerprint = fingerprint(check);
  return defined;
}

inline DefinedCheck ping_check(const std::string& service, const std::string& name,
                               std::vector<std::string> locations) {
  DefinedCheck defined = http_check(service, name, std::move(locations));
  defined.check.mutable_ping()->set_host("shop.example");
  defined.check.set_target("shop.example");
  defined.fingerprint = fingerprint(defined.check);
  return defined;
}

inline DefinedCheck tls_check(const std::string& service, const std::string& name,
                              std::vector<std::string> locations) {
  DefinedCheck defined = http_check(service, name, std::move(locations));
  defined.check.mutable_tls()->set_address("shop.example:443");
  defined.check.set_target("shop.example:443");
  defined.fingerprint = fingerprint(defined.check);
  return defined;
}

inline Definitions set_of(std::vector<DefinedCheck> checks) {
  Definitions set;
  set.revision = "r1";
  for (const char* name : {"a", "b", "c"}) set.locations.push_back(location(name));
  for (const DefinedCheck& check : checks) {
    const bool is_known = std::ranges::any_of(
        set.services, [&](const proto::Service& service) { return service.name() == check.check.service(); });
    if (is_known) continue;
    proto::Service& service = set.services.emplace_back();
    service.set_name(check.check.service());
    service.set_title("The " + check.check.service());
    service.set_owner("shop");
  }
  set.checks = std::move(checks);
  return set;
}

inline std::shared_ptr<const Definitions> shared(Definitions set) {
  return std::make_shared<const Definitions>(std::move(set));
}

inline Identity probe_at(const std::string& location) { return {location, "probe-" + location}; }

// The grid of a check at the k-th of its locations.
inline SlotGrid grid_of(const DefinedCheck& check, std::uint32_t k = 0) {
  return {check.check.id(), Milliseconds(check.check.every_ms()), k,
          static_cast<std::uint32_t>(check.locations.size())};
}

inline proto::Reason reason_of(proto::State state) {
  if (state == proto::STATE_UP) return proto::REASON_OK;
  return state == proto::STATE_UNKNOWN ? proto::REASON_PROBE_FAULT : proto::REASON_CONNECT_REFUSED;
}

// A run of `check` in `slot` at its k-th location: it started when it was due and took 20 ms.
inline proto::RunResult run_of(const DefinedCheck& check, std::int64_t slot, proto::State state,
                               std::uint32_t k = 0) {
  proto::RunResult run;
  run.set_check_id(check.check.id());
  run.set_definition(check.fingerprint);
  run.set_slot(slot);
  run.set_started_us(unix_us(grid_of(check, k).due(slot)));
  run.set_duration_ns(20'000'000);
  run.set_attempts(1);
  run.set_state(state);
  run.set_reason(reason_of(state));
  if (state == proto::STATE_DOWN) run.set_phase(proto::PHASE_CONNECT);
  return run;
}

}  // namespace parallax
