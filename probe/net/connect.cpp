#include "probe/net/connect.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

#include "probe/net/errors.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

std::string text_of(const asio::ip::tcp::endpoint& to) {
  const char* form = to.address().is_v6() ? "[{}]:{}" : "{}:{}";
  return fmt::format(fmt::runtime(form), to.address().to_string(), to.port());
}

}  // namespace

SocketDeadline::SocketDeadline(TcpSocket& socket, Instant deadline)
    : socket_(socket), timer_(socket.get_executor(), deadline), passed_(std::make_shared<bool>(false)) {
  wait();
}

SocketDeadline::~SocketDeadline() { *passed_ = true; }

void SocketDeadline::move_to(Instant deadline) {
  timer_.expires_at(deadline);
  *passed_ = false;
  wait();
}

void SocketDeadline::wait() {
  timer_.async_wait([passed = passed_, this](const boost::system::error_code& error) {
    if (error || *passed) return;  // moved, or gone: then `this` is not touched
    *passed = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  });
}

Step<TcpSocket> open_socket(Loop& loop, const asio::ip::tcp::endpoint& to, const Source& source) {
  TcpSocket socket(loop);
  boost::system::error_code error;
  socket.open(to.protocol(), error);
  if (!error) socket.non_blocking(true, error);
  // Nagle keeps a short write back until the one before is acknowledged, which a peer may put off for 40 ms: what
  // follows the end of a TLS handshake would wait for that, and the target seem slow.
  if (!error) socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (error) return std::unexpected(connect_failure(error.value(), ErrorSource::local, text_of(to)));
  if (const int own = bind_to(socket.native_handle(), source, to.address().is_v6()))
    return std::unexpected(source_failure(source, own));
  return socket;
}

Task<Step<TcpSocket>> connect_in_phase(Loop& loop, asio::ip::tcp::endpoint to, Source source, Phases& phases,
                                       const Clock& clock, Instant deadline) {
  phases.leave(clock.now());
  auto socket = open_socket(loop, to, source);
  phases.enter(proto::PHASE_CONNECT, clock.now());
  if (!socket) co_return std::move(socket);
  const auto connected = co_await connect_to(*socket, to, deadline);
  if (!connected) co_return std::unexpected(connected.error());
  co_return std::move(socket);
}

Task<Step<void>> connect_to(TcpSocket& socket, asio::ip::tcp::endpoint to, Instant deadline) {
  boost::system::error_code error;
  // By hand, because what connect() says at once is our side's and what comes later is the network's.
  const int result = ::connect(socket.native_handle(), to.data(), static_cast<socklen_t>(to.size()));
  const int at_once = errno;  // before anything that sets it again
  if (result != 0 && at_once != EINPROGRESS) {
    const auto who = at_once == ECONNREFUSED ? ErrorSource::network : ErrorSource::local;
    co_return std::unexpected(connect_failure(at_once, who, text_of(to)));
  }
  if (result != 0) {
    SocketDeadline watch(socket, deadline);
    co_await socket.async_wait(TcpSocket::wait_write, asio::redirect_error(asio::use_awaitable, error));
    if (watch.passed()) co_return std::unexpected(connect_failure(ETIMEDOUT, ErrorSource::network, text_of(to)));
    if (error) co_return std::unexpected(Failure{proto::REASON_PROBE_FAULT, "the run was stopped"});
    int said = 0;
    socklen_t size = sizeof said;
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &said, &size) != 0) said = errno;
    if (said != 0) co_return std::unexpected(connect_failure(said, ErrorSource::network, text_of(to)));
  }
  co_return Step<void>();
}

}  // namespace parallax
