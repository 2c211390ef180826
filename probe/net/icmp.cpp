#include "probe/net/icmp.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/random.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "probe/net/errors.h"
#include "probe/net/icmp_packet.h"
#include "probe/net/icmp_socket.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

// How long the kernel may take to start stamping arrivals once it is first asked to, and how often to look.
constexpr Milliseconds kStampsSettleWithin{200};
constexpr Milliseconds kStampsLookEvery{2};

// A wall clock that moved by more than this against the steady one during a round trip has stepped.
constexpr Nanoseconds kClockStep = Milliseconds(5);
constexpr int kClockStepPartOfRoundTrip = 10;  // + one tenth

EchoMoment moment_of(const Clock& clock) {
  // Taken again when the thread was interrupted between the two clocks: that would look like a step.
  EchoMoment moment;
  for (int i = 0; i < 3; ++i) {
    const Instant before = clock.now();
    const Nanoseconds wall = clock.wall().time_since_epoch();
    const Instant after = clock.now();
    moment.steady = after;
    moment.wall_minus_steady = wall - before.time_since_epoch();
    if (after - before < Milliseconds(1)) break;
  }
  return moment;
}

// Why there is no socket, with the remedy.
Failure no_socket(int error, bool v6) {
  const char* family = v6 ? "IPv6" : "IPv4";
  switch (error) {
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return Failure{proto::REASON_PROBE_ISOLATED, fmt::format("this probe's host has no {}", family)};
    case EACCES:
    case EPERM:
      return Failure{proto::REASON_PROBE_FAULT,
                     "this probe may not send ICMP: set net.ipv4.ping_group_range to take in its group "
                     "(sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"), or give it CAP_NET_RAW"};
    case EMFILE:
    case ENFILE:
      return Failure{
          proto::REASON_PROBE_FAULT,
          "no file descriptor is left on this probe for ICMP; raise its limit (LimitNOFILE, ulimit -n)"};
    default:
      return Failure{proto::REASON_PROBE_FAULT,
                     fmt::format("cannot open an ICMP socket for {}: {}", family, std::strerror(error))};
  }
}

// Why a packet did not leave this host: none of it is the target's doing. A blackhole route says EINVAL, an
// unreachable one EHOSTUNREACH, a firewall EPERM.
Failure not_sent(int error, const asio::ip::address& to, std::size_t payload_bytes) {
  const std::string words = std::strerror(error);
  if (is_without_route(error) || error == EHOSTUNREACH || error == EINVAL)
    return {proto::REASON_PROBE_ISOLATED, fmt::format("this probe has no way to {}: {}", to.to_string(), words)};
  if (error == EMSGSIZE)
    return {proto::REASON_PROBE_FAULT,
            fmt::format("{} bytes of payload to {} do not fit this probe's own link in one piece; "
                        "lower payload_bytes or allow fragments",
                        payload_bytes, to.to_string())};
  return {proto::REASON_PROBE_FAULT, fmt::format("this probe cannot send to {}: {}", to.to_string(), words)};
}

}  // namespace

RoundTrip round_trip(const Echo& echo) {
  const auto& sent = echo.sent;
  const auto& received = *echo.received;
  const Nanoseconds steady = received.steady - sent.steady;
  if (!sent.stamp || !received.stamp) return {steady, false};
  const Nanoseconds by_kernel = *received.stamp - *sent.stamp;
  const Nanoseconds step = std::chrono::abs(received.wall_minus_steady - sent.wall_minus_steady);
  const bool stepped = step > kClockStep + by_kernel / kClockStepPartOfRoundTrip;
  // The kernel's interval lies within ours, or the clock stepped there and back.
  const bool fits =
      by_kernel >= Nanoseconds(0) && by_kernel <= steady + kClockStep + steady / kClockStepPartOfRoundTrip;
  if (stepped || !fits) return {steady, false};
  return {by_kernel, true};
}

