#include "probe/doctor_controllers.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/net/connect.h"
#include "probe/net/resolver.h"
#include "probe/settings.h"

namespace parallax {
namespace {

constexpr std::chrono::seconds kPatience{3};

// One after the other, as gRPC does, until one answers.
Task<> see(ControllerSeen& seen, Loop& loop, const Clock& clock, Resolver& resolver) {
  const auto place = parse_host_port(seen.written);
  if (!place) co_return;  // the settings were checked
  seen.host = place->host;
  seen.port = std::to_string(place->port);
  const Instant start = clock.now();
  const Instant deadline = start + kPatience;
  const auto addresses = co_await resolver.resolve(place->host, Family::any, deadline);
  if (!addresses) {
    seen.failure = addresses.error();
    co_return;
  }
  for (const auto& address : *addresses) {
    seen.address = address.to_string();
    const boost::asio::ip::tcp::endpoint to(address, place->port);
    auto socket = open_socket(loop, to, Source());
    if (!socket) {
      seen.failure = socket.error();
      continue;
    }
    const auto connected = co_await connect_to(*socket, to, deadline);
    seen.took = clock.now() - start;
    seen.failure = connected ? std::nullopt : std::optional(connected.error());
    if (connected) co_return;
  }
}

std::string remedy_for(const ControllerSeen& seen) {
  const auto host = for_shell(seen.host);
  if (seen.address.empty()) return fmt::format("echo ${{ADDRESS:?of the controller}} {} >> /etc/hosts", host);
  switch (seen.failure->reason) {
    case proto::REASON_CONNECT_REFUSED:
      return fmt::format("ssh {} systemctl restart parallax-controller", host);
    case proto::REASON_PROBE_ISOLATED:
      return "ip route get " + for_shell(seen.address);
    case proto::REASON_PROBE_FAULT:
      return "ulimit -n 4096";
    default:
      return fmt::format("traceroute -T -p {} {}", seen.port, host);
  }
}

}  // namespace

Finding controller_finding(const ControllerSeen& seen, bool another_answers) {
  if (!seen.failure)
    return {"controller", Finding::State::ok,
            fmt::format("{} accepts connections ({}, {})", seen.written, seen.address, to_text(seen.took)), ""};
  return {"controller", another_answers ? Finding::State::warning : Finding::State::trouble,
          fmt::format("{}: {}", seen.written, seen.failure->detail), remedy_for(seen)};
}

Task<std::vector<Finding>> look_at_controllers(const proto::ProbeSettings& settings, Loop& loop,
                                               const Clock& clock) {
  std::vector<ControllerSeen> seen(static_cast<std::size_t>(settings.controllers_size()));
  Resolver resolver(loop);
  TaskGroup group(loop);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    seen[i].written = settings.controllers(static_cast<int>(i));
    group.spawn("look at a controller", see(seen[i], loop, clock, resolver));
  }
  co_await group.drained();
  const bool any_answers = std::any_of(seen.begin(), seen.end(), [](const auto& one) { return !one.failure; });
  std::vector<Finding> findings;
  for (const auto& one : seen) findings.push_back(controller_finding(one, any_answers));
  co_return findings;
}

}  // namespace parallax
