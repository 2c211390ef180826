// A peer that sends faster than the probe works: on a thread of its own, because on the test's loop the two would
// take turns.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "base/time.h"
#include "tests/unit/probe/loopback.h"

namespace parallax {

// Answers the first request with `head` and then `again` without end; gives up after three seconds.
class Flooder {
 public:
  Flooder(std::string head, const std::string& again) : head_(std::move(head)) {
    while (again_.size() < 1 << 20) again_ += again;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), size);
    ::listen(listener_, 1);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { flood(); });
  }
  ~Flooder() {
    ::shutdown(listener_, SHUT_RDWR);  // also ends an accept
    thread_.join();
    ::close(listener_);
  }

  std::string url(const std::string& scheme = "http") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + "/";
  }

 private:
  void flood() {
    const int peer = ::accept(listener_, nullptr, nullptr);
    char request[4096];
    const Instant end = in_ms(3000);
    bool there = ::recv(peer, request, sizeof request, 0) > 0 && give(peer, head_);
    while (there && std::chrono::steady_clock::now() < end) there = give(peer, again_);
    ::close(peer);
  }

  static bool give(int peer, const std::string& bytes) {
    return ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }

  std::string head_, again_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace parallax
