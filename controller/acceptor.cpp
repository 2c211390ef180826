#include "controller/acceptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/listen_address.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kMostSilence{10};
constexpr std::size_t kMostConnections = 20'000;
constexpr std::size_t kDescriptorsForOthers = 128;
constexpr std::chrono::milliseconds kPauseWhenExhausted{100};
constexpr std::chrono::seconds kWellAgain{5};  // accepting for so long without trouble
constexpr int kMostShedAtOnce = 10'000;

// A connection takes two descriptors: ours, which sees it end, and gRPC's.
std::size_t connections_that_fit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMostConnections;
  const std::size_t descriptors = limit.rlim_cur;
  const std::size_t left =
      descriptors > 2 * kDescriptorsForOthers ? descriptors - kDescriptorsForOthers : descriptors / 2;
  return std::clamp<std::size_t>(left / 2, 1, kMostConnections);
}

bool is_exhausted(const error_code& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == boost::system::errc::no_buffer_space || error == boost::system::errc::not_enough_memory;
}

// Whether the peer has said something. One that only closed is readable, too, and must not take a handshake's
// place.
bool has_spoken(tcp::socket& socket) {
  char first = 0;
  return ::recv(socket.native_handle(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

}  // namespace

Acceptor::Acceptor(Loop& loop, Log& log, const Clock& clock, Serve serve)
    : loop_(loop), log_(log), clock_(clock), serve_(std::move(serve)), tasks_(loop) {}

Acceptor::~Acceptor() {
  stop();
  if (reserve_ >= 0) ::close(reserve_);
}

Result<std::string> Acceptor::listen(const std::string& where) {
  const auto endpoint = parse_listen_address(where);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto acceptor = listen_on(loop_.get_executor(), *endpoint);
  if (!acceptor) return std::unexpected(acceptor.error());
  acceptor_.emplace(std::move(*acceptor));
  most_open_ = connections_that_fit();
  keep_reserve();
  tasks_.spawn("accept probes", accept());
  return to_text(acceptor_->local_endpoint());
}

void Acceptor::keep_reserve() {
  if (reserve_ < 0) reserve_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

Task<> Acceptor::accept() {
  while (acceptor_->is_open()) {
    auto arrival = std::make_shared<Arrival>(Arrival{tcp::socket(loop_), {}, {}, {}});
    tcp::endpoint peer;
    error_code error;
    co_await acceptor_->async_accept(arrival->socket, peer, asio::redirect_error(asio::use_awaitable, error));
    if (!acceptor_->is_open() || error == asio::error::operation_aborted) co_return;
    if (error) {
      shed(error);
      asio::steady_timer pause(loop_, kPauseWhenExhausted);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (open_.size() >= most_open_) {
      trouble_at_ = clock_.now();
      log_.on_change("accept probes", "full", Log::Level::error,
                     "too many connections to the fleet port: new ones are closed",
                     {{"most", std::to_string(most_open_)},
                      {"next", "raise the limit on open files (LimitNOFILE, ulimit -n): two for each probe"}});
      continue;
    }
    tell_well_again();
    arrival->peer = to_text(peer);
    arrival->peer_host = peer.address().to_string();
    arrival->since = clock_.now();
    arrival->socket.set_option(tcp::no_delay(true), error);
    open_.push_back(arrival);
    tasks_.spawn("probe connection " + arrival->peer, carry(arrival));
  }
}

// A crowd comes and goes with each descriptor that is free: said once, until it was quiet for a while.
void Acceptor::tell_well_again() {
  if (trouble_at_ && clock_.now() - *trouble_at_ < kWellAgain) return;
  trouble_at_.reset();
  log_.on_change("accept probes", "accepting", Log::Level::debug, "accepting probes");
}

// With a full table the waiting connections would stay waiting and wake us for ever: take them on the descriptor
// held in reserve and close them, so that their probes know at once and try again.
void Acceptor::shed(const error_code& error) {
  trouble_at_ = clock_.now();
  log_.on_change("accept probes", error.message(), Log::Level::error, "cannot accept probes for now",
                 {{"reason", error.message()},
                  {"next", "raise the limit on open files (LimitNOFILE, ulimit -n): two for each probe"}});
  if (!is_exhausted(error) || reserve_ < 0) return keep_reserve();
  ::close(std::exchange(reserve_, -1));
  error_code ignored;
  acceptor_->non_blocking(true, ignored);
  for (int shed = 0; shed < kMostShedAtOnce; ++shed) {
    tcp::socket refused(loop_);
    error_code none_waiting;
    acceptor_->accept(refused, none_waiting);
    if (none_waiting) break;
  }
  keep_reserve();
}

Task<> Acceptor::carry(std::shared_ptr<Arrival> arrival) {
  error_code error;
  co_await arrival->socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
  if (!error && has_spoken(arrival->socket)) {
    arrival->spoke = true;
    co_await serve_(arrival);
    // Reported when both directions are shut down: gRPC does that when it is done with the connection.
    if (arrival->socket.is_open())
      co_await arrival->socket.async_wait(tcp::socket::wait_error,
                                          asio::redirect_error(asio::use_awaitable, error));
  }
  error_code ignored;
  arrival->socket.shutdown(tcp::socket::shutdown_both, ignored);
  arrival->socket.close(ignored);
  open_.remove(arrival);
}

void Acceptor::tick() {
  const Instant now = clock_.now();
  for (const auto& arrival : open_) {
    error_code ignored;
    if (!arrival->spoke && now - arrival->since > kMostSilence) arrival->socket.close(ignored);
  }
}

void Acceptor::stop() {
  error_code ignored;
  if (acceptor_) acceptor_->close(ignored);
  for (const auto& arrival : open_) arrival->socket.close(ignored);
  tasks_.stop();
}

}  // namespace parallax
