// Fingerprints of content.
#pragma once

#include <string>
#include <string_view>

namespace parallax {

// SHA-256 (FIPS 180-4) of the bytes, in 64 small hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace parallax
