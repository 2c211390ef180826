// A check of every address that a name has: each is a run of its own, all at once and within one deadline, so that
// a dead address takes no time from the others.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <memory>

#include "probe/checks/checks.h"
#include "probe/net/target.h"
#include "probe/net/url.h"
#include "proto/names.h"

namespace parallax {
namespace {

using boost::asio::ip::address;

std::string host_of(const proto::Check& check) {
  if (check.has_ping()) return check.ping().host();
  if (check.has_tls()) return split_address(check.tls().address()).host;
  const auto url = parse_url(check.http().url());
  return url ? url->host : check.http().url();
}

// What the runs share; it lives as long as one of them, also when this check is stopped.
struct Runs {
  proto::Check check;
  Tools& tools;
  Instant deadline;
  std::string host;
  Addresses addresses;
  std::vector<Outcome> outcomes;
};

// At one address; the type's own function runs it.
Task<Outcome> run_at(const Runs& runs, std::size_t i) {
  const Route::Pinned pinned{runs.host, runs.addresses[i]};
  switch (runs.check.type_case()) {
    case proto::Check::kHttp:
      co_return co_await http(runs.check, runs.tools, runs.deadline, pinned);
    case proto::Check::kTls:
      co_return co_await tls(runs.check, runs.tools, runs.deadline, pinned);
    case proto::Check::kPing:
      co_return co_await ping(runs.check, runs.tools, runs.deadline, pinned);
    case proto::Check::TYPE_NOT_SET:
      break;
  }
  co_return Outcome();
}

// Trouble that a check did not foresee (no descriptor left) is that address' result, not the end of the probe.
Task<> keep_outcome(std::shared_ptr<Runs> runs, std::size_t i) {
  Failure failure{proto::REASON_PROBE_FAULT, {}};
  try {
    runs->outcomes[i] = co_await run_at(*runs, i);
    co_return;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    failure.detail = fmt::format("the probe could not run the check: {}", error.what());
  }
  runs->outcomes[i].die(std::move(failure), runs->tools.clock.now());
}

// What is known to be down outweighs what could not be measured.
int badness(proto::State state) {
  switch (state) {
    case proto::STATE_DOWN:
      return 3;
    case proto::STATE_UNKNOWN:
      return 2;
    case proto::STATE_DEGRADED:
      return 1;
    default:
      return 0;
  }
}

void note_phases(const Phases& phases, proto::AddressPhases& to) {
  const auto in_seconds = [&](proto::Phase phase) {
    const auto duration = phases.of(phase);
    return duration ? std::optional(seconds(*duration)) : std::nullopt;
  };
  if (const auto s = in_seconds(proto::PHASE_CONNECT)) to.set_connect(*s);
  if (const auto s = in_seconds(proto::PHASE_TLS)) to.set_tls(*s);
  if (const auto s = in_seconds(proto::PHASE_PROCESSING)) to.set_processing(*s);
  if (const auto s = in_seconds(proto::PHASE_TRANSFER)) to.set_transfer(*s);
  if (const auto s = in_seconds(proto::PHASE_SETUP)) to.set_setup(*s);
  if (const auto s = in_seconds(proto::PHASE_RTT)) to.set_rtt(*s);
}

// The worst run, the first of several, with the facts of all.
Outcome merged(Runs& runs, Nanoseconds resolving) {
  const auto worst =
      std::max_element(runs.outcomes.begin(), runs.outcomes.end(),
                       [](const Outcome& a, const Outcome& b) { return badness(a.state) < badness(b.state); });
  Outcome outcome = *worst;
  outcome.phases = {};
  outcome.phases.add(proto::PHASE_RESOLVE, resolving);
  for (const auto& [phase, duration] : worst->phases.all()) outcome.phases.add(phase, duration);
  const auto& at = runs.addresses[static_cast<std::size_t>(worst - runs.outcomes.begin())];
  const auto as_bad = std::count_if(runs.outcomes.begin(), runs.outcomes.end(),
                                    [&](const Outcome& one) { return one.state == worst->state; });
  outcome.detail = fmt::format("{}: {} ({} of {} addresses {})", at.to_string(), worst->detail, as_bad,
                               runs.addresses.size(), name(worst->state));
  for (std::size_t i = 0; i < runs.outcomes.size(); ++i) {
    proto::AddressFacts& facts = *outcome.facts.add_addresses();
    facts.set_address(runs.addresses[i].to_string());
    facts.set_state(std::string(name(runs.outcomes[i].state)));
    facts.set_reason(std::string(name(runs.outcomes[i].reason)));
    facts.set_detail(runs.outcomes[i].detail);
    note_phases(runs.outcomes[i].phases, *facts.mutable_phases());
  }
  return outcome;
}

}  // namespace

Task<Outcome> each_address(const proto::Check& check, Tools& tools, Instant deadline) {
  Outcome outcome;
  const Instant start = tools.clock.now();
  outcome.phases.enter(proto::PHASE_RESOLVE, start);
  const auto runs = std::make_shared<Runs>(check, tools, deadline, host_of(check));
  const Route route = route_of(check);
  auto found = co_await find_every_address(tools, runs->host, route, deadline);
  const Instant resolved = tools.clock.now();
  if (!found) {
    outcome.die(std::move(found.error()), resolved);
    co_return outcome;
  }
  runs->addresses = std::move(*found);
  runs->outcomes.resize(runs->addresses.size());
  TaskGroup group(tools.loop);
  for (std::size_t i = 0; i < runs->addresses.size(); ++i) group.spawn(check.id(), keep_outcome(runs, i));
  co_await group.drained();
  co_return merged(*runs, resolved - start);
}

}  // namespace parallax
