// The door to c-ares. A channel is a set of DNS servers with their sockets and timers; c-ares opens the sockets
// (through our functions, so that we see the errno) and tells us which to watch, Asio waits, c-ares parses.
//
// Who owns what: a look-up's answer lives on the heap, shared by the waiting coroutine and the query. A coroutine
// that goes away leaves an answer that nobody reads. A channel is destroyed only from a coroutine or by the
// Resolver, never inside one of its own callbacks.
#include "probe/net/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <map>

#include "probe/net/errors.h"
#include "probe/net/hosts_file.h"
#include "probe/net/literal.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

// A lost packet is asked for again after 2 s, then 4 s, ...: the check's own deadline ends it long before.
constexpr int kFirstTimeoutMs = 2000;
constexpr int kTries = 4;

// Servers named by checks for which a channel is kept open.
constexpr std::size_t kMostNamedServers = 64;

// What DNS said of one name, and who waits for it.
struct Answer {
  explicit Answer(Loop& loop) : settled(loop) {}

  int pending = 0;
  std::vector<int> statuses;  // of c-ares, one a family
  Addresses addresses;
  Instant v4_by, v6_by;             // as in Query
  bool is_brought_forward = false;  // the wait ends earlier than it began with
  asio::steady_timer settled;
};

// One family is there: until when to wait for the other.
void bring_forward(Answer& answer) {
  if (answer.addresses.empty()) return;
  const Instant by = answer.addresses.front().is_v6() ? answer.v4_by : answer.v6_by;
  if (by >= answer.settled.expiry()) return;
  answer.is_brought_forward = true;
  answer.settled.expires_at(by);
}

void add_nodes(const ares_addrinfo* found, Addresses& to) {
  for (const ares_addrinfo_node* node = found->nodes; node; node = node->ai_next) {
    if (node->ai_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(node->ai_addr);
      to.push_back(asio::ip::address_v4(ntohl(in->sin_addr.s_addr)));
    } else if (node->ai_family == AF_INET6) {
      const auto* in = reinterpret_cast<const sockaddr_in6*>(node->ai_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy_n(in->sin6_addr.s6_addr, bytes.size(), bytes.begin());
      to.push_back(asio::ip::address_v6(bytes, in->sin6_scope_id));
    }
  }
}

// c-ares calls this exactly once a query, also when the channel is destroyed; `waiting` is a shared_ptr of ours.
void on_answer(void* waiting, int status, int /*timeouts*/, ares_addrinfo* found) {
  const std::unique_ptr<std::shared_ptr<Answer>> held(static_cast<std::shared_ptr<Answer>*>(waiting));
  Answer& answer = **held;
  if (found) {
    add_nodes(found, answer.addresses);
    ares_freeaddrinfo(found);
  }
  answer.statuses.push_back(status);
  if (--answer.pending == 0)
    answer.settled.cancel();
  else
    bring_forward(answer);
}

bool is_not_found(int status) {
  return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND || status == ARES_EBADNAME;
}

}  // namespace

// One c-ares channel on the loop.
class Resolver::Channel : public std::enable_shared_from_this<Channel> {
 public:
  explicit Channel(Loop& loop) : loop_(loop), timer_(loop) {}
  ~Channel() {
    if (ares_) ares_destroy(ares_);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Makes the channel usable; a c-ares status otherwise.
  int open(const ResolverOptions& options, const std::string& server);

  // Asks for the addresses of one family; `answer` hears of it through on_answer().
  void ask(const std::string& host, int family, const std::shared_ptr<Answer>& answer);

  // The errno of the last thing that this host would not let us do (open, connect, send) since a server could be
  // connected to; 0 where nothing of it happened after `since`, an earlier own_errors().
  int own_error(std::uint64_t since) const { return own_errors_ == since ? 0 : own_error_; }
  std::uint64_t own_errors() const { return own_errors_; }

 private:
  // A socket of c-ares' that Asio watches. c-ares closes it; we let go of it first.
  struct Watched {
    Watched(Loop& loop, int fd) : descriptor(loop, fd) {}
    ~Watched() {
      if (descriptor.is_open()) descriptor.release();
    }
    asio::posix::stream_descriptor descriptor;
    bool read = false, write = false;       // wanted
    bool reading = false, writing = false;  // waited for
  };

  static void on_socket_state(void* self, ares_socket_t fd, int read, int write);
  static ares_socket_t open_socket(int domain, int type, int protocol, void* self);
  static int close_socket(ares_socket_t fd, void*) { return ::close(fd); }
  static int connect_socket(ares_socket_t fd, const sockaddr* to, ares_socklen_t size, void* self);
  static ares_ssize_t receive(ares_socket_t fd, void* to, size_t size, int flags, sockaddr* from,
                              ares_socklen_t* from_size, void*) {
    return ::recvfrom(fd, to, size, flags, from, from_size);
  }
  static ares_ssize_t send(ares_socket_t fd, const iovec* parts, int count, void* self);
  void note_own_error(int error) {
    own_error_ = error;
    ++own_errors_;
  }

  void watch(int fd, asio::posix::descriptor_base::wait_type what);
  void process(ares_socket_t readable, ares_socket_t writable);
  void arm_timer();

  Loop& loop_;
  ares_channel ares_ = nullptr;
  asio::steady_timer timer_;
  std::map<int, std::shared_ptr<Watched>> watched_;
  int own_error_ = 0;
  std::uint64_t own_errors_ = 0;
};

int Resolver::Channel::open(const ResolverOptions& options, const std::string& server) {
  ares_options wanted{};
  wanted.timeout = kFirstTimeoutMs;
  wanted.tries = kTries;
  char dns_only[] = "b";
  wanted.lookups = dns_only;
  wanted.sock_state_cb = &on_socket_state;
  wanted.sock_state_cb_data = this;
  std::string resolv_conf = options.resolv_conf;
  wanted.resolvconf_path = resolv_conf.data();
  const int mask =
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
  int status = ares_init_options(&ares_, &wanted, mask);
  if (status != ARES_SUCCESS) return status;
  static constexpr ares_socket_functions kFunctions{&open_socket, &close_socket, &connect_socket, &receive, &send};
  ares_set_socket_functions(ares_, &kFunctions, this);
  if (!server.empty()) status = ares_set_servers_ports_csv(ares_, server.c_str());
  return status;
}

void Resolver::Channel::ask(const std::string& host, int family, const std::shared_ptr<Answer>& answer) {
  const auto alive = shared_from_this();
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_flags = ARES_AI_NOSORT;
  ++answer->pending;
  ares_getaddrinfo(ares_, host.c_str(), nullptr, &hints, &on_answer, new std::shared_ptr<Answer>(answer));
  arm_timer();
}

ares_socket_t Resolver::Channel::open_socket(int domain, int type, int protocol, void* self) {
  const int fd = ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd < 0) static_cast<Channel*>(self)->note_own_error(errno);
  return fd;
}

