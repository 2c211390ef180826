#include "probe/net/target.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/udp.hpp>
#include <cerrno>

#include "base/slot_grid.h"
#include "probe/net/errors.h"
#include "probe/net/guard.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

// An answer may hold many addresses; beyond these it is not looked at.
constexpr std::size_t kMostAddresses = 16;

// Whether the kernel knows a way to `address`, by its errno: connecting a datagram socket sends nothing.
int local_route_error(const asio::ip::address& address) {
  const int fd = ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno == EAFNOSUPPORT ? ENETUNREACH : errno;
  const asio::ip::udp::endpoint to(address, 9);  // discard: any port would do
  const int error = ::connect(fd, to.data(), static_cast<socklen_t>(to.size())) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

// A link-local address with a scope, a broadcast one, a blackhole: only what is_without_route() names is a family
// without a way out. Everything else is for the connection to find out.
Step<asio::ip::address> first_usable(const std::vector<asio::ip::address>& addresses) {
  const std::size_t count = std::min(addresses.size(), kMostAddresses);
  for (std::size_t i = 0; i < count; ++i) {
    const int error = local_route_error(addresses[i]);
    if (is_exhaustion(error))
      return std::unexpected(connect_failure(error, ErrorSource::local, addresses[i].to_string()));
    if (!is_without_route(error)) return addresses[i];
  }
  return std::unexpected(connect_failure(ENETUNREACH, ErrorSource::local, addresses.front().to_string()));
}

}  // namespace

Task<Step<asio::ip::address>> find_address(Tools& tools, std::string host, std::uint16_t port, Family family,
                                           Instant deadline) {
  const auto addresses = co_await tools.resolver.resolve(host, family, deadline);
  if (!addresses) co_return std::unexpected(addresses.error());
  const auto usable = first_usable(*addresses);
  // What is forbidden is said to be so even where there is no way to it.
  if (const auto refused = tools.guard.refuses(usable ? *usable : addresses->front(), port))
    co_return std::unexpected(Failure{proto::REASON_BLOCKED_BY_POLICY, *refused});
  co_return usable;
}

void note_address(proto::Facts& facts, const asio::ip::address& address) {
  facts.set_address(address.to_string());
  facts.set_ip_protocol(address.is_v4() ? 4 : 6);
  // As blackbox_exporter has it: FNV-1a of the bytes, so that a dashboard made for it sees the same changes.
  const auto hash = [](const auto& bytes) {
    return fnv1a_32({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  facts.set_address_hash(address.is_v4() ? hash(address.to_v4().to_bytes()) : hash(address.to_v6().to_bytes()));
}

}  // namespace parallax
