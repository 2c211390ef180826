// The kernel's own word of when a packet left or reached this host (SO_TIMESTAMPING): a loop that is late to look
// adds nothing to it.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <span>

#include "base/time.h"

namespace parallax {

// Asks for stamps of what arrives over a socket and, `of_sent`, of what leaves. Not every kernel gives them; then
// there are none, and the steady clock has to do.
void ask_for_stamps(int descriptor, bool of_sent);

// The stamp in one part of a message's ancillary data, as Unix time; nothing when it is no stamp.
std::optional<Nanoseconds> stamp_in(const cmsghdr& part);

// One recvmsg() that also takes the stamp of the newest byte it gives. `size` is recvmsg's result, with its errno.
struct StampedRead {
  std::ptrdiff_t size = -1;
  std::optional<Nanoseconds> stamp;
};
StampedRead receive_stamped(int descriptor, std::span<char> into);

// The steady moment of a stamp. Stamps are wall time, which may step: one that does not fall between `not_before`
// and now is not believed, and now is given.
Instant moment_of_stamp(const std::optional<Nanoseconds>& stamp, Instant not_before, const Clock& clock);

}  // namespace parallax