// An open socket and the runs that use it. Kept alive by its own pending wait, which touches nothing but it.
class IcmpSockets::Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(Loop& loop, const Clock& clock, IcmpSocket socket)
      : clock_(clock), socket_(std::move(socket)), descriptor_(loop, socket_.descriptor()) {}
  ~Channel() { let_go(); }  // the socket closes it

  bool is_raw() const { return socket_.is_raw(); }

  // The sequence of the request with `index` of `run`; nothing when all 65536 are on their way.
  std::optional<std::uint16_t> register_request(EchoRun& run, std::size_t index) {
    if (requests_.size() > 0xffff) return std::nullopt;
    while (requests_.contains(next_sequence_)) ++next_sequence_;
    requests_.emplace(next_sequence_, Request{&run, index});
    ++unanswered_;
    ++unstamped_;
    return next_sequence_++;
  }

  int send(const EchoRun& run, std::uint16_t sequence) {
    packet_.resize(kEchoHeaderBytes + run.options_.payload_bytes);
    write_echo_request(packet_, socket_.v6(), socket_.identifier(), sequence, run.cookie_);
    PacketOptions options;
    options.hop_limit = run.options_.hop_limit;
    options.dont_fragment = run.options_.dont_fragment;
    options.source = run.options_.source.address;
    options.interface = run.interface_;
    return socket_.send(packet_, run.address_, options);
  }

  void forget(const Echo& echo) {
    if (!echo.received) --unanswered_;
    if (!echo.sent.stamp) --unstamped_;
    requests_.erase(echo.sequence);
  }

  // The loop holds this until the wait under way is over.
  void let_go() {
    if (descriptor_.is_open()) descriptor_.release();
  }

  // Waits for what comes back. Goes on without a run: the next one comes soon, and asking anew costs more.
  void listen() {
    if (listening_) return;
    listening_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                             self->listening_ = false;
                             if (error) return;
                             self->take_what_is_expected();
                             self->listen();
                           });
  }

  // Takes everything the kernel holds. Replies first: a request's stamp is queued before its reply can be, so each
  // reply taken here finds its stamp in the queue read next.
  void drain() {
    const EchoMoment now = moment_of(clock_);
    while (const auto arrival = socket_.receive()) take(*arrival, now);
    while (const auto report = socket_.receive_report())
      report->is_icmp_error ? take_error(*report) : take_stamp(*report);
  }

  // The same, without asking whether there is more when nothing more is expected: listen() is told at once if
  // there is, a duplicate, say.
  void take_what_is_expected() {
    const EchoMoment now = moment_of(clock_);
    for (auto arrival = socket_.receive(); arrival; arrival = socket_.receive()) {
      take(*arrival, now);
      if (unanswered_ == 0) break;
    }
    for (auto report = socket_.receive_report(); report; report = socket_.receive_report()) {
      report->is_icmp_error ? take_error(*report) : take_stamp(*report);
      if (unstamped_ == 0) break;
    }
  }

 private:
  struct Request {
    EchoRun* run = nullptr;
    std::size_t index = 0;
  };

  // The request that `message` is or answers; an error may quote too little to hold the cookie.
  Request* request_of(const EchoMessage& message, bool needs_cookie) {
    if (message.identifier != socket_.identifier()) return nullptr;
    const auto found = requests_.find(message.sequence);
    if (found == requests_.end()) return nullptr;
    if (!message.cookie) return needs_cookie ? nullptr : &found->second;
    return *message.cookie == found->second.run->cookie_ ? &found->second : nullptr;
  }

  void take(const IcmpArrival& arrival, const EchoMoment& now) {
    const auto message = read_echo(arrival.bytes, socket_.v6());
    if (!message || !message->is_reply) return;
    const auto* request = request_of(*message, true);
    if (request == nullptr) return;
    auto& run = *request->run;
    auto& echo = run.echoes_[request->index];
    if (echo.received) {
      ++echo.duplicates;
      return;
    }
    echo.received = now;
    echo.received->stamp = arrival.stamp;
    echo.hop_limit = arrival.hop_limit;
    ++run.answered_;
    --unanswered_;
    run.changed_.notify();
  }

  void take_stamp(const IcmpReport& report) {
    if (!report.sent_stamp) return;
    Request* request = nullptr;
    find_request(report.packet, socket_.v6(), [&](const EchoMessage& message) {
      request = request_of(message, true);
      return request != nullptr;
    });
    if (request == nullptr) return;
    auto& echo = request->run->echoes_[request->index];
    if (echo.sent.stamp) return;
    echo.sent.stamp = report.sent_stamp;
    --unstamped_;
  }

  void take_error(const IcmpReport& report) {
    const auto message = read_echo(report.packet, socket_.v6());
    if (!message || message->is_reply) return;
    const auto* request = request_of(*message, false);
    if (request == nullptr || request->run->refusal_) return;
    auto& run = *request->run;
    const auto text =
        icmp_error_text(socket_.v6(), report.type, report.code, report.mtu, run.options_.dont_fragment);
    if (text.empty()) return;
    run.refusal_ =
        Failure{proto::REASON_CONNECT_UNREACHABLE,
                fmt::format("no way to {}: {} answers \"{}\"", run.address_.to_string(), report.sender, text)};
    run.changed_.notify();
  }

  const Clock& clock_;
  IcmpSocket socket_;
  asio::posix::stream_descriptor descriptor_;
  bool listening_ = false;
  std::uint16_t next_sequence_ = 0;
  std::size_t unanswered_ = 0, unstamped_ = 0;  // of requests_
  boost::unordered_flat_map<std::uint16_t, Request> requests_;
  std::vector<std::uint8_t> packet_;
};

