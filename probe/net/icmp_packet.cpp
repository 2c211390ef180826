#include "probe/net/icmp_packet.h"

#include <fmt/format.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>

#include <cstring>

namespace parallax {
namespace {

constexpr std::size_t kCookieBytes = 8;

std::uint16_t big_endian_16(const std::uint8_t* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }

void put_big_endian_16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

std::string v4_error_text(unsigned type, unsigned code, unsigned mtu, bool dont_fragment) {
  if (type == ICMP_TIME_EXCEEDED) return code == ICMP_EXC_TTL ? "hop limit exceeded" : "reassembly took too long";
  if (type == ICMP_PARAMETERPROB) return "the packet has a header it does not understand";
  if (type != ICMP_DEST_UNREACH) return {};
  switch (code) {
    case ICMP_NET_UNREACH:
    case ICMP_NET_UNKNOWN:
      return "network unreachable";
    case ICMP_HOST_UNREACH:
    case ICMP_HOST_UNKNOWN:
      return "host unreachable";
    case ICMP_PROT_UNREACH:
      return "protocol unreachable";
    case ICMP_PORT_UNREACH:
      return "port unreachable";
    case ICMP_FRAG_NEEDED:
      return dont_fragment ? fmt::format("too big to pass in one piece, at most {} bytes do", mtu) : std::string();
    case ICMP_NET_ANO:
    case ICMP_HOST_ANO:
    case ICMP_PKT_FILTERED:
      return "administratively prohibited";
    default:
      return fmt::format("destination unreachable (code {})", code);
  }
}

std::string v6_error_text(unsigned type, unsigned code, unsigned mtu, bool dont_fragment) {
  switch (type) {
    case ICMP6_TIME_EXCEEDED:
      return code == ICMP6_TIME_EXCEED_TRANSIT ? "hop limit exceeded" : "reassembly took too long";
    case ICMP6_PARAM_PROB:
      return "the packet has a header it does not understand";
    case ICMP6_PACKET_TOO_BIG:
      return dont_fragment ? fmt::format("too big to pass in one piece, at most {} bytes do", mtu) : std::string();
    case ICMP6_DST_UNREACH:
      break;
    default:
      return {};
  }
  switch (code) {
    case ICMP6_DST_UNREACH_NOROUTE:
      return "no route to the destination";
    case ICMP6_DST_UNREACH_ADMIN:
      return "administratively prohibited";
    case ICMP6_DST_UNREACH_ADDR:
      return "address unreachable";
    case ICMP6_DST_UNREACH_NOPORT:
      return "port unreachable";
    default:
      return fmt::format("destination unreachable (code {})", code);
  }
}

}  // namespace

void write_echo_request(std::span<std::uint8_t> out, bool v6, std::uint16_t identifier, std::uint16_t sequence,
                        std::uint64_t cookie) {
  for (std::size_t i = kEchoHeaderBytes + kCookieBytes; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
  out[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
  out[1] = 0;
  put_big_endian_16(&out[2], 0);
  put_big_endian_16(&out[4], identifier);
  put_big_endian_16(&out[6], sequence);
  std::memcpy(&out[kEchoHeaderBytes], &cookie, kCookieBytes);
  if (!v6) put_big_endian_16(&out[2], internet_checksum(out));
}

std::optional<EchoMessage> read_echo(std::span<const std::uint8_t> bytes, bool v6) {
  if (bytes.size() < kEchoHeaderBytes || bytes[1] != 0) return std::nullopt;
  const bool is_reply = bytes[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
  const bool is_request = bytes[0] == (v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
  if (!is_reply && !is_request) return std::nullopt;
  EchoMessage message{is_reply, big_endian_16(&bytes[4]), big_endian_16(&bytes[6]), std::nullopt};
  if (bytes.size() >= kEchoHeaderBytes + kCookieBytes) {
    std::uint64_t cookie = 0;
    std::memcpy(&cookie, &bytes[kEchoHeaderBytes], kCookieBytes);
    message.cookie = cookie;
  }
  return message;
}

std::string icmp_error_text(bool v6, unsigned type, unsigned code, unsigned mtu, bool dont_fragment) {
  return v6 ? v6_error_text(type, code, mtu, dont_fragment) : v4_error_text(type, code, mtu, dont_fragment);
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += big_endian_16(&bytes[i]);
  if (bytes.size() % 2 == 1) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace parallax
