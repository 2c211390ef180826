#include "probe/net/content_coding.h"

#include <brotli/decode.h>
#include <strings.h>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <utility>

namespace parallax {
namespace {

constexpr std::size_t kRoom = 16 * 1024;
constexpr int kWithZlibHeader = 15, kRaw = -15, kWithGzipHeader = 15 + 16;  // zlib's windowBits

class Inflater final : public ContentDecoder {
 public:
  Inflater(bool gzip, DecodedSink sink) : sink_(std::move(sink)), gzip_(gzip) {
    ready_ = inflateInit2(&stream_, gzip ? kWithGzipHeader : kWithZlibHeader) == Z_OK;
  }
  ~Inflater() override { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  bool is_ready() const { return ready_; }
  bool is_whole() const override { return ended_; }

  bool decode(std::string_view bytes) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    if (stream_.avail_in == 0) return true;
    if (!started_ && !gzip_ && !try_as_zlib(bytes)) return false;
    started_ = true;
    while (stream_.avail_in > 0) {
      // Some servers send several members one after the other, others fill up with zeros: those are no part of it.
      if (ended_ && (!gzip_ || *stream_.next_in != 0x1f)) return true;
      if (ended_ && inflateReset(&stream_) != Z_OK) return false;
      ended_ = false;
      if (!inflate_all()) return false;
    }
    return true;
  }

 private:
  // Looks at the first byte alone: "deflate" means zlib's format and is often the raw one.
  bool try_as_zlib(std::string_view bytes) {
    const auto first = static_cast<std::uint8_t>(bytes.front());
    const bool has_header =
        (first & 0x0f) == 8 && (bytes.size() < 2 || (first * 256 + static_cast<std::uint8_t>(bytes[1])) % 31 == 0);
    return has_header || inflateReset2(&stream_, kRaw) == Z_OK;
  }

  // Until the input is used up or the stream ends.
  bool inflate_all() {
    std::array<char, kRoom> room;
    for (;;) {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = kRoom;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return false;
      const std::size_t made = kRoom - stream_.avail_out;
      if (made > 0 && !sink_({room.data(), made})) return false;
      ended_ = result == Z_STREAM_END;
      if (ended_ || made < kRoom) return true;
    }
  }

  DecodedSink sink_;
  z_stream stream_{};
  bool gzip_;
  bool ready_ = false;
  bool started_ = false;
  bool ended_ = false;
};

class Brotli final : public ContentDecoder {
 public:
  explicit Brotli(DecodedSink sink)
      : sink_(std::move(sink)), state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {}
  ~Brotli() override {
    if (state_) BrotliDecoderDestroyInstance(state_);
  }
  Brotli(const Brotli&) = delete;
  Brotli& operator=(const Brotli&) = delete;

  bool is_ready() const { return state_ != nullptr; }
  bool is_whole() const override { return BrotliDecoderIsFinished(state_); }

  bool decode(std::string_view bytes) override {
    const auto* next = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    std::array<char, kRoom> room;
    for (;;) {
      auto* out = reinterpret_cast<std::uint8_t*>(room.data());
      std::size_t free = kRoom;
      const auto result = BrotliDecoderDecompressStream(state_, &left, &next, &free, &out, nullptr);
      const std::size_t made = kRoom - free;
      if (made > 0 && !sink_({room.data(), made})) return false;
      if (result == BROTLI_DECODER_RESULT_ERROR) return false;
      if (result != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) return true;
    }
  }

 private:
  DecodedSink sink_;
  BrotliDecoderState* state_;
};

bool is(std::string_view name, std::string_view known) {
  return name.size() == known.size() && ::strncasecmp(name.data(), known.data(), name.size()) == 0;
}

template <class Decoder>
std::unique_ptr<ContentDecoder> if_ready(std::unique_ptr<Decoder> decoder) {
  if (!decoder->is_ready()) return nullptr;
  return decoder;
}

}  // namespace

std::unique_ptr<ContentDecoder> make_content_decoder(std::string_view encoding, DecodedSink sink) {
  if (is(encoding, "gzip") || is(encoding, "x-gzip"))
    return if_ready(std::make_unique<Inflater>(true, std::move(sink)));
  if (is(encoding, "deflate")) return if_ready(std::make_unique<Inflater>(false, std::move(sink)));
  if (is(encoding, "br")) return if_ready(std::make_unique<Brotli>(std::move(sink)));
  return nullptr;
}

}  // namespace parallax
