// What a scraper makes of a compressed page.
#pragma once

#include <zlib.h>

#include <optional>
#include <string>

namespace parallax {

// The content of one whole gzip member (RFC 1952), its checksum and length compared; nothing when it is none.
inline std::optional<std::string> gunzip(std::string compressed) {
  constexpr int kGzipOnly = 15 + 16;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return std::nullopt;
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  int state = Z_OK;
  while (state == Z_OK) {
    char block[16384];
    stream.next_out = reinterpret_cast<Bytef*>(block);
    stream.avail_out = sizeof block;
    state = inflate(&stream, Z_NO_FLUSH);
    text.append(block, sizeof block - stream.avail_out);
  }
  const bool is_whole = state == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!is_whole) return std::nullopt;
  return text;
}

}  // namespace parallax