IcmpSockets::IcmpSockets(Loop& loop, const Clock& clock) : loop_(loop), clock_(clock), opened_(clock.now()) {
  kind();
}

IcmpSockets::~IcmpSockets() {
  if (v4_) v4_->let_go();
  if (v6_) v6_->let_go();
}

IcmpSockets::Kind IcmpSockets::kind() {
  const auto kind_of = [](const auto& channel) {
    return !channel ? Kind::none : (*channel)->is_raw() ? Kind::raw : Kind::datagram;
  };
  const auto v4 = channel_for(false);
  const auto v6 = channel_for(true);
  return v4 ? kind_of(v4) : kind_of(v6);
}

std::string IcmpSockets::trouble() const {
  return trouble_v4_.empty() || trouble_v4_ == trouble_v6_ ? trouble_v6_
         : trouble_v6_.empty()                             ? trouble_v4_
                                                           : trouble_v4_ + "; " + trouble_v6_;
}

Step<std::shared_ptr<IcmpSockets::Channel>> IcmpSockets::channel_for(bool v6) {
  auto& channel = v6 ? v6_ : v4_;
  if (channel) return channel;
  auto& trouble = v6 ? trouble_v6_ : trouble_v4_;
  auto socket = IcmpSocket::open(v6);
  if (!socket) {
    auto failure = no_socket(socket.error(), v6);
    trouble = failure.detail;
    return std::unexpected(std::move(failure));
  }
  trouble.clear();
  if (!v4_ && !v6_) opened_ = clock_.now();
  channel = std::make_shared<Channel>(loop_, clock_, std::move(*socket));
  return channel;
}

Task<> IcmpSockets::settled() {
  while (!settled_ && (v4_ || v6_)) {
    const Instant now = clock_.now();
    settled_ = kernel_stamps_arrivals() || now >= opened_ + kStampsSettleWithin;
    if (!settled_) co_await sleep_until(now + kStampsLookEvery);
  }
}

Step<std::unique_ptr<EchoRun>> IcmpSockets::begin(const asio::ip::address& address, const EchoOptions& options) {
  auto channel = channel_for(address.is_v6());
  if (!channel) return std::unexpected(std::move(channel.error()));
  std::unique_ptr<EchoRun> run(new EchoRun(*this, std::move(*channel), address, options, next_cookie()));
  if (options.source.interface.empty()) return run;
  run->interface_ = if_nametoindex(options.source.interface.c_str());
  if (run->interface_ == 0) return std::unexpected(source_failure(options.source, ENODEV));
  return run;
}

std::uint64_t IcmpSockets::next_cookie() {
  if (cookies_left_ == 0) {
    // Cannot fail for up to 256 bytes (getrandom(2)).
    if (getrandom(cookies_.data(), sizeof cookies_, 0) != sizeof cookies_) std::abort();
    cookies_left_ = cookies_.size();
  }
  return cookies_[--cookies_left_];
}

std::string to_text(IcmpSockets::Kind kind) {
  switch (kind) {
    case IcmpSockets::Kind::datagram:
      return "datagram";
    case IcmpSockets::Kind::raw:
      return "raw";
    case IcmpSockets::Kind::none:
      break;
  }
  return "none";
}

EchoRun::EchoRun(IcmpSockets& sockets, std::shared_ptr<IcmpSockets::Channel> channel, asio::ip::address address,
                 const EchoOptions& options, std::uint64_t cookie)
    : sockets_(sockets),
      channel_(std::move(channel)),
      address_(std::move(address)),
      options_(options),
      cookie_(cookie),
      changed_(sockets.loop_) {}

EchoRun::~EchoRun() {
  for (const Echo& echo : echoes_) channel_->forget(echo);
}

Step<void> EchoRun::send() {
  const auto sequence = channel_->register_request(*this, echoes_.size());
  if (!sequence)
    return std::unexpected(
        Failure{proto::REASON_PROBE_OVERLOADED, "65536 echo requests are on their way already"});
  auto& echo = echoes_.emplace_back();
  echo.sequence = *sequence;
  echo.sent = moment_of(sockets_.clock_);
  const int error = channel_->send(*this, *sequence);
  if (error == 0) {
    channel_->listen();
    return {};
  }
  channel_->forget(echo);
  echoes_.pop_back();
  return std::unexpected(not_sent(error, address_, options_.payload_bytes));
}

void EchoRun::collect() { channel_->drain(); }

}  // namespace parallax
