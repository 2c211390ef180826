#include "probe/net/source.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <system_error>

#include "probe/net/errors.h"

namespace asio = boost::asio;

namespace parallax {

Source source_from(const std::string& word) {
  Source source;
  if (word.empty()) return source;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(word, error);
  if (!error)
    source.address = address;
  else
    source.interface = word;
  return source;
}

int bind_to(int descriptor, const Source& source, bool v6) {
  if (source.address) {
    if (source.address->is_v6() != v6) return EADDRNOTAVAIL;
    const asio::ip::tcp::endpoint local(*source.address, 0);
    // The port is chosen when the peer is known: else 28000 checks a minute would use all of them up.
    const int on = 1;
    ::setsockopt(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return ::bind(descriptor, local.data(), static_cast<socklen_t>(local.size())) == 0 ? 0 : errno;
  }
  if (source.interface.empty()) return 0;
  const auto size = static_cast<socklen_t>(source.interface.size() + 1);
  return ::setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, source.interface.c_str(), size) == 0 ? 0 : errno;
}

Failure source_failure(const Source& source, int error) {
  const std::string words = std::system_category().message(error);
  if (is_exhaustion(error))
    return {proto::REASON_PROBE_FAULT, fmt::format("this probe cannot open a socket: {}", own_trouble(error))};
  if (source.address)
    return {proto::REASON_PROBE_ISOLATED,
            fmt::format("this probe cannot use the source {}: {}", source.address->to_string(), words)};
  if (error == ENODEV)
    return {proto::REASON_PROBE_ISOLATED, fmt::format("this probe has no interface {}", source.interface)};
  return {proto::REASON_PROBE_ISOLATED,
          fmt::format("this probe cannot use the interface {}: {}", source.interface, words)};
}

}  // namespace parallax
