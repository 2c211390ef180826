#include "probe/net/icmp_packet.h"

#include <gtest/gtest.h>

#include <vector>

namespace parallax {
namespace {

TEST(IcmpPacket, HasTheChecksumOfRfc1071) {
  const std::vector<std::uint8_t> even = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};  // the RFC's example
  EXPECT_EQ(internet_checksum(even), static_cast<std::uint16_t>(~0xddf2));
  const std::vector<std::uint8_t> odd = {0x00, 0x01, 0xf2};
  EXPECT_EQ(internet_checksum(odd), static_cast<std::uint16_t>(~0xf201));
}

TEST(IcmpPacket, ARequestReadsBackAsWhatItWas) {
  for (const bool v6 : {false, true}) {
    std::vector<std::uint8_t> bytes(64);
    write_echo_request(bytes, v6, 0x1234, 0xfffe, 0x0123456789abcdef);
    if (!v6) {
      EXPECT_EQ(internet_checksum(bytes), 0) << "a right checksum sums up to nothing";
    }
    const auto message = read_echo(bytes, v6);
    ASSERT_TRUE(message.has_value());
    EXPECT_FALSE(message->is_reply);
    EXPECT_EQ(message->identifier, 0x1234);
    EXPECT_EQ(message->sequence, 0xfffe);
    EXPECT_EQ(message->cookie, 0x0123456789abcdefu);
    EXPECT_FALSE(read_echo(bytes, !v6).has_value());
  }
}

TEST(IcmpPacket, WhatIsCutShortIsReadAsFarAsItGoes) {
  std::vector<std::uint8_t> bytes(64);
  write_echo_request(bytes, false, 1, 2, 3);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto message = read_echo(std::span(bytes).first(size), false);
    EXPECT_EQ(message.has_value(), size >= 8) << size;
    if (message) {
      EXPECT_EQ(message->cookie.has_value(), size >= 16) << size;
    }
  }
}

TEST(IcmpPacket, ARequestIsFoundBehindHeadersOfAnyLength) {
  for (std::size_t headers = 0; headers < 80; ++headers) {
    std::vector<std::uint8_t> bytes(headers + 64, 8);  // headers full of what could be a type
    for (std::size_t i = 1; i < headers; i += 2) bytes[i] = 0;
    write_echo_request(std::span(bytes).subspan(headers), false, 7, 9, 42);
    const auto found =
        find_request(bytes, false, [](const EchoMessage& message) { return message.cookie == 42u; });
    ASSERT_TRUE(found.has_value()) << headers;
    EXPECT_EQ(found->sequence, 9);
  }
}

TEST(IcmpPacket, OnlyErrorsThatMeanALostPacketHaveWords) {
  EXPECT_EQ(icmp_error_text(false, 3, 1, 0, false), "host unreachable");
  EXPECT_EQ(icmp_error_text(false, 3, 13, 0, false), "administratively prohibited");
  EXPECT_EQ(icmp_error_text(false, 11, 0, 0, false), "hop limit exceeded");
  EXPECT_EQ(icmp_error_text(true, 1, 3, 0, false), "address unreachable");
  EXPECT_EQ(icmp_error_text(true, 3, 0, 0, false), "hop limit exceeded");
  EXPECT_EQ(icmp_error_text(false, 5, 1, 0, false), "") << "a redirect";
  EXPECT_EQ(icmp_error_text(false, 4, 0, 0, false), "") << "source quench";
  EXPECT_EQ(icmp_error_text(true, 2, 0, 1280, false), "") << "the kernel sends smaller pieces from now on";
  EXPECT_EQ(icmp_error_text(true, 2, 0, 1280, true), "too big to pass in one piece, at most 1280 bytes do");
  EXPECT_EQ(icmp_error_text(false, 3, 4, 1400, true), "too big to pass in one piece, at most 1400 bytes do");
}

}  // namespace
}  // namespace parallax
