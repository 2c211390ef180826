// Bytes from elsewhere made fit for formats that want UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace parallax {

// Whether all of `bytes` is well-formed (RFC 3629).
bool is_utf8(std::string_view bytes);

// Appends `bytes` to `out` with every byte that belongs to no well-formed sequence (RFC 3629) replaced by U+FFFD.
void append_utf8(std::string& out, std::string_view bytes);

// The longest prefix of at most `most` bytes that does not cut a character in two.
std::string_view cut_utf8(std::string_view text, std::size_t most);

}  // namespace parallax
