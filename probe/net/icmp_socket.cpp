#include "probe/net/icmp_socket.h"

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "probe/net/icmp_packet.h"
#include "probe/net/kernel_stamps.h"

namespace parallax {
namespace {

constexpr int kBufferBytes = 4 << 20;  // asked for in both directions: a late loop must not lose replies
constexpr std::size_t kHeadBytes = 256;
constexpr std::size_t kMostPacketBytes = 65535;
constexpr int kSendAttempts = 3;

template <class T>
int set_option(int descriptor, int level, int option, const T& value) {
  return setsockopt(descriptor, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

template <class T>
T content_of(const cmsghdr& part) {
  T content{};
  std::memcpy(&content, CMSG_DATA(&part), sizeof content);
  return content;
}

bool is(const cmsghdr& part, int level, int type) { return part.cmsg_level == level && part.cmsg_type == type; }

std::string address_text(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  if (address->sa_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  return text;
}

sockaddr_storage to_sockaddr(const boost::asio::ip::address& address) {
  sockaddr_storage storage{};
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(address.to_v4().to_uint());
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_scope_id = static_cast<std::uint32_t>(address.to_v6().scope_id());
    const auto bytes = address.to_v6().to_bytes();
    std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  }
  return storage;
}

// Appends one part to the ancillary data that has `size` bytes so far.
template <class T>
void add_part(std::span<std::uint8_t> control, std::size_t& size, int level, int type, const T& value) {
  cmsghdr head{};
  head.cmsg_level = level;
  head.cmsg_type = type;
  head.cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(control.data() + size, &head, sizeof head);
  std::memcpy(control.data() + size + CMSG_LEN(0), &value, sizeof value);
  size += CMSG_SPACE(sizeof value);
}

// The ancillary data that says how a packet leaves; its size.
std::size_t write_control(std::span<std::uint8_t> control, const PacketOptions& options, bool v6) {
  std::size_t size = 0;
  if (options.hop_limit)
    add_part(control, size, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_HOPLIMIT : IP_TTL, *options.hop_limit);
  if (!options.source && options.interface == 0) return size;
  if (v6) {
    in6_pktinfo info{};
    info.ipi6_ifindex = options.interface;
    if (options.source) {
      const auto bytes = options.source->to_v6().to_bytes();
      std::memcpy(&info.ipi6_addr, bytes.data(), bytes.size());
    }
    add_part(control, size, SOL_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(options.interface);
    if (options.source) info.ipi_spec_dst.s_addr = htonl(options.source->to_v4().to_uint());
    add_part(control, size, SOL_IP, IP_PKTINFO, info);
  }
  return size;
}

// Nothing when the datagram could not be sent and received.
std::optional<bool> datagram_to_self_is_stamped(int descriptor) {
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof self;
  auto* address = reinterpret_cast<sockaddr*>(&self);
  if (bind(descriptor, address, size) != 0 || getsockname(descriptor, address, &size) != 0) return std::nullopt;
  ask_for_stamps(descriptor, false);

  char byte = 0;
  iovec content{&byte, 1};
  alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (sendto(descriptor, &byte, 1, 0, address, size) != 1 || recvmsg(descriptor, &message, 0) < 0)
    return std::nullopt;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part))
    if (stamp_in(*part)) return true;
  return false;
}

}  // namespace

std::expected<IcmpSocket, int> IcmpSocket::open(bool v6) {
  const int family = v6 ? AF_INET6 : AF_INET;
  const int protocol = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  int error = 0;
  for (const int type : {SOCK_DGRAM, SOCK_RAW}) {
    const int descriptor = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (descriptor < 0) {
      error = errno;
      continue;
    }
    IcmpSocket socket(descriptor, v6, type == SOCK_RAW);
    error = socket.set_up();
    if (error == 0) return socket;
  }
  return std::unexpected(error);
}

IcmpSocket::IcmpSocket(int descriptor, bool v6, bool is_raw)
    : descriptor_(descriptor), v6_(v6), is_raw_(is_raw), buffer_(is_raw && !v6 ? kMostPacketBytes : kHeadBytes) {}

IcmpSocket::IcmpSocket(IcmpSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      v6_(other.v6_),
      is_raw_(other.is_raw_),
      fragments_forbidden_(other.fragments_forbidden_),
      identifier_(other.identifier_),
      buffer_(std::move(other.buffer_)) {}

IcmpSocket::~IcmpSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int IcmpSocket::set_up() {
  set_option(descriptor_, SOL_SOCKET, SO_RCVBUF, kBufferBytes);  // as much as the host allows
  set_option(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes);
  set_option(descriptor_, SOL_SOCKET, SO_SNDBUF, kBufferBytes);
  ask_for_stamps(descriptor_, true);  // without them the steady clock times
  const int on = 1;
  set_option(descriptor_, v6_ ? SOL_IPV6 : SOL_IP, v6_ ? IPV6_RECVERR : IP_RECVERR, on);
  set_option(descriptor_, v6_ ? SOL_IPV6 : SOL_IP, v6_ ? IPV6_RECVHOPLIMIT : IP_RECVTTL, on);
  if (is_raw_) filter_echo_replies();
  if (const int error = forbid_fragments(false); error != 0) return error;
  return learn_identifier();
}

// A raw socket sees every ICMP message of the host: let the kernel drop what is no reply.
void IcmpSocket::filter_echo_replies() {
  if (v6_) {
    icmp6_filter filter{};
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
    set_option(descriptor_, IPPROTO_ICMPV6, ICMP6_FILTER, filter);
  } else {
    icmp_filter filter{};
    filter.data = ~(1u << ICMP_ECHOREPLY);
    set_option(descriptor_, SOL_RAW, ICMP_FILTER, filter);
  }
}

// Of a datagram socket the kernel chooses the identifier (its "port"), of a raw one we do.
int IcmpSocket::learn_identifier() {
  if (is_raw_) return getrandom(&identifier_, sizeof identifier_, 0) == sizeof identifier_ ? 0 : EIO;
  sockaddr_storage own{};
  own.ss_family = v6_ ? AF_INET6 : AF_INET;
  socklen_t size = v6_ ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  auto* address = reinterpret_cast<sockaddr*>(&own);
  if (bind(descriptor_, address, size) != 0 || getsockname(descriptor_, address, &size) != 0) return errno;
  identifier_ =
      ntohs(v6_ ? reinterpret_cast<sockaddr_in6&>(own).sin6_port : reinterpret_cast<sockaddr_in&>(own).sin_port);
  return 0;
}

// PROBE sets the bit and ignores what was learned of the path before: each packet finds out for itself.
int IcmpSocket::forbid_fragments(bool forbid) {
  int error = 0;
  if (v6_) {
    error =
        set_option(descriptor_, SOL_IPV6, IPV6_MTU_DISCOVER, forbid ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT);
    if (error == 0) error = set_option(descriptor_, SOL_IPV6, IPV6_DONTFRAG, forbid ? 1 : 0);
  } else {
    error = set_option(descriptor_, SOL_IP, IP_MTU_DISCOVER, forbid ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);
  }
  if (error == 0) fragments_forbidden_ = forbid;
  return error;
}

int IcmpSocket::send(std::span<const std::uint8_t> packet, const boost::asio::ip::address& to,
                     const PacketOptions& options) {
  if (options.dont_fragment != fragments_forbidden_)
    if (const int error = forbid_fragments(options.dont_fragment); error != 0) return error;

  auto address = to_sockaddr(to);
  iovec content{const_cast<std::uint8_t*>(packet.data()), packet.size()};
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = v6_ ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  const std::size_t control_size = write_control(control, options, v6_);
  message.msg_control = control_size > 0 ? control.data() : nullptr;
  message.msg_controllen = control_size;
  // An ICMP error for another target's packet is left on the socket and ends the next call, whatever that is for;
  // only a failure that stays is about this packet.
  int error = 0;
  for (int i = 0; i < kSendAttempts; ++i) {
    if (sendmsg(descriptor_, &message, MSG_DONTWAIT) >= 0) return 0;
    error = errno;
  }
  return error;
}

std::ptrdiff_t IcmpSocket::receive_message(msghdr& message, int flags) {
  static constexpr int kMostPendingErrors = 16;
  for (int i = 0; i < kMostPendingErrors; ++i) {
    message.msg_control = control_.data();
    message.msg_controllen = control_.size();
    const auto size = recvmsg(descriptor_, &message, flags | MSG_DONTWAIT);
    if (size >= 0) return size;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return -1;
    // An ICMP error left on the socket: its report comes by the error queue, go on with what arrived.
  }
  return -1;
}

std::optional<IcmpArrival> IcmpSocket::receive() {
  iovec content{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  const auto size = receive_message(message, 0);
  if (size < 0) return std::nullopt;

  IcmpArrival arrival;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (const auto stamp = stamp_in(*part)) arrival.stamp = stamp;
    if (is(*part, SOL_IP, IP_TTL) || is(*part, SOL_IPV6, IPV6_HOPLIMIT))
      arrival.hop_limit = static_cast<unsigned>(content_of<int>(*part));
  }
  // A raw IPv4 socket gives the IP header too; its length is in its first byte, in words.
  const std::size_t header = is_raw_ && !v6_ && size > 0 ? (buffer_[0] & 0x0fu) * 4u : 0u;
  const auto received = std::span<const std::uint8_t>(buffer_.data(), static_cast<std::size_t>(size));
  arrival.bytes = received.subspan(std::min(header, received.size()));
  // The kernel looks at the checksum everywhere but here: what broke on the way is no reply.
  if (is_raw_ && !v6_ && internet_checksum(arrival.bytes) != 0) arrival.bytes = {};
  return arrival;
}

std::optional<IcmpReport> IcmpSocket::receive_report() {
  iovec content{buffer_.data(), buffer_.size()};
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  const auto size = receive_message(message, MSG_ERRQUEUE);
  if (size < 0) return std::nullopt;

  IcmpReport report;
  report.packet = std::span<const std::uint8_t>(buffer_.data(), static_cast<std::size_t>(size));
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (const auto stamp = stamp_in(*part)) report.sent_stamp = stamp;
    if (!is(*part, SOL_IP, IP_RECVERR) && !is(*part, SOL_IPV6, IPV6_RECVERR)) continue;
    const auto error = content_of<sock_extended_err>(*part);
    if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) continue;
    report.is_icmp_error = true;
    report.type = error.ee_type;
    report.code = error.ee_code;
    report.mtu = error.ee_info;
    report.sender = address_text(SO_EE_OFFENDER(reinterpret_cast<const sock_extended_err*>(CMSG_DATA(part))));
  }
  return report;
}

bool kernel_stamps_arrivals() {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return true;
  const auto stamped = datagram_to_self_is_stamped(descriptor);
  ::close(descriptor);
  return stamped.value_or(true);
}

}  // namespace parallax