// A firewall of ours, or a link that is down. "No route to host" may be what the network said before.
ares_ssize_t Resolver::Channel::send(ares_socket_t fd, const iovec* parts, int count, void* self) {
  const auto sent = ::writev(fd, parts, count);
  if (sent < 0 && errno != EHOSTUNREACH && is_without_route(errno))
    static_cast<Channel*>(self)->note_own_error(errno);
  return sent;
}

int Resolver::Channel::connect_socket(ares_socket_t fd, const sockaddr* to, ares_socklen_t size, void* self) {
  const int result = ::connect(fd, to, size);
  if (result == 0 || errno == EINPROGRESS)
    static_cast<Channel*>(self)->own_error_ = 0;
  else
    static_cast<Channel*>(self)->note_own_error(errno);
  return result;
}

void Resolver::Channel::on_socket_state(void* self, ares_socket_t fd, int read, int write) {
  auto& channel = *static_cast<Channel*>(self);
  if (!read && !write) {
    // Now, not when the last handler has gone: c-ares closes the descriptor next, and its number comes back.
    const auto gone = channel.watched_.find(fd);
    if (gone == channel.watched_.end()) return;
    gone->second->descriptor.release();
    channel.watched_.erase(gone);
    return;
  }
  auto& watched = channel.watched_[fd];
  if (!watched) watched = std::make_shared<Watched>(channel.loop_, fd);
  watched->read = read != 0;
  watched->write = write != 0;
  if (watched->read && !watched->reading) channel.watch(fd, asio::posix::descriptor_base::wait_read);
  if (watched->write && !watched->writing) channel.watch(fd, asio::posix::descriptor_base::wait_write);
}

void Resolver::Channel::watch(int fd, asio::posix::descriptor_base::wait_type what) {
  const auto watched = watched_[fd];
  const bool reads = what == asio::posix::descriptor_base::wait_read;
  (reads ? watched->reading : watched->writing) = true;
  watched->descriptor.async_wait(what, [weak = weak_from_this(), watched, fd, what, reads](const auto& error) {
    (reads ? watched->reading : watched->writing) = false;
    const auto self = weak.lock();
    if (error || !self) return;
    self->process(reads ? fd : ARES_SOCKET_BAD, reads ? ARES_SOCKET_BAD : fd);
    const auto still = self->watched_.find(fd);
    if (still == self->watched_.end() || still->second != watched) return;
    if (reads ? watched->read && !watched->reading : watched->write && !watched->writing) self->watch(fd, what);
  });
}

void Resolver::Channel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(ares_, readable, writable);
  arm_timer();
}

