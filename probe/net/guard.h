// Which addresses this probe's checks may touch: the probe's own list, which a controller cannot widen.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace parallax {

// Denied by default: link-local, cloud metadata, multicast, broadcast, unspecified, the probe's own controllers
// (address and port), loopback and private ranges. IPv4 inside IPv6 (mapped, NAT64 64:ff9b::/96, 6to4) is
// unwrapped.
class Guard {
 public:
  // `allow`: prefixes like "10.0.0.0/8" that open private and loopback ranges; link-local, metadata, multicast and
  // unspecified addresses only when the prefix lies inside those ranges. The error names the bad prefix.
  static Result<Guard> from_prefixes(const std::vector<std::string>& allow);

  // For `run` by hand: loopback and private ranges pass, as who types could connect anyway.
  static Guard by_hand();

  // Also refuse this endpoint, whatever the list says.
  void deny_endpoint(boost::asio::ip::address address, std::uint16_t port);

  // Why a connection to `address` and `port` (0 for none) is refused, for people; nothing when it may go on.
  std::optional<std::string> refuses(const boost::asio::ip::address& address, std::uint16_t port) const;

 private:
  struct Prefix {
    boost::asio::ip::address base;
    unsigned length = 0;
  };
  Guard() = default;

  std::vector<Prefix> allow_;
  std::vector<std::pair<boost::asio::ip::address, std::uint16_t>> denied_endpoints_;
};

}  // namespace parallax
