#include "base/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace parallax {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The weight behind a coding: "; q=0.5"; 1 when there is none. Zero and nothing else forbids.
bool is_forbidden(std::string_view parameters) {
  const std::size_t q = parameters.find("q=");
  if (q == std::string_view::npos) return false;
  const std::string_view weight = trimmed(parameters.substr(q + 2));
  return weight.starts_with('0') && weight.find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    const std::string_view item = accept_encoding.substr(0, accept_encoding.find(','));
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), item.size() + 1));
    const std::size_t semicolon = item.find(';');
    const std::string_view coding = trimmed(item.substr(0, semicolon));
    const bool allowed = semicolon == std::string_view::npos || !is_forbidden(item.substr(semicolon));
    if (coding == "gzip") return allowed;
    if (coding == "*") any = allowed;
  }
  return any;
}

std::string gzip(std::span<const std::string> pieces) {
  constexpr int kGzipWindow = 15 + 16;  // the largest window, and gzip's header in place of zlib's
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) std::abort();
  std::string out;
  std::vector<char> some(64 * 1024);
  // Compresses what next_in holds; with Z_FINISH, all that is left.
  const auto compress = [&](int flush) {
    do {
      stream.next_out = reinterpret_cast<Bytef*>(some.data());
      stream.avail_out = static_cast<uInt>(some.size());
      if (deflate(&stream, flush) == Z_STREAM_ERROR) std::abort();
      out.append(some.data(), some.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  };
  for (const std::string& piece : pieces) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    compress(Z_NO_FLUSH);
  }
  compress(Z_FINISH);
  deflateEnd(&stream);
  return out;
}

std::uint32_t crc32_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace parallax
