// The one address a run goes to.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "base/task.h"
#include "probe/net/addresses.h"
#include "probe/net/resolver.h"
#include "probe/net/source.h"
#include "probe/outcome.h"
#include "probe/tools.h"
#include "proto/definition.pb.h"

namespace parallax {

// How the connections of a run are made: what its definition says in the keys of every type. Holds for every hop.
struct Route {
  Family family = Family::any;
  Source source;
  std::string resolver;  // "192.0.2.53:53"; empty for the host's

  // The address to take for `host`, where a check of each address has found them already.
  struct Pinned {
    std::string host;
    boost::asio::ip::address address;
  };
  std::optional<Pinned> pinned;
};

Route route_of(const proto::Check& check, std::optional<Route::Pinned> pinned = {});

struct HostAndPort {
  std::string host;
  std::uint16_t port = 443;
};

// "shop.example:8443", "192.0.2.7", "[2001:db8::7]:443", "2001:db8::7". Definitions were checked: what is no port
// stays 443.
HostAndPort split_address(const std::string& address);

// Every usable address of `host`, at most 16, never empty; the guard is not asked. Fails as find_address does.
Task<Step<Addresses>> find_every_address(Tools& tools, std::string host, Route route, Instant deadline);

// Resolves `host`, takes the first usable answer (`any` skips a family without a local route; no fallback to
// another address, so that a broken one is seen) and asks the guard about it and `port` (0 for none). Fails as
// Resolver::resolve does, with probe_isolated when no family of several addresses has a local route (of a single
// one the connection finds it out), and with blocked_by_policy, also for a resolver that the guard refuses.
Task<Step<boost::asio::ip::address>> find_address(Tools& tools, std::string host, std::uint16_t port, Route route,
                                                  Instant deadline);

// The same as far as no DNS server has to be asked; nothing where one has to. Most runs have their address at hand
// and need no coroutine, which may wait, to find it.
std::optional<Step<boost::asio::ip::address>> address_at_hand(Tools& tools, const std::string& host,
                                                              std::uint16_t port, const Route& route);

// Whether this host has a way out by a family: to the Internet or to a private network.
bool has_way_out(bool v6);

// Notes the address in facts: address, ip_protocol, address_hash.
void note_address(proto::Facts& facts, const boost::asio::ip::address& address);

}  // namespace parallax
