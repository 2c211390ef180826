#include "probe/net/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cctype>

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr std::size_t kMostHeaderBytes = 64 * 1024;

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool lies_in(const asio::ip::address& address, const std::string& prefix) {
  boost::system::error_code error;
  if (address.is_v4()) {
    const auto network = asio::ip::make_network_v4(prefix, error);
    return !error &&
           asio::ip::make_network_v4(address.to_v4(), network.prefix_length()).canonical() == network.canonical();
  }
  const auto network = asio::ip::make_network_v6(prefix, error);
  return !error &&
         asio::ip::make_network_v6(address.to_v6(), network.prefix_length()).canonical() == network.canonical();
}

bool covers(std::string entry, const std::string& host) {
  if (entry == "*") return true;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (!error) {
    if (entry.find('/') != std::string::npos) return lies_in(address, entry);
    const auto same = asio::ip::make_address(entry, error);
    return !error && same == address;
  }
  if (entry.starts_with('.')) entry.erase(0, 1);
  const std::string name = lower(host);
  const std::string domain = lower(std::move(entry));
  return name == domain || name.ends_with("." + domain);
}

Failure trouble(std::string words) { return {proto::REASON_PROXY, std::move(words)}; }

// What the proxy's answer means; the status line is "HTTP/1.1 200 Connection established".
Step<void> judge(const std::string& answer) {
  const std::string line = answer.substr(0, answer.find_first_of("\r\n"));
  const auto space = line.find(' ');
  const std::string status = space == std::string::npos ? "" : line.substr(space + 1, 3);
  if (!line.starts_with("HTTP/1.") || status.size() != 3)
    return std::unexpected(trouble("what answered at the proxy's address does not speak HTTP"));
  if (status.front() == '2') {
    if (answer.size() == answer.find("\r\n\r\n") + 4) return {};
    return std::unexpected(trouble("the proxy sent something before the tunnel was used"));
  }
  const std::string rest = line.substr(space + 1, 80);
  if (status == "407") return std::unexpected(trouble(fmt::format("the proxy wants to know who asks: {}", rest)));
  return std::unexpected(trouble(fmt::format("the proxy refused the tunnel: {}", rest)));
}

}  // namespace

bool goes_around_proxy(const std::vector<std::string>& no_proxy, const std::string& host) {
  return std::any_of(no_proxy.begin(), no_proxy.end(),
                     [&](const std::string& entry) { return covers(entry, host); });
}

Task<Step<void>> open_tunnel(TcpSocket& socket, std::string target, std::string authorization, Instant deadline) {
  SocketDeadline watch(socket, deadline);
  boost::system::error_code error;
  std::string request =
      fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\nUser-Agent: parallax/{1}\r\n", target, PARALLAX_VERSION);
  if (!authorization.empty()) request += "Proxy-Authorization: " + authorization + "\r\n";
  request += "\r\n";
  const auto bytes = asio::buffer(request);
  co_await asio::async_write(socket, bytes, asio::redirect_error(asio::use_awaitable, error));
  std::string answer;
  std::array<char, 4096> room;
  const auto buffer = asio::buffer(room);
  while (!error && !watch.passed() && answer.find("\r\n\r\n") == std::string::npos) {
    const std::size_t size =
        co_await socket.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, error));
    answer.append(room.data(), size);
    if (answer.size() > kMostHeaderBytes) co_return std::unexpected(trouble("the proxy's answer does not end"));
  }
  if (watch.passed()) co_return std::unexpected(trouble("the proxy did not open the tunnel in time"));
  if (error == asio::error::operation_aborted)
    co_return std::unexpected(Failure{proto::REASON_PROBE_FAULT, "the run was stopped"});
  if (error && answer.empty())
    co_return std::unexpected(trouble("the proxy closed the connection without an answer"));
  if (error) co_return std::unexpected(trouble("the proxy closed the connection within its answer"));
  co_return judge(answer);
}

Failure proxy_trouble(const std::string& proxy, Failure failure) {
  if (state_of(failure.reason) == proto::STATE_UNKNOWN) return failure;
  return trouble(fmt::format("proxy {}: {}", proxy, failure.detail));
}

}  // namespace parallax
