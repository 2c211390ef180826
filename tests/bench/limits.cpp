// The least that a check can cost: the same packets and system calls with nothing around them. What the whole
// probe is compared with (docs/performance.md).
//
//   limits ping|http|https ADDRESS RATE SECONDS [CA-FILE]
//
// One check a tick of a timerfd, waited for with epoll: an echo request with the kernel's stamps of both ends; a
// fresh connection, GET /health, the answer to its end; the same behind a full TLS 1.3 handshake, verified against
// CA-FILE. Prints {"checks": N, "us": CPU microseconds a check}.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

constexpr char kRequest[] = "GET /health HTTP/1.1\r\nHost: shop-api.example\r\nConnection: close\r\n\r\n";
constexpr std::uint64_t kTimer = 0, kPings = 1;  // in epoll's data; anything else is a Connection*

struct Connection {
  int descriptor = -1;
  SSL* tls = nullptr;
  bool asked = false;
};

struct Limits {
  std::string_view kind;
  sockaddr_in to{};
  SSL_CTX* context = nullptr;
  int loop = epoll_create1(0);
  int pings = -1;
  long done = 0;

  void watch(int descriptor, std::uint32_t events, std::uint64_t data) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event);
  }

  void open_pings() {
    pings = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_ICMP);
    const int stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(pings, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof stamps);
    watch(pings, EPOLLIN | EPOLLET, kPings);
  }

  void start() {
    if (pings >= 0) {
      std::array<std::uint8_t, 64> echo{8};
      sendto(pings, echo.data(), echo.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
      return;
    }
    auto* made = new Connection;
    made->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(made->descriptor, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    if (context) {
      made->tls = SSL_new(context);
      SSL_set_fd(made->tls, made->descriptor);
      SSL_set_tlsext_host_name(made->tls, "shop-api.example");
      SSL_set1_host(made->tls, "shop-api.example");
    }
    watch(made->descriptor, EPOLLIN | EPOLLOUT | EPOLLET, reinterpret_cast<std::uint64_t>(made));
  }

  void take_pings() {
    std::array<std::uint8_t, 512> bytes, control;
    for (const int queue : {0, static_cast<int>(MSG_ERRQUEUE)}) {
      iovec content{bytes.data(), bytes.size()};
      msghdr message{};
      message.msg_iov = &content;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      while (recvmsg(pings, &message, MSG_DONTWAIT | queue) > 0) {
        if (queue == 0) ++done;
        message.msg_controllen = control.size();
      }
    }
  }

  // Whether the connection is over.
  bool go_on(Connection& at) {
    if (at.tls && !at.asked && SSL_connect(at.tls) != 1) return false;
    if (!at.asked) {
      const auto sent = at.tls ? SSL_write(at.tls, kRequest, sizeof kRequest - 1)
                               : send(at.descriptor, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL);
      at.asked = sent > 0;
    }
    std::array<char, 4096> answer;
    for (;;) {
      const auto size = at.tls ? SSL_read(at.tls, answer.data(), answer.size())
                               : recv(at.descriptor, answer.data(), answer.size(), 0);
      if (size > 0) continue;
      return at.tls ? SSL_get_error(at.tls, static_cast<int>(size)) != SSL_ERROR_WANT_READ : size == 0;
    }
  }

  void serve(Connection* at) {
    if (!go_on(*at)) return;
    ++done;
    SSL_free(at->tls);
    close(at->descriptor);
    delete at;
  }

  void run(long rate, long seconds) {
    const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    const itimerspec beat{{0, 1'000'000'000 / rate}, {0, 1'000'000'000 / rate}};
    timerfd_settime(timer, 0, &beat, nullptr);
    watch(timer, EPOLLIN | EPOLLET, kTimer);
    for (long started = 0; started < rate * seconds || done < started * 99 / 100;) {
      std::array<epoll_event, 64> events;
      const int count = epoll_wait(loop, events.data(), events.size(), 1000);
      if (count <= 0) return;
      for (int i = 0; i < count; ++i) {
        const std::uint64_t data = events[static_cast<std::size_t>(i)].data.u64;
        if (data == kPings) take_pings();
        if (data > kPings) serve(reinterpret_cast<Connection*>(data));
        std::uint64_t ticks = 0;
        if (data != kTimer || read(timer, &ticks, sizeof ticks) != sizeof ticks) continue;
        for (; ticks > 0 && started < rate * seconds; --ticks, ++started) start();
      }
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  Limits limits;
  limits.kind = argv[1];
  limits.to.sin_family = AF_INET;
  limits.to.sin_port = htons(limits.kind == "https" ? 443 : 80);
  inet_pton(AF_INET, argv[2], &limits.to.sin_addr);
  if (limits.kind == "ping") limits.open_pings();
  if (limits.kind == "https") {
    limits.context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(limits.context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(limits.context, SSL_SESS_CACHE_OFF);
    if (argc < 6 || SSL_CTX_load_verify_locations(limits.context, argv[5], nullptr) != 1) return 1;
  }
  limits.run(std::atol(argv[3]), std::atol(argv[4]));
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double us = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                    static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
  std::printf("{\"checks\": %ld, \"us\": %.2f}\n", limits.done,
              us / static_cast<double>(limits.done > 0 ? limits.done : 1));
  return limits.done > 0 ? 0 : 1;
}
