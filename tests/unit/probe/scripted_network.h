// A network that does to each ping what a test says: a TUN device, and a thread that answers what comes out of it.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"

namespace parallax {

using Packet = std::vector<std::uint8_t>;  // from its IP header on

// An echo request as it came out of the probe's host.
struct EchoRequest {
  Packet packet;
  int number = 0;  // 0 is the first that this network saw

  bool v6() const { return packet[0] >> 4 == 6; }
  std::size_t icmp_at() const { return v6() ? 40 : 20; }
  boost::asio::ip::address source() const;
  boost::asio::ip::address target() const;
  unsigned hop_limit() const { return packet[v6() ? 7 : 8]; }
  bool dont_fragment() const { return !v6() && (packet[6] & 0x40) != 0; }
  std::size_t payload_bytes() const { return packet.size() - icmp_at() - 8; }
};

// What comes back, so long after the request was taken.
struct Answer {
  Packet packet;
  Nanoseconds after{0};
};
using Answers = std::vector<Answer>;
using EchoScript = std::function<Answers(const EchoRequest&)>;  // called on the network's thread

// The reply that the target would give.
Packet reply_to(const EchoRequest& request);
// The same with `change` made to its ICMP message; its checksum is right again, unless `mend` is false.
Packet changed_reply(const EchoRequest& request, const std::function<void(std::span<std::uint8_t> icmp)>& change,
                     bool mend = true);

// An ICMP error about a request, from a router of this network (10.77.0.254, 2001:db8:77::fe).
struct IcmpError {
  unsigned type = 0;
  unsigned code = 0;
  unsigned mtu = 0;
  std::size_t quotes = 64;  // bytes of the ICMP message, behind its IP header; RFC 792 demands no more than 8
  std::function<void(std::span<std::uint8_t> quoted)> change = {};  // of what is quoted
};
Packet error_about(const EchoRequest& request, const IcmpError& error);

// Scripts that many tests want.
Answers reply_after(const EchoRequest& request, Nanoseconds delay);

// Made in the private network of the calling thread, where it is 10.77.0.0/24 and 2001:db8:77::/64 (with another
// `place`: 10.78.0.0/24 and 2001:db8:78::/64) and this host has the address 1 in both.
class ScriptedNetwork {
 public:
  explicit ScriptedNetwork(EchoScript script, int mtu = 1500, int place = 77);
  ~ScriptedNetwork();
  ScriptedNetwork(const ScriptedNetwork&) = delete;
  ScriptedNetwork& operator=(const ScriptedNetwork&) = delete;

  std::string interface() const { return name_; }
  std::string own(bool v6) const { return address(v6, 1); }
  std::string target(bool v6) const { return address(v6, 9); }

  // The requests that came so far.
  std::vector<EchoRequest> requests() const;

  // An answer that went back: the request's number, and how long it was held, at least, in truth.
  struct Held {
    int number;
    Nanoseconds least;
    Instant written;  // it was back by then
  };
  std::vector<Held> held() const;

 private:
  struct Due {
    Instant at;
    Instant taken;
    int number;
    Packet packet;
  };
  std::string address(bool v6, int host) const;
  void set_up(int mtu);
  void serve();
  void take();
  void give_back();

  EchoScript script_;
  std::string name_;
  int place_;
  int tun_ = -1;
  int stop_ = -1;  // an eventfd
  std::vector<Due> due_;
  mutable std::mutex mutex_;
  std::vector<EchoRequest> requests_;
  std::vector<Held> held_;
  std::thread thread_;
};

}  // namespace parallax
