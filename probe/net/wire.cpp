#include "probe/net/wire.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <memory>
#include <utility>

#include "probe/net/kernel_stamps.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr Milliseconds kReadOn{100};

// What is read between two waits, so that a peer that sends faster than we work lets the loop have its turn: the
// deadline and the other runs.
constexpr std::size_t kOneTurn = 64 * 1024;

Failure fault(const std::string& what) {
  return {proto::REASON_PROBE_FAULT, fmt::format("this probe cannot start TLS: {}", what)};
}

bool has_nothing_yet(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

// Why a handshake broke, where no alert told.
Failure handshake_broken(Wire::Status status, int system_error, int reason, const std::string& words) {
  if (status != Wire::Status::broken) {
    const bool was_reset = system_error == ECONNRESET || system_error == EPIPE;
    return {proto::REASON_CLOSED_EARLY,
            fmt::format("the server {} the connection during the TLS handshake", was_reset ? "reset" : "closed")};
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
      reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    return {proto::REASON_TLS_PROTOCOL, "what the server answered is not TLS"};
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
    return {proto::REASON_TLS_PROTOCOL, "the server offers only versions of TLS older than min_version"};
  if (reason == SSL_R_EXCESSIVE_MESSAGE_SIZE)
    return {proto::REASON_TLS_PROTOCOL, "the server's certificate chain is over the bounds (100 KiB)"};
  return {proto::REASON_TLS_PROTOCOL,
          fmt::format("the TLS handshake failed: {}", words.empty() ? "no reason given" : words)};
}

}  // namespace

// The socket as OpenSSL sees it, through a BIO that keeps the kernel's stamps.
struct Wire::Stamped {
  int descriptor = -1;
  std::optional<Nanoseconds> stamp;
  bool ended = false;
  std::size_t left = kOneTurn;  // bytes until the next wait

  static Stamped& of(BIO* bio) { return *static_cast<Stamped*>(BIO_get_data(bio)); }

  // Once the turn is used up, as if nothing had come yet. OpenSSL by itself reads on through messages that carry
  // no data (tickets, hello requests) for as long as they come.
  StampedRead receive(std::span<char> into) {
    if (left == 0) {
      errno = EAGAIN;
      return {};
    }
    const StampedRead got = receive_stamped(descriptor, into.first(std::min(into.size(), left)));
    if (got.size > 0) left -= static_cast<std::size_t>(got.size);
    return got;
  }

  static int read(BIO* bio, char* into, int size) {
    Stamped& self = of(bio);
    BIO_clear_retry_flags(bio);
    const StampedRead got = self.receive({into, static_cast<std::size_t>(size)});
    if (got.size < 0 && has_nothing_yet(errno)) BIO_set_retry_read(bio);
    if (got.size == 0) self.ended = true;
    if (got.size > 0) self.stamp = got.stamp;
    return static_cast<int>(got.size);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const auto sent = ::send(of(bio).descriptor, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && has_nothing_yet(errno)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }

  static long control(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_EOF) return of(bio).ended;
    return what == BIO_CTRL_FLUSH;
  }

  // One method serves every connection; it is a table of functions.
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const table = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stamped socket");
      BIO_meth_set_read(made, &read);
      BIO_meth_set_write(made, &write);
      BIO_meth_set_ctrl(made, &control);
      return made;
    }();
    return table;
  }

  BIO* make_bio() {
    BIO* bio = BIO_new(method());
    if (!bio) return nullptr;
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    return bio;
  }
};

Wire::Wire(TcpSocket connected, const Clock& clock, Instant deadline)
    : clock_(clock),
      socket_(std::move(connected)),
      watch_(socket_, deadline),
      deadline_(deadline),
      stamped_(std::make_unique<Stamped>()),
      looked_(clock.now()),
      arrived_(looked_) {
  stamped_->descriptor = socket_.native_handle();
  ask_for_stamps(stamped_->descriptor, false);
}

Wire::~Wire() = default;

Task<Wire::Woke> Wire::wait_for(TcpSocket::wait_type what) {
  boost::system::error_code error;
  co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  stamped_->left = kOneTurn;
  if (watch_.passed()) co_return Woke::timed_out;
  co_return error ? Woke::stopped : Woke::ready;
}

Task<Wire::Woke> Wire::wait_to_read() { return wait_for(TcpSocket::wait_read); }
Task<Wire::Woke> Wire::wait_to_write() { return wait_for(TcpSocket::wait_write); }

// The wait for reading runs beside the one for writing and ends it.
Task<Wire::Woke> Wire::wait_for_either() {
  const auto readable = std::make_shared<bool>(false);
  const auto waiting = std::make_shared<bool>(true);
  socket_.async_wait(TcpSocket::wait_read, [this, readable, waiting](const boost::system::error_code& error) {
    if (error || !*waiting) return;  // this may be gone
    *readable = true;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
  });
  struct Over {
    bool& waiting;
    ~Over() { waiting = false; }
  } over{*waiting};
  const Woke woke = co_await wait_for(TcpSocket::wait_write);
  boost::system::error_code ignored;
  if (!*readable) socket_.cancel(ignored);
  co_return *readable&& woke == Woke::stopped ? Woke::ready : woke;
}

