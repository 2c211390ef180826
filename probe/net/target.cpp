#include "probe/net/target.h"

#include <fmt/compile.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/udp.hpp>
#include <cerrno>
#include <charconv>
#include <optional>

#include "base/slot_grid.h"
#include "probe/net/errors.h"
#include "probe/net/guard.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

// An answer may hold many addresses; beyond these it is not looked at.
constexpr std::size_t kMostAddresses = 16;

// With an address of one family in hand, how long the other is waited for: long enough for a lost packet to be
// asked for again (after 2 s), and never more than half of the time there is.
constexpr Milliseconds kOtherFamily{2500};

// Whether the kernel knows a way to `address`, by its errno: connecting a datagram socket sends nothing.
int local_route_error(const asio::ip::address& address, const Source& source) {
  const int fd = ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno == EAFNOSUPPORT ? ENETUNREACH : errno;
  int error = bind_to(fd, source, address.is_v6());
  const asio::ip::udp::endpoint to(address, 9);  // discard: any port would do
  if (error == 0 && ::connect(fd, to.data(), static_cast<socklen_t>(to.size())) != 0) error = errno;
  ::close(fd);
  return error;
}

// Whether this host has no way to any address of a family: neither to the Internet nor to a private network.
bool is_family_without_way(bool v6, const Source& source) {
  const auto is_without = [&](const char* address) {
    return is_without_route(local_route_error(asio::ip::make_address(address), source));
  };
  return v6 ? is_without("2001:db8::1") && is_without("fd00::1")
            : is_without("192.0.2.1") && is_without("10.0.0.1");
}

// A link-local address with a scope, a broadcast one, a blackhole: only what is_without_route() names is a family
// without a way out. Everything else is for the connection to find out, and of a single address all of it is:
// there is nothing to choose. The first `most` of them.
Step<Addresses> usable(const Addresses& addresses, const Source& source, std::size_t most) {
  if (addresses.size() == 1 && !source.is_set()) return addresses;
  Addresses found;
  const std::size_t count = std::min(addresses.size(), kMostAddresses);
  int last = ENETUNREACH;
  for (std::size_t i = 0; i < count && found.size() < most; ++i) {
    const int error = local_route_error(addresses[i], source);
    if (is_exhaustion(error))
      return std::unexpected(connect_failure(error, ErrorSource::local, addresses[i].to_string()));
    if (is_without_route(error))
      last = error;
    else
      found.push_back(addresses[i]);
  }
  if (!found.empty()) return found;
  if (source.is_set()) return std::unexpected(source_failure(source, last));
  return std::unexpected(connect_failure(ENETUNREACH, ErrorSource::local, addresses.front().to_string()));
}

// What DNS says of `host`. A family that this host has no way to is not waited for: a server that drops such
// questions harms nobody here. Where nothing else came, the other is asked again alone: there may be none, or the
// look-up failed.
Task<Step<Addresses>> ask_dns(Tools& tools, std::string host, Route route, Instant deadline) {
  Query query{host, route.family, route.resolver};
  if (route.family != Family::any) co_return co_await tools.resolver.resolve(query, deadline);
  const Instant now = tools.clock.now();
  const bool no_v4 = is_family_without_way(false, route.source);
  const bool no_v6 = is_family_without_way(true, route.source);
  const Instant settled = now + std::min<Nanoseconds>(kOtherFamily, (deadline - now) / 2);
  query.v4_by = no_v4 && !no_v6 ? now : settled;
  query.v6_by = no_v6 && !no_v4 ? now : settled;
  auto found = co_await tools.resolver.resolve(query, deadline);
  const auto is_beyond_reach = [&](const asio::ip::address& address) {
    return (address.is_v6() ? no_v6 : no_v4) && is_without_route(local_route_error(address, route.source));
  };
  if (!found || no_v4 == no_v6 || !std::all_of(found->begin(), found->end(), is_beyond_reach)) co_return found;
  query.family = no_v6 ? Family::v4 : Family::v6;
  auto other = co_await tools.resolver.resolve(query, deadline);
  if (!other && other.error().reason == proto::REASON_RESOLVE_NOT_FOUND) co_return found;
  co_return other;
}

// Every address of `host`, usable or not.
Task<Step<Addresses>> look_up(Tools& tools, std::string host, Route route, Instant deadline) {
  auto found = tools.resolver.at_hand(host, route.family, route.resolver, tools.clock.now());
  if (!found || !found->empty()) co_return found;
  co_return co_await ask_dns(tools, std::move(host), std::move(route), deadline);
}

