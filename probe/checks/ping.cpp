// Ping: so many echo requests, evenly spaced; the replies are counted and timed.
#include <algorithm>

#include "probe/checks/checks.h"
#include "probe/checks/ping_facts.h"
#include "probe/checks/ping_judge.h"
#include "probe/net/icmp.h"
#include "probe/net/target.h"

namespace parallax {
namespace {

EchoOptions options_of(const proto::Check& check) {
  const proto::PingCheck& ping = check.ping();
  EchoOptions options;
  if (ping.has_payload_bytes()) options.payload_bytes = ping.payload_bytes();
  if (ping.ttl() != 0) options.hop_limit = static_cast<int>(ping.ttl());
  options.dont_fragment = ping.dont_fragment();
  options.source = source_from(check.source());
  return options;
}

using Address = boost::asio::ip::address;

// Routes are not in ping() itself: Asio keeps a coroutine's frame for the next run only up to 1020 bytes, and
// memory for larger ones was 5 % of a ping.
std::optional<Step<Address>> known_address(const proto::Check& check, Tools& tools,
                                           const std::optional<Route::Pinned>& pinned) {
  return address_at_hand(tools, check.ping().host(), 0, route_of(check, pinned));
}

Task<Step<Address>> address_by_dns(const proto::Check& check, Tools& tools, Instant deadline) {
  const Route route = route_of(check);
  co_return co_await find_address(tools, check.ping().host(), 0, route, deadline);
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

void judge(const proto::PingCheck& check, const EchoRun& run, Step<void> exchanged, const Clock& clock,
           Outcome& outcome) {
  if (!run.echoes().empty()) *outcome.facts.mutable_ping() = ping_facts(run.echoes());
  tell_phases(outcome, run, outcome.facts.ping());
  if (!exchanged)
    outcome.die(std::move(exchanged.error()), clock.now());
  else if (run.refusal())
    outcome.die(*run.refusal(), clock.now());
  else
    judge_ping(check, outcome.facts.ping(), outcome);
}

}  // namespace

Task<Outcome> ping(const proto::Check& check, Tools& tools, Instant deadline,
                   std::optional<Route::Pinned> pinned) {
  Outcome outcome;
  if (!tools.icmp.is_settled()) co_await tools.icmp.settled();

  outcome.phases.enter(proto::PHASE_RESOLVE, tools.clock.now());
  auto address = known_address(check, tools, pinned);
  if (!address) address = co_await address_by_dns(check, tools, deadline);
  if (!*address) {
    outcome.die(std::move(address->error()), tools.clock.now());
    co_return outcome;
  }
  note_address(outcome.facts, **address);

  outcome.phases.enter(proto::PHASE_SETUP, tools.clock.now());
  auto run = tools.icmp.begin(**address, options_of(check));
  if (!run) {
    outcome.die(std::move(run.error()), tools.clock.now());
    co_return outcome;
  }
  auto exchanged = co_await exchange(**run, check.ping(), tools.clock, deadline);

  judge(check.ping(), **run, std::move(exchanged), tools.clock, outcome);
  co_return outcome;
}

}  // namespace parallax
