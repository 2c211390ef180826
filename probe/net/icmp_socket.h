// One ICMP socket of the kernel: opening it, and its system calls with their ancillary data. Never blocks.
#pragma once

#include <array>
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"

struct msghdr;

namespace parallax {

// A packet as it arrived, from its ICMP header on. Valid until the next call on the socket.
struct IcmpArrival {
  std::span<const std::uint8_t> bytes;
  std::optional<Nanoseconds> stamp;  // Unix time
  std::optional<unsigned> hop_limit;
};

// What the kernel's error queue holds for a packet of ours. Valid until the next call on the socket.
struct IcmpReport {
  // For an ICMP error the packet from its ICMP header on; for a stamp with the headers before it.
  std::span<const std::uint8_t> packet;
  std::optional<Nanoseconds> sent_stamp;  // set: the packet left at this Unix time
  bool is_icmp_error = false;             // set: type, code, mtu and sender are those of the error
  unsigned type = 0;
  unsigned code = 0;
  unsigned mtu = 0;
  std::string sender;
};

// How one packet leaves this host.
struct PacketOptions {
  std::optional<int> hop_limit;
  bool dont_fragment = false;
  std::optional<boost::asio::ip::address> source;  // of the target's family
  unsigned interface = 0;                          // index; 0: where the routes lead
};

class IcmpSocket {
 public:
  // A datagram socket, else a raw one; the errno of the last attempt when neither can be had.
  static std::expected<IcmpSocket, int> open(bool v6);

  IcmpSocket(IcmpSocket&& other) noexcept;
  IcmpSocket& operator=(IcmpSocket&&) = delete;
  ~IcmpSocket();

  int descriptor() const { return descriptor_; }
  bool v6() const { return v6_; }
  bool is_raw() const { return is_raw_; }
  std::uint16_t identifier() const { return identifier_; }  // in every echo sent over it

  // Sends `packet`; 0, or the errno of a failure that is this host's own.
  int send(std::span<const std::uint8_t> packet, const boost::asio::ip::address& to, const PacketOptions& options);

  std::optional<IcmpArrival> receive();
  std::optional<IcmpReport> receive_report();

 private:
  IcmpSocket(int descriptor, bool v6, bool is_raw);
  int set_up();
  void filter_echo_replies();
  int learn_identifier();
  int forbid_fragments(bool forbid);
  // Bytes put into buffer_, or -1 when there is nothing (more).
  std::ptrdiff_t receive_message(msghdr& message, int flags);

  int descriptor_ = -1;
  bool v6_ = false;
  bool is_raw_ = false;
  bool fragments_forbidden_ = false;
  std::uint16_t identifier_ = 0;
  // Headers and the cookie: all that is ever looked at. Of a raw IPv4 socket the whole packet, for its checksum.
  std::vector<std::uint8_t> buffer_;
  alignas(8) std::array<std::uint8_t, 512> control_;  // ancillary data
};

// Whether the kernel stamps what arrives. It begins to some milliseconds after the first socket of the host has
// asked for stamps; asked of a datagram sent to ourselves. True as well where that cannot be found out.
bool kernel_stamps_arrivals();

}  // namespace parallax
