// Compression of answers. The one door to zlib.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace parallax {

// Whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

// The text of `pieces`, one after the other, in gzip's format (RFC 1952), at the fastest level: the page is large
// and regular, and asked for often.
std::string gzip(std::span<const std::string> pieces);

}  // namespace parallax
