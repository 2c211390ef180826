#include "tests/unit/probe/scripted_network.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "probe/net/icmp_packet.h"
#include "tests/unit/probe/private_network.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr std::size_t kSourceV4 = 12, kTargetV4 = 16, kSourceV6 = 8, kTargetV6 = 24;

void put_16(Packet& packet, std::size_t at, std::size_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8);
  packet[at + 1] = static_cast<std::uint8_t>(value);
}

asio::ip::address address_at(const Packet& packet, bool v6, std::size_t at) {
  if (v6) {
    asio::ip::address_v6::bytes_type bytes;
    std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), bytes.begin());
    return asio::ip::address_v6(bytes);
  }
  asio::ip::address_v4::bytes_type bytes;
  std::copy_n(packet.begin() + static_cast<std::ptrdiff_t>(at), bytes.size(), bytes.begin());
  return asio::ip::address_v4(bytes);
}

// RFC 1071 over the ICMP message; for IPv6 over the pseudo header too (RFC 8200, 8.1).
void mend_checksum(Packet& packet) {
  const bool v6 = packet[0] >> 4 == 6;
  const std::size_t icmp = v6 ? 40 : 20;
  put_16(packet, icmp + 2, 0);
  Packet covered;
  if (v6) {
    const std::size_t length = packet.size() - icmp;
    covered.assign(packet.begin() + kSourceV6, packet.begin() + 40);
    covered.insert(covered.end(),
                   {0, static_cast<std::uint8_t>(length >> 16), static_cast<std::uint8_t>(length >> 8),
                    static_cast<std::uint8_t>(length), 0, 0, 0, 58});
  }
  covered.insert(covered.end(), packet.begin() + static_cast<std::ptrdiff_t>(icmp), packet.end());
  put_16(packet, icmp + 2, internet_checksum(covered));
}

// The IP header for `packet`, whose addresses are there already.
void finish_header(Packet& packet, bool v6) {
  if (v6) {
    packet[0] = 0x60;
    put_16(packet, 4, packet.size() - 40);
    packet[6] = 58;
    packet[7] = 64;
    return;
  }
  packet[0] = 0x45;
  put_16(packet, 2, packet.size());
  packet[8] = 64;
  packet[9] = 1;
  put_16(packet, 10, 0);
  put_16(packet, 10, internet_checksum(std::span(packet).first(20)));
}

bool is_echo_request(const Packet& packet) {
  if (packet.size() < 28) return false;
  if (packet[0] >> 4 == 4) return packet[9] == 1 && packet[20] == 8;
  return packet.size() >= 48 && packet[6] == 58 && packet[40] == 128;
}

}  // namespace

asio::ip::address EchoRequest::source() const { return address_at(packet, v6(), v6() ? kSourceV6 : kSourceV4); }
asio::ip::address EchoRequest::target() const { return address_at(packet, v6(), v6() ? kTargetV6 : kTargetV4); }

Packet changed_reply(const EchoRequest& request, const std::function<void(std::span<std::uint8_t>)>& change,
                     bool mend) {
  Packet reply = request.packet;
  const bool v6 = request.v6();
  const auto source = reply.begin() + (v6 ? kSourceV6 : kSourceV4);
  std::swap_ranges(source, source + (v6 ? 16 : 4), reply.begin() + (v6 ? kTargetV6 : kTargetV4));
  reply[request.icmp_at()] = v6 ? 129 : 0;
  finish_header(reply, v6);
  mend_checksum(reply);
  if (change) change(std::span(reply).subspan(request.icmp_at()));
  if (change && mend) mend_checksum(reply);
  return reply;
}

Packet reply_to(const EchoRequest& request) { return changed_reply(request, {}); }

Packet error_about(const EchoRequest& request, const IcmpError& error) {
  const bool v6 = request.v6();
  const auto router = asio::ip::make_address(v6 ? "2001:db8:77::fe" : "10.77.0.254");
  Packet packet(request.icmp_at() + 8);
  packet[request.icmp_at()] = static_cast<std::uint8_t>(error.type);
  packet[request.icmp_at() + 1] = static_cast<std::uint8_t>(error.code);
  put_16(packet, request.icmp_at() + 6, error.mtu);  // the low half, where the message has one
  const std::size_t quoted_at = packet.size();
  const std::size_t quoted = std::min(request.packet.size(), request.icmp_at() + error.quotes);
  packet.insert(packet.end(), request.packet.begin(),
                request.packet.begin() + static_cast<std::ptrdiff_t>(quoted));
  if (error.change) error.change(std::span(packet).subspan(quoted_at + request.icmp_at()));
  if (v6) {
    const auto from = router.to_v6().to_bytes(), to = request.source().to_v6().to_bytes();
    std::copy(from.begin(), from.end(), packet.begin() + kSourceV6);
    std::copy(to.begin(), to.end(), packet.begin() + kTargetV6);
  } else {
    const auto from = router.to_v4().to_bytes(), to = request.source().to_v4().to_bytes();
    std::copy(from.begin(), from.end(), packet.begin() + kSourceV4);
    std::copy(to.begin(), to.end(), packet.begin() + kTargetV4);
  }
  finish_header(packet, v6);
  mend_checksum(packet);
  return packet;
}

