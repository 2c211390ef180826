// The echo request as bytes, and what comes back for it.
//
//   offset 0   type, code            RFC 792 (IPv4: 8 request, 0 reply), RFC 4443 (IPv6: 128, 129)
//          2   checksum              over header and payload; the kernel's work for IPv6 and datagram sockets
//          4   identifier            the socket's
//          6   sequence              one for each request on the socket
//          8   cookie                64 random bits, one for each run: the payload's first bytes
//          16  filler
//
// Identifier and sequence are 16 bits and others may use the same: only the cookie proves that a reply is ours.
// An ICMP error may quote no more than the first 8 bytes (RFC 792): there, identifier and sequence must do.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace parallax {

struct EchoMessage {
  bool is_reply = false;  // else a request
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::optional<std::uint64_t> cookie;  // absent where the message was cut short
};

inline constexpr std::size_t kEchoHeaderBytes = 8;

// Writes a request over the whole of `out`. Requires: out.size() >= 16.
void write_echo_request(std::span<std::uint8_t> out, bool v6, std::uint16_t identifier, std::uint16_t sequence,
                        std::uint64_t cookie);

// Reads a message that starts at its ICMP header; nothing when it is no echo.
std::optional<EchoMessage> read_echo(std::span<const std::uint8_t> bytes, bool v6);

// Finds a request with `identifier` behind link and network headers of unknown length, as the kernel gives a sent
// packet back with its stamp. `wanted` is asked about each place that looks like one.
template <class Wanted>
std::optional<EchoMessage> find_request(std::span<const std::uint8_t> bytes, bool v6, Wanted wanted) {
  for (std::size_t at = 0; at + 2 * kEchoHeaderBytes <= bytes.size(); ++at) {
    const auto message = read_echo(bytes.subspan(at), v6);
    if (message && !message->is_reply && wanted(*message)) return message;
  }
  return std::nullopt;
}

// What an ICMP error says, for people ("host unreachable"); empty for messages that do not say that the packet was
// lost (redirects) and for a demand for smaller packets, unless fragmenting was forbidden.
std::string icmp_error_text(bool v6, unsigned type, unsigned code, unsigned mtu, bool dont_fragment);

// RFC 1071.
std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes);

}  // namespace parallax
