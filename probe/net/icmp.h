// ICMP echo for all pings of the probe: one socket a family, opened as a datagram socket where the host lets us
// (net.ipv4.ping_group_range), else raw (CAP_NET_RAW).
//
// A round trip is timed by the kernel at both ends: a stamp when the request leaves and one when the reply
// arrives, so that a loaded host adds nothing to it. Both are wall-clock stamps; the steady clock stands by to
// notice when the wall clock stepped between them.
#pragma once

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/task.h"
#include "base/time.h"
#include "probe/net/source.h"
#include "probe/outcome.h"

namespace parallax {

// How the echo requests of a run are sent.
struct EchoOptions {
  std::size_t payload_bytes = 56;  // behind the ICMP header; at least 16
  std::optional<int> hop_limit;    // the host's default where not set
  bool dont_fragment = false;
  Source source;
};

// An event as both clocks and, where there is a stamp, the kernel saw it.
struct EchoMoment {
  Instant steady;                    // just before the send call; when the reply was read
  Nanoseconds wall_minus_steady{0};  // by how much the clocks differed then: a change of it is a step
  std::optional<Nanoseconds> stamp;  // the kernel's, Unix time
};

// One echo request and what came of it.
struct Echo {
  EchoMoment sent;
  std::optional<EchoMoment> received;  // the first reply, however late
  unsigned duplicates = 0;             // further replies
  std::optional<unsigned> hop_limit;   // of the first reply
  std::uint16_t sequence = 0;          // in its ICMP header
};

struct RoundTrip {
  Nanoseconds time{0};
  bool by_kernel = false;
};

// How long the reply took: by the kernel's stamps when there are both and the wall clock did not step between them
// (by more than 5 ms + 10 % of the round trip), else by the steady clock. Requires: echo.received.
RoundTrip round_trip(const Echo& echo);

class EchoRun;

// Owned by main or a test; must outlive every EchoRun. A socket that could not be opened is tried again with the
// next run, so that a want of descriptors does not last.
class IcmpSockets {
 public:
  enum class Kind { none, datagram, raw };

  IcmpSockets(Loop& loop, const Clock& clock);
  ~IcmpSockets();
  IcmpSockets(const IcmpSockets&) = delete;
  IcmpSockets& operator=(const IcmpSockets&) = delete;

  // Of IPv4, or of IPv6 where there is no IPv4; tries again to open what is not open.
  Kind kind();
  // Why a kind is none, and the remedy; empty when all is well.
  std::string trouble() const;

  // Returns when the kernel stamps what arrives: it takes some milliseconds until it does, after the host's first
  // socket to ask for stamps. Waits 200 ms at most; the steady clock times what has no stamp.
  Task<> settled();
  bool is_settled() const { return settled_; }  // there is no more to wait for

  // Starts a run of echo requests to `address`; its payload carries a cookie of its own. Fails with probe_fault
  // (no permission, no descriptor) and with probe_isolated when the host has no such family or interface.
  Step<std::unique_ptr<EchoRun>> begin(const boost::asio::ip::address& address, const EchoOptions& options);

 private:
  friend class EchoRun;
  class Channel;
  Step<std::shared_ptr<Channel>> channel_for(bool v6);
  std::uint64_t next_cookie();

  Loop& loop_;
  const Clock& clock_;
  std::shared_ptr<Channel> v4_, v6_;
  std::string trouble_v4_, trouble_v6_;
  std::array<std::uint64_t, 32> cookies_{};  // random, drawn from the system so many at once
  std::size_t cookies_left_ = 0;
  Instant opened_;
  bool settled_ = false;
};

// "none", "datagram", "raw".
std::string to_text(IcmpSockets::Kind kind);

// The echo requests of one run, in the order sent. Lives on the loop thread; whoever waits must be gone before it.
class EchoRun {
 public:
  ~EchoRun();
  EchoRun(const EchoRun&) = delete;
  EchoRun& operator=(const EchoRun&) = delete;

  // Sends the next request. Fails with probe_isolated or probe_fault: what cannot leave this host is not the
  // target's downtime.
  Step<void> send();

  std::span<const Echo> echoes() const { return {echoes_.data(), echoes_.size()}; }
  std::size_t answered() const { return answered_; }  // requests with a reply

  // The first ICMP error that came back for one of the requests: connect_unreachable.
  const std::optional<Failure>& refusal() const { return refusal_; }

  // Returns when something came back, or at `moment`. To be awaited at once.
  auto wait_until(Instant moment) { return changed_.wait_until(moment); }

  // Takes what the kernel already holds: before judging, so that a late loop loses no reply.
  void collect();

 private:
  friend class IcmpSockets;
  friend class IcmpSockets::Channel;
  EchoRun(IcmpSockets& sockets, std::shared_ptr<IcmpSockets::Channel> channel, boost::asio::ip::address address,
          const EchoOptions& options, std::uint64_t cookie);

  IcmpSockets& sockets_;
  std::shared_ptr<IcmpSockets::Channel> channel_;
  boost::asio::ip::address address_;
  EchoOptions options_;
  unsigned interface_ = 0;  // the index of the source's; 0 for none
  std::uint64_t cookie_;
  boost::container::small_vector<Echo, 1> echoes_;
  std::size_t answered_ = 0;
  std::optional<Failure> refusal_;
  Signal changed_;
};

}  // namespace parallax