Answers reply_after(const EchoRequest& request, Nanoseconds delay) { return {{reply_to(request), delay}}; }

ScriptedNetwork::ScriptedNetwork(EchoScript script, int mtu, int place)
    : script_(std::move(script)), name_("net" + std::to_string(place)), place_(place) {
  tun_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  if (tun_ < 0 || stop_ < 0) {
    ADD_FAILURE() << "/dev/net/tun: " << std::strerror(errno);
    return;
  }
  set_up(mtu);
  thread_ = std::thread([this] { serve(); });
}

ScriptedNetwork::~ScriptedNetwork() {
  const std::uint64_t one = 1;
  if (thread_.joinable()) {
    EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
  }
  for (const int fd : {tun_, stop_})
    if (fd >= 0) ::close(fd);
}

std::string ScriptedNetwork::address(bool v6, int host) const {
  return (v6 ? "2001:db8:" + std::to_string(place_) + "::" : "10." + std::to_string(place_) + ".0.") +
         std::to_string(host);
}

void ScriptedNetwork::set_up(int mtu) {
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, name_.c_str(), IFNAMSIZ - 1);
  ASSERT_EQ(::ioctl(tun_, TUNSETIFF, &request), 0) << std::strerror(errno);
  const std::string device = " dev " + name_;
  shell("ip link set" + device + " mtu " + std::to_string(mtu) + " up && ip address add " + own(false) + "/24" +
        device + " && ip address add " + own(true) + "/64" + device + " nodad");
}

// Ahead of everything else on the host, so that a busy one adds little to what the script says.
void ScriptedNetwork::serve() {
  sched_param urgent{};
  urgent.sched_priority = 1;
  ::sched_setscheduler(0, SCHED_FIFO, &urgent);
  const SystemClock clock;
  for (;;) {
    std::optional<timespec> wait;
    if (!due_.empty()) {
      const auto left = std::max<Nanoseconds>(due_.front().at - clock.now(), Nanoseconds(0));
      wait = timespec{left / std::chrono::seconds(1), (left % std::chrono::seconds(1)).count()};
    }
    pollfd wanted[] = {{tun_, POLLIN, 0}, {stop_, POLLIN, 0}};
    ::ppoll(wanted, 2, wait ? &*wait : nullptr, nullptr);
    if (wanted[1].revents != 0) return;
    take();
    give_back();
  }
}

void ScriptedNetwork::take() {
  const SystemClock clock;
  for (;;) {
    Packet packet(65536);
    const auto size = ::read(tun_, packet.data(), packet.size());
    if (size <= 0) return;
    packet.resize(static_cast<std::size_t>(size));
    const Instant now = clock.now();
    if (!is_echo_request(packet)) continue;
    EchoRequest request{std::move(packet)};
    {
      const std::lock_guard lock(mutex_);
      request.number = static_cast<int>(requests_.size());
      requests_.push_back(request);
    }
    for (auto& answer : script_(request)) {
      Due due{now + answer.after, now, request.number, std::move(answer.packet)};
      const auto later = [](Instant at, const Due& other) { return at < other.at; };
      due_.insert(std::upper_bound(due_.begin(), due_.end(), due.at, later), std::move(due));
    }
  }
}

void ScriptedNetwork::give_back() {
  const SystemClock clock;
  while (!due_.empty() && due_.front().at <= clock.now()) {
    const Due due = std::move(due_.front());
    due_.erase(due_.begin());
    const Instant from = clock.now();
    EXPECT_EQ(::write(tun_, due.packet.data(), due.packet.size()), static_cast<ssize_t>(due.packet.size()));
    const std::lock_guard lock(mutex_);
    held_.push_back({due.number, from - due.taken, clock.now()});
  }
}

std::vector<EchoRequest> ScriptedNetwork::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<ScriptedNetwork::Held> ScriptedNetwork::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

}  // namespace parallax
