// Compression of answers. The one door to zlib.
#pragma once

#include <string>
#include <string_view>

namespace parallax {

// Whether an Accept-Encoding header allows gzip (RFC 9110, section 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

// `text` in gzip's format (RFC 1952), at the fastest level: the page is large and regular, and asked for often.
std::string gzip(std::string_view text);

}  // namespace parallax