void Wire::note_arrival() { arrived_ = moment_of_stamp(stamped_->stamp, looked_, clock_); }

// Not where the turn was over: more may be there already.
void Wire::note_emptiness() {
  if (stamped_->left > 0) looked_ = clock_.now();
}

// What SSL_read, SSL_write or SSL_connect came to. Requires: the error queue and errno were cleared before.
Wire::Moved Wire::from_ssl(int result) {
  if (result > 0) return {Status::moved, static_cast<std::size_t>(result)};
  const int what = SSL_get_error(tls_.get(), result);
  system_error_ = errno;
  if (what == SSL_ERROR_WANT_READ) return {Status::wants_read};
  if (what == SSL_ERROR_WANT_WRITE) return {Status::wants_write};
  if (what == SSL_ERROR_ZERO_RETURN) return {Status::closed};
  const unsigned long first = ERR_peek_error();
  const bool is_end = (what == SSL_ERROR_SYSCALL && first == 0) ||
                      (what == SSL_ERROR_SSL && ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
  if (is_end) return {Status::cut};
  const char* words = first ? ERR_reason_error_string(first) : nullptr;
  words_ = words ? words : "";
  return {Status::broken};
}

Wire::Moved Wire::read(std::span<char> into) {
  if (tls_) {
    ERR_clear_error();
    errno = 0;
    const Moved moved = from_ssl(SSL_read(tls_.get(), into.data(), static_cast<int>(into.size())));
    if (moved.status == Status::moved) note_arrival();
    if (moved.status == Status::wants_read) note_emptiness();
    return moved;
  }
  const StampedRead got = stamped_->receive(into);
  system_error_ = errno;
  if (got.size == 0) return {Status::closed};
  if (got.size < 0 && !has_nothing_yet(system_error_)) return {Status::cut};
  if (got.size < 0) {
    note_emptiness();
    return {Status::wants_read};
  }
  stamped_->stamp = got.stamp;
  note_arrival();
  return {Status::moved, static_cast<std::size_t>(got.size)};
}

Wire::Moved Wire::write(std::string_view bytes) {
  looked_ = clock_.now();
  if (tls_) {
    ERR_clear_error();
    errno = 0;
    return from_ssl(SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())));
  }
  const auto sent = ::send(stamped_->descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  system_error_ = errno;
  if (sent >= 0) return {Status::moved, static_cast<std::size_t>(sent)};
  return {has_nothing_yet(system_error_) ? Status::wants_write : Status::cut};
}

// Until it is done or fails; wants_read at the deadline.
Task<Wire::Status> Wire::drive_handshake() {
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const Moved moved = from_ssl(SSL_connect(tls_.get()));
    if (moved.status != Status::wants_read && moved.status != Status::wants_write) co_return moved.status;
    const auto what = moved.status == Status::wants_read ? TcpSocket::wait_read : TcpSocket::wait_write;
    const Woke woke = co_await wait_for(what);
    if (woke != Woke::ready) co_return moved.status;
  }
}

Task<Step<Instant>> Wire::handshake(TlsPeer& peer) {
  peer_ = &peer;
  tls_ = peer.connection();
  BIO* const bio = tls_ ? stamped_->make_bio() : nullptr;
  if (!bio) co_return std::unexpected(fault("out of memory"));
  SSL_set_bio(tls_.get(), bio, bio);

  const Status status = co_await drive_handshake();
  const int reason = ERR_GET_REASON(ERR_peek_error());
  if (status == Status::moved) note_arrival();
  const Instant done = status == Status::moved ? arrived_ : clock_.now();
  ERR_clear_error();
  peer.conclude(tls_.get());
  if (status == Status::moved) co_return done;
  if (peer.alert())
    co_return std::unexpected(
        Failure{proto::REASON_TLS_PROTOCOL,
                fmt::format("the server refused the TLS handshake: alert \"{}\"", *peer.alert())});
  if (peer.over_bounds()) co_return std::unexpected(*peer.failure());
  if (status == Status::wants_read || status == Status::wants_write)
    co_return std::unexpected(
        Failure{proto::REASON_TLS_TIMEOUT, "the server did not finish the TLS handshake in time"});
  co_return std::unexpected(handshake_broken(status, system_error_, reason, words_));
}

Task<Step<void>> Wire::hear_refusal() {
  if (!peer_->was_asked_for_certificate() || SSL_version(tls_.get()) < TLS1_3_VERSION) co_return Step<void>();
  watch_.move_to(std::min(deadline_, clock_.now() + kReadOn));
  char byte = 0;
  Moved moved = read({&byte, 1});
  // A ticket means that we are welcome; so do the first bytes of an eager server, silence, and even a goodbye.
  while (moved.status == Status::wants_read && !peer_->got_ticket()) {
    const Woke woke = co_await wait_to_read();
    if (woke != Woke::ready) break;
    moved = read({&byte, 1});
  }
  ERR_clear_error();
  if (!peer_->alert()) co_return Step<void>();
  co_return std::unexpected(
      Failure{proto::REASON_TLS_PROTOCOL,
              fmt::format("the server refused the TLS handshake: alert \"{}\"", *peer_->alert())});
}

}  // namespace parallax