void Resolver::Channel::arm_timer() {
  timeval next{};
  if (!ares_timeout(ares_, nullptr, &next)) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(next.tv_sec) + std::chrono::microseconds(next.tv_usec) +
                       Milliseconds(1));
  timer_.async_wait([weak = weak_from_this()](const auto& error) {
    const auto self = weak.lock();
    if (!error && self) self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

namespace {

// What the statuses of both families mean together: any trouble outweighs "there is none", for then we do not
// know.
Failure failure_of(const Answer& answer, const std::string& host, int own_error) {
  for (const int status : answer.statuses) {
    if (is_not_found(status)) continue;
    const std::string words = ares_strerror(status);
    if (status == ARES_ENOMEM || status == ARES_EDESTRUCTION || status == ARES_ECANCELLED ||
        is_exhaustion(own_error))
      return {proto::REASON_PROBE_FAULT,
              fmt::format("this probe cannot look up {}: {}", host, own_error ? own_trouble(own_error) : words)};
    if (status == ARES_ECONNREFUSED && is_without_route(own_error))
      return {proto::REASON_PROBE_ISOLATED,
              fmt::format("this probe has no way to its DNS server to look up {}", host)};
    if (status == ARES_ETIMEOUT)
      return {proto::REASON_RESOLVE_TIMEOUT, fmt::format("no DNS server answered for {}", host)};
    return {proto::REASON_RESOLVE_FAILED, fmt::format("looking up {} failed: {}", host, words)};
  }
  const bool exists =
      std::find(answer.statuses.begin(), answer.statuses.end(), ARES_ENODATA) != answer.statuses.end();
  return {proto::REASON_RESOLVE_NOT_FOUND,
          exists ? fmt::format("{} has no address", host) : fmt::format("{} does not exist", host)};
}

}  // namespace

Resolver::Resolver(Loop& loop, ResolverOptions options)
    : loop_(loop), options_(std::move(options)), hosts_(std::make_unique<HostsFile>(options_.hosts)) {
  ares_library_init(ARES_LIB_INIT_ALL);
}

Resolver::~Resolver() {
  channel_.reset();
  ares_library_cleanup();
}

Step<std::shared_ptr<Resolver::Channel>> Resolver::made(const std::string& server) {
  auto made = std::make_shared<Channel>(loop_);
  const int status = made->open(options_, server);
  if (status == ARES_SUCCESS) return made;
  return std::unexpected(Failure{proto::REASON_PROBE_FAULT,
                                 fmt::format("this probe's resolver cannot start: {}", ares_strerror(status))});
}

Step<std::shared_ptr<Resolver::Channel>> Resolver::channel(const std::string& server) {
  if (!server.empty()) {
    if (const auto known = named_.find(server); known != named_.end()) return known->second;
    auto channel = made(server);
    if (!channel) return channel;
    if (named_.size() >= kMostNamedServers) named_.clear();  // look-ups under way hold theirs
    named_[server] = *channel;
    return channel;
  }
  const FileState state = options_.server.empty() ? file_state(options_.resolv_conf) : FileState();
  if (channel_ && state == channel_made_for_) return channel_;
  auto channel = made(options_.server);
  if (!channel) return channel;
  channel_ = *channel;
  channel_made_for_ = state;
  return channel_;
}

namespace {

// Returns when every family has answered, or when it is not worth to wait longer. False: asked to stop.
Task<bool> settle(std::shared_ptr<Answer> answer) {
  boost::system::error_code error;
  while (answer->pending > 0) {
    answer->is_brought_forward = false;
    co_await answer->settled.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (!answer->is_brought_forward) break;
  }
  co_return answer->pending == 0 || !error;
}

}  // namespace

Step<Addresses> Resolver::at_hand(const std::string& host, Family family, const std::string& server, Instant now) {
  if (const auto address = literal(host)) return of_family(host, family, *address);
  return server.empty() ? of_family(family, hosts_->find(host, now)) : Addresses();
}

Task<Step<Addresses>> Resolver::resolve(Query query, Instant deadline) {
  const std::string& host = query.host;
  if (const auto address = literal(host)) co_return of_family(host, query.family, *address);
  auto listed = query.server.empty() ? of_family(query.family, hosts_->find(host)) : Addresses();
  if (!listed.empty()) co_return listed;
  const Family family = query.family;

  const auto channel = this->channel(query.server);
  if (!channel) co_return std::unexpected(channel.error());
  const auto answer = std::make_shared<Answer>(loop_);
  answer->v4_by = query.v4_by;
  answer->v6_by = query.v6_by;
  answer->settled.expires_at(deadline);
  const auto own_errors_before = (*channel)->own_errors();
  ++answer->pending;  // ours, so that an answer given at once settles nothing before both questions are asked
  if (family != Family::v4) (*channel)->ask(host, AF_INET6, answer);
  if (family != Family::v6) (*channel)->ask(host, AF_INET, answer);
  --answer->pending;

  const bool settled = co_await settle(answer);
  if (!settled) co_return std::unexpected(Failure{proto::REASON_PROBE_FAULT, "stopped while looking up " + host});
  if (answer->addresses.empty() && answer->pending > 0)
    co_return std::unexpected(
        Failure{proto::REASON_RESOLVE_TIMEOUT, fmt::format("no DNS server answered for {} in time", host)});
  if (answer->addresses.empty())
    co_return std::unexpected(failure_of(*answer, host, (*channel)->own_error(own_errors_before)));
  sort_by_family(answer->addresses);
  co_return answer->addresses;
}

}  // namespace parallax
