#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>

#include "probe/checks/checks.h"
#include "probe/checks/tls_judge.h"
#include "probe/net/connect.h"
#include "probe/net/starttls.h"
#include "probe/net/target.h"
#include "probe/net/tls_facts.h"
#include "probe/net/tls_settings.h"
#include "probe/net/tls_verify.h"
#include "probe/net/wire.h"

namespace parallax {
namespace {

std::string words_for(const proto::TlsFacts& facts, WallTime now) {
  if (!facts.has_earliest_expiry()) return facts.version();
  const double expiry = facts.has_chain_expiry() ? facts.chain_expiry() : facts.earliest_expiry();
  const char* form =
      facts.verified() ? "{}, certificate expires in {}" : "{}, certificate not verified, expires in {}";
  return fmt::format(fmt::runtime(form), facts.version(), to_text(left_until(expiry, now)));
}

void judge(const proto::TlsCheck& check, const proto::TlsFacts& facts, WallTime now, Outcome& outcome) {
  if (auto failed = judge_tls(check.expect(), facts, now)) return outcome.fail_rule(*failed, proto::STATE_DOWN);
  if (auto failed = judge_tls(check.warn(), facts, now)) return outcome.fail_rule(*failed, proto::STATE_DEGRADED);
  outcome.succeed(words_for(facts, now));
}

}  // namespace

Task<Outcome> tls(const proto::Check& check, Tools& tools, Instant deadline, std::optional<Route::Pinned> pinned) {
  Outcome outcome;
  const HostAndPort to = split_address(check.tls().address());
  const std::string& starttls = check.tls().starttls();

  outcome.phases.enter(proto::PHASE_RESOLVE, tools.clock.now());
  if (!starttls.empty() && !can_start_tls(starttls)) {
    Failure failure{proto::REASON_UNSUPPORTED,
                    fmt::format("this probe does not know STARTTLS in {} yet", starttls)};
    outcome.die(std::move(failure), tools.clock.now());
    co_return outcome;
  }
  const auto settings = tls_settings(check.tls().tls(), to.host, tools);
  if (!settings) {
    outcome.die(settings.error(), tools.clock.now());
    co_return outcome;
  }
  const Route route = route_of(check, std::move(pinned));
  const auto address = co_await find_address(tools, to.host, to.port, route, deadline);
  if (!address) {
    outcome.die(address.error(), tools.clock.now());
    co_return outcome;
  }
  note_address(outcome.facts, *address);

  const boost::asio::ip::tcp::endpoint endpoint(*address, to.port);
  auto socket =
      co_await connect_in_phase(tools.loop, endpoint, route.source, outcome.phases, tools.clock, deadline);
  if (!socket) {
    outcome.die(socket.error(), tools.clock.now());
    co_return outcome;
  }

  outcome.phases.enter(proto::PHASE_TLS, tools.clock.now());
  if (!starttls.empty()) {
    const auto started = co_await start_tls(*socket, starttls, deadline);
    if (!started) {
      outcome.die(started.error(), tools.clock.now());
      co_return outcome;
    }
  }
  const WallTime wall = tools.clock.wall();
  TlsPeer peer(*settings, wall);
  Wire wire(std::move(*socket), tools.clock, deadline);
  auto done = co_await wire.handshake(peer);
  if (done) {
    const auto heard = co_await wire.hear_refusal();
    if (!heard) done = std::unexpected(heard.error());
  }
  if (!peer.facts().version().empty() || !peer.facts().certificates().empty())
    *outcome.facts.mutable_tls() = peer.facts();
  if (!done) {
    outcome.die(done.error(), tools.clock.now());
    co_return outcome;
  }
  outcome.phases.leave(*done);
  if (const auto failure = peer.failure())
    outcome.die(*failure, *done);
  else
    judge(check.tls(), peer.facts(), wall, outcome);
  co_return outcome;
}

}  // namespace parallax
