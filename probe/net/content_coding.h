// Undoes a body's encoding as it arrives (RFC 9110, 8.4): gzip, deflate, br. The door to zlib's inflate and
// brotli.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace parallax {

// Decoded bytes as they come; false ends the decoding.
using DecodedSink = std::function<bool(std::string_view)>;

class ContentDecoder {
 public:
  virtual ~ContentDecoder() = default;
  // False when the bytes are not of this encoding, or when the sink has enough.
  virtual bool decode(std::string_view bytes) = 0;
  // Whether the encoded stream has come to its end.
  virtual bool is_whole() const = 0;
};

// "gzip" (also "x-gzip"), "deflate" (with zlib's header, or without as some servers send it), "br"; null for any
// other name and when memory is out.
std::unique_ptr<ContentDecoder> make_content_decoder(std::string_view encoding, DecodedSink sink);

}  // namespace parallax
