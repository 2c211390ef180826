// Ping: so many echo requests, evenly spaced; the replies are counted and timed.
#include <algorithm>

#include "probe/checks/checks.h"
#include "probe/checks/ping_facts.h"
#include "probe/checks/ping_judge.h"
#include "probe/net/icmp.h"
#include "probe/net/target.h"

namespace parallax {
namespace {

EchoOptions options_of(const proto::PingCheck& check, const Source& source) {
  EchoOptions options;
  if (check.has_payload_bytes()) options.payload_bytes = check.payload_bytes();
  if (check.ttl() != 0) options.hop_limit = static_cast<int>(check.ttl());
  options.dont_fragment = check.dont_fragment();
  options.source = source;
  return options;
}

// Whether there is something to wait for: not refused, and not `all` answered.
bool goes_on(const EchoRun& run, std::size_t all) { return !run.refusal() && run.answered() < all; }

// Sends and collects. Fails when a packet cannot leave this host; what comes back, or not, is in `run`.
Task<Step<void>> exchange(EchoRun& run, const proto::PingCheck& check, const Clock& clock, Instant deadline) {
  const std::size_t packets = std::max(1u, check.packets());
  const Milliseconds spacing(check.spacing_ms());
  while (true) {
    const auto sent = run.send();
    if (!sent) co_return sent;
    if (run.echoes().size() == packets) break;
    const Instant next = run.echoes().back().sent.steady + spacing;
    if (next >= deadline) break;
    while (goes_on(run, packets) && clock.now() < next) co_await run.wait_until(next);
    if (run.refusal()) co_return Step<void>();
  }
  const Instant last = run.echoes().back().sent.steady;
  const Instant until = std::min<Instant>(last + kReplyIsLateAfter, deadline);
  while (goes_on(run, run.echoes().size()) && clock.now() < until) co_await run.wait_until(until);
  if (run.answered() < run.echoes().size()) run.collect();
  co_return Step<void>();
}

// The phases of packets: setup ended when the first left, a round trip is what the replies took in the mean.
void tell_phases(Outcome& outcome, const EchoRun& run, const proto::PingFacts& facts) {
  const auto& echoes = run.echoes();
  if (!echoes.empty()) outcome.phases.leave(echoes.front().sent.steady);
  if (run.refusal())
    outcome.phases.enter(proto::PHASE_RTT, echoes.front().sent.steady);
  else if (facts.has_mean())
    outcome.phases.add(proto::PHASE_RTT, Nanoseconds(static_cast<std::int64_t>(facts.mean() * 1e9)));
}

}  // namespace

Task<Outcome> ping(const proto::Check& check, Tools& tools, Instant deadline,
                   std::optional<Route::Pinned> pinned) {
  Outcome outcome;
  if (!tools.icmp.is_settled()) co_await tools.icmp.settled();

  outcome.phases.enter(proto::PHASE_RESOLVE, tools.clock.now());
  const Route route = route_of(check, std::move(pinned));
  auto address = address_at_hand(tools, check.ping().host(), 0, route);
  if (!address) address = co_await find_address(tools, check.ping().host(), 0, route, deadline);
  if (!*address) {
    outcome.die(std::move(address->error()), tools.clock.now());
    co_return outcome;
  }
  note_address(outcome.facts, **address);

  outcome.phases.enter(proto::PHASE_SETUP, tools.clock.now());
  auto run = tools.icmp.begin(**address, options_of(check.ping(), route.source));
  if (!run) {
    outcome.die(std::move(run.error()), tools.clock.now());
    co_return outcome;
  }
  auto exchanged = co_await exchange(**run, check.ping(), tools.clock, deadline);

  if (!(*run)->echoes().empty()) *outcome.facts.mutable_ping() = ping_facts((*run)->echoes());
  tell_phases(outcome, **run, outcome.facts.ping());
  if (!exchanged)
    outcome.die(std::move(exchanged.error()), tools.clock.now());
  else if ((*run)->refusal())
    outcome.die(*(*run)->refusal(), tools.clock.now());
  else
    judge_ping(check.ping(), outcome.facts.ping(), outcome);
  co_return outcome;
}

}  // namespace parallax