// inet_ntop() writes an IPv4 address by printf: every run says its own.
std::string text_of(const asio::ip::address& address) {
  if (address.is_v6()) return address.to_string();
  const auto bytes = address.to_v4().to_bytes();
  return fmt::format(FMT_COMPILE("{}.{}.{}.{}"), bytes[0], bytes[1], bytes[2], bytes[3]);
}

Step<asio::ip::address> first_usable(const Addresses& addresses, const Source& source) {
  if (addresses.size() == 1 && !source.is_set()) return addresses.front();  // nearly always: without a list
  const auto found = usable(addresses, source, 1);
  if (!found) return std::unexpected(found.error());
  return found->front();
}

// The first usable one of `addresses`, if the guard lets us.
Step<asio::ip::address> chosen(const Guard& guard, const Addresses& addresses, std::uint16_t port,
                               const Route& route) {
  const auto first = first_usable(addresses, route.source);
  const auto& taken = first ? *first : addresses.front();
  // What is forbidden is said to be so even where there is no way to it.
  if (const auto refused = guard.refuses(taken, port))
    return std::unexpected(Failure{proto::REASON_BLOCKED_BY_POLICY, *refused});
  if (!first) return std::unexpected(first.error());
  return taken;
}

// "192.0.2.53:53" or "[2001:db8::53]:53", as definitions write it in its normal form.
std::optional<Failure> refused_resolver(const Guard& guard, const std::string& resolver) {
  if (resolver.empty()) return std::nullopt;
  const HostAndPort server = split_address(resolver);
  boost::system::error_code error;
  const auto address = asio::ip::make_address(server.host, error);
  if (error) return Failure{proto::REASON_PROBE_FAULT, fmt::format("the resolver {} is no address", resolver)};
  const auto refused = guard.refuses(address, server.port);
  if (!refused) return std::nullopt;
  return Failure{proto::REASON_BLOCKED_BY_POLICY, "as a resolver " + *refused};
}

}  // namespace

bool has_way_out(bool v6) { return !is_family_without_way(v6, {}); }

Route route_of(const proto::Check& check, std::optional<Route::Pinned> pinned) {
  return {family_from(check.ip()), source_from(check.source()), check.resolver(), std::move(pinned)};
}

HostAndPort split_address(const std::string& address) {
  HostAndPort parts{address, 443};
  const auto bracket = address.rfind(']');
  const auto colon = address.rfind(':');
  const bool is_bare_v6 = bracket == std::string::npos && address.find(':') != colon;
  if (colon != std::string::npos && !is_bare_v6 && (bracket == std::string::npos || colon > bracket)) {
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), parts.port);
    parts.host = address.substr(0, colon);
  }
  if (parts.host.size() > 2 && parts.host.front() == '[') parts.host = parts.host.substr(1, parts.host.size() - 2);
  return parts;
}

Task<Step<Addresses>> find_every_address(Tools& tools, std::string host, Route route, Instant deadline) {
  if (auto refused = refused_resolver(tools.guard, route.resolver)) co_return std::unexpected(std::move(*refused));
  const auto addresses = co_await look_up(tools, host, route, deadline);
  if (!addresses) co_return std::unexpected(addresses.error());
  co_return usable(*addresses, route.source, kMostAddresses);
}

std::optional<Step<asio::ip::address>> address_at_hand(Tools& tools, const std::string& host, std::uint16_t port,
                                                       const Route& route) {
  if (auto refused = refused_resolver(tools.guard, route.resolver)) return std::unexpected(std::move(*refused));
  if (route.pinned && route.pinned->host == host) return chosen(tools.guard, {route.pinned->address}, port, route);
  const auto found = tools.resolver.at_hand(host, route.family, route.resolver, tools.clock.now());
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::nullopt;
  return chosen(tools.guard, *found, port, route);
}

Task<Step<asio::ip::address>> find_address(Tools& tools, std::string host, std::uint16_t port, Route route,
                                           Instant deadline) {
  if (auto at_hand = address_at_hand(tools, host, port, route)) co_return std::move(*at_hand);
  const auto found = co_await ask_dns(tools, host, route, deadline);
  if (!found) co_return std::unexpected(found.error());
  co_return chosen(tools.guard, *found, port, route);
}

void note_address(proto::Facts& facts, const asio::ip::address& address) {
  facts.set_address(text_of(address));
  facts.set_ip_protocol(address.is_v4() ? 4 : 6);
  // As blackbox_exporter has it: FNV-1a of the bytes, so that a dashboard made for it sees the same changes.
  const auto hash = [](const auto& bytes) {
    return fnv1a_32({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  facts.set_address_hash(address.is_v4() ? hash(address.to_v4().to_bytes()) : hash(address.to_v6().to_bytes()));
}

}  // namespace parallax
