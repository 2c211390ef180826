#include "base/listen_address.h"

#include <fmt/format.h>

#include <charconv>

namespace parallax {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

std::string_view next_step(const boost::system::error_code& error) {
  if (error == asio::error::address_in_use)
    return "`ss -ltnp` shows which program holds it; stop that one or listen on another port";
  if (error == asio::error::access_denied)
    return "take a port above 1023, or give the program CAP_NET_BIND_SERVICE";
  if (error == boost::system::errc::address_not_available) return "`ip address` shows the addresses this host has";
  return "look at the address";
}

}  // namespace

Result<tcp::endpoint> parse_listen_address(std::string_view text) {
  const auto refuse = [&] {
    return failure(
        fmt::format("\"{}\" is not an address and a port; write it like 127.0.0.1:9877 or [::1]:9877", text));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || bad != std::errc() || end != digits.data() + digits.size()) return refuse();

  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code error;
  const auto address = asio::ip::make_address(std::string(host), error);
  if (error || address.is_v6() != bracketed) return refuse();
  return tcp::endpoint(address, port);
}

std::string to_text(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  return fmt::format(fmt::runtime(endpoint.address().is_v6() ? "[{}]:{}" : "{}:{}"), address, endpoint.port());
}

Result<tcp::acceptor> listen_on(const asio::any_io_executor& executor, const tcp::endpoint& where) {
  tcp::acceptor acceptor(executor);
  boost::system::error_code error;
  acceptor.open(where.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(where, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return failure(fmt::format("cannot listen on {}: {}; {}", to_text(where), error.message(), next_step(error)));
  return acceptor;
}

}  // namespace parallax
