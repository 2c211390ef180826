#include "probe/net/kernel_stamps.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace parallax {

void ask_for_stamps(int descriptor, bool of_sent) {
  int which = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  if (of_sent) which |= SOF_TIMESTAMPING_TX_SOFTWARE;
  ::setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPING, &which, sizeof which);
}

std::optional<Nanoseconds> stamp_in(const cmsghdr& part) {
  if (part.cmsg_level != SOL_SOCKET || part.cmsg_type != SCM_TIMESTAMPING) return std::nullopt;
  scm_timestamping stamps{};
  std::memcpy(&stamps, CMSG_DATA(&part), sizeof stamps);
  const timespec& by_software = stamps.ts[0];
  if (by_software.tv_sec == 0) return std::nullopt;
  return std::chrono::seconds(by_software.tv_sec) + Nanoseconds(by_software.tv_nsec);
}

StampedRead receive_stamped(int descriptor, std::span<char> into) {
  iovec content{into.data(), into.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(scm_timestamping)) + 64> control;
  msghdr message{};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  StampedRead read;
  read.size = ::recvmsg(descriptor, &message, MSG_DONTWAIT);
  if (read.size <= 0) return read;
  for (auto* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part))
    if (const auto stamp = stamp_in(*part)) read.stamp = stamp;
  return read;
}

Instant moment_of_stamp(const std::optional<Nanoseconds>& stamp, Instant not_before, const Clock& clock) {
  const Instant now = clock.now();
  if (!stamp) return now;
  const Instant moment = now - (clock.wall().time_since_epoch() - *stamp);
  return moment < not_before || moment > now ? now : moment;
}

}  // namespace parallax
