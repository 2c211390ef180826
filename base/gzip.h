// Compression of answers. The one door to zlib.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace parallax {

// Whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

// The text of `pieces`, one after the other, in gzip's format (RFC 1952), at the fastest level: the page is large
// and regular, and asked for often.
std::string gzip(std::span<const std::string> pieces);

// CRC-32 (RFC 1952, section 8) of the bytes: finds damage that nobody meant to do.
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace parallax
