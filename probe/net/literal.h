// Addresses that need no look-up: a literal written as a host, and which of some are wanted.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "probe/net/addresses.h"
#include "probe/net/resolver.h"
#include "probe/outcome.h"

namespace parallax {

// "192.0.2.7", "2001:db8::7", "[2001:db8::7]", "fe80::1%eth0"; nothing for a name.
std::optional<boost::asio::ip::address> literal(std::string_view host);

// `host` as the literal it is: resolve_not_found when it is of the other family.
Step<Addresses> of_family(const std::string& host, Family family, const boost::asio::ip::address& literal);

// Those of `listed` that are wanted, sorted.
Addresses of_family(Family family, Addresses listed);

// IPv6 before IPv4, as RFC 6724 has it where both can be reached; the order within a family stays.
void sort_by_family(Addresses& addresses);

}  // namespace parallax
