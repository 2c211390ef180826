#include "probe/net/tls_handshake.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr Milliseconds kReadOn{100};

Failure fault(const std::string& what) {
  return {proto::REASON_PROBE_FAULT, fmt::format("this probe cannot start TLS: {}", what)};
}

// Why SSL_connect() or SSL_read() gave up, when it was not for want of bytes.
Failure broken(const TlsPeer& peer, int ssl_error, int system_error) {
  if (const auto& alert = peer.alert())
    return {proto::REASON_TLS_PROTOCOL, fmt::format("the server refused the TLS handshake: alert \"{}\"", *alert)};
  if (peer.over_bounds()) return *peer.failure();
  const unsigned long first = ERR_peek_error();
  const int reason = ERR_GET_REASON(first);
  const bool is_eof = ssl_error == SSL_ERROR_ZERO_RETURN ||
                      (ssl_error == SSL_ERROR_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) ||
                      (ssl_error == SSL_ERROR_SYSCALL && first == 0);
  if (is_eof && (system_error == ECONNRESET || system_error == EPIPE))
    return {proto::REASON_CLOSED_EARLY, "the server reset the connection during the TLS handshake"};
  if (is_eof) return {proto::REASON_CLOSED_EARLY, "the server closed the connection during the TLS handshake"};
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
      reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    return {proto::REASON_TLS_PROTOCOL, "what the server answered is not TLS"};
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
    return {proto::REASON_TLS_PROTOCOL, "the server offers only versions of TLS older than min_version"};
  const char* words = first ? ERR_reason_error_string(first) : nullptr;
  return {proto::REASON_TLS_PROTOCOL,
          fmt::format("the TLS handshake failed: {}", words ? words : "no reason given")};
}

// Repeats `step` (SSL_connect, or SSL_read of nothing that we want) until it is done, fails or the deadline
// passes. The error of SSL_get_error: SSL_ERROR_NONE when done; a wait cut short is the WANT it was in.
enum class StepKind { connect, read };

Task<int> drive(SSL* connection, StepKind kind, TcpSocket& socket, const SocketDeadline& watch,
                const TlsPeer& peer) {
  char byte = 0;
  boost::system::error_code error;
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = kind == StepKind::connect ? SSL_connect(connection) : SSL_read(connection, &byte, 1);
    const int what = SSL_get_error(connection, result);
    if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) co_return what;
    if (watch.passed() || (kind == StepKind::read && peer.got_ticket())) co_return what;
    const auto wait = what == SSL_ERROR_WANT_READ ? TcpSocket::wait_read : TcpSocket::wait_write;
    co_await socket.async_wait(wait, asio::redirect_error(asio::use_awaitable, error));
    if (watch.passed()) co_return what;
  }
}

}  // namespace

Task<Step<Instant>> tls_handshake(TcpSocket& socket, TlsPeer& peer, const Clock& clock, Instant deadline) {
  const OpenSsl<ssl_ctx_st> context(SSL_CTX_new(TLS_client_method()));
  if (!context) co_return std::unexpected(fault("out of memory"));
  peer.attach(context.get());
  const OpenSsl<ssl_st> connection(SSL_new(context.get()));
  if (!connection || SSL_set_fd(connection.get(), socket.native_handle()) != 1)
    co_return std::unexpected(fault("out of memory"));

  SocketDeadline watch(socket, deadline);
  int ended = co_await drive(connection.get(), StepKind::connect, socket, watch, peer);
  const int system_error = errno;
  const Instant done = clock.now();
  if (ended == SSL_ERROR_NONE && peer.was_asked_for_certificate() &&
      SSL_version(connection.get()) >= TLS1_3_VERSION) {
    watch.move_to(std::min(deadline, done + kReadOn));
    ended = co_await drive(connection.get(), StepKind::read, socket, watch, peer);
    // Only an alert says anything: silence, a ticket, bytes of an eager server and even a goodbye are fine.
    if (!peer.alert()) ended = SSL_ERROR_NONE;
  }
  const bool timed_out = ended == SSL_ERROR_WANT_READ || ended == SSL_ERROR_WANT_WRITE;
  std::optional<Failure> failure;
  if (timed_out)
    failure = Failure{proto::REASON_TLS_TIMEOUT, "the server did not finish the TLS handshake in time"};
  if (!timed_out && ended != SSL_ERROR_NONE) failure = broken(peer, ended, system_error);
  ERR_clear_error();
  peer.conclude(connection.get());
  if (failure) co_return std::unexpected(*failure);
  co_return done;
}

}  // namespace parallax
