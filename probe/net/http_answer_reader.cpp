#include "probe/net/http_answer_reader.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace parallax {
namespace {

// Bounds against hostile servers (docs: "Hostile targets"). Informational answers count too.
constexpr std::size_t kMostHeaderBytes = 64 * 1024;
constexpr int kMostLines = 200 + 1;  // of headers, and the status line
constexpr std::int64_t kMostBodyBytes = 16 * 1024 * 1024;
constexpr std::size_t kMostEncodings = 4;  // one over the other

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The encodings of a Content-Encoding header, in the order applied.
std::vector<std::string_view> encodings_of(std::string_view value) {
  std::vector<std::string_view> found;
  while (!value.empty()) {
    const auto comma = value.find(',');
    const auto one = trimmed(value.substr(0, comma));
    if (!one.empty() && !same_header_name(one, "identity")) found.push_back(one);
    value = comma == std::string_view::npos ? "" : value.substr(comma + 1);
  }
  return found;
}

std::optional<std::int64_t> length_in(std::string_view text) {
  std::int64_t length = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size() || length < 0) return std::nullopt;
  return length;
}

}  // namespace

bool HttpAnswerReader::fail(Trouble trouble) {
  if (trouble_ == Trouble::none) trouble_ = trouble;
  return false;
}

bool HttpAnswerReader::count_line(std::size_t bytes) {
  header_bytes_ += bytes;
  ++lines_;
  return (header_bytes_ <= kMostHeaderBytes && lines_ <= kMostLines) || fail(Trouble::headers_too_large);
}

bool HttpAnswerReader::too_many_headers() { return fail(Trouble::headers_too_large); }

bool HttpAnswerReader::begin(int status, std::string version, std::string phrase) {
  const bool fits = count_line(15 + phrase.size());
  answer_.status = status;
  answer_.version = std::move(version);
  answer_.phrase = std::string(trimmed(phrase));
  answer_.headers.clear();
  return fits;
}

bool HttpAnswerReader::header(std::string_view name, std::string_view value) {
  if (!count_line(name.size() + value.size() + 4)) return false;
  if (headers_done_) return true;  // trailers are counted and not judged
  answer_.headers.emplace_back(name, trimmed(value));
  return true;
}

bool HttpAnswerReader::end_headers() {
  if (is_informational() || headers_done_) return true;
  headers_done_ = true;
  const std::string* chunked = answer_.header("Transfer-Encoding");
  if (const std::string* length = answer_.header("Content-Length"); length && !chunked)
    answer_.content_length = length_in(*length);
  if (const std::string* modified = answer_.header("Last-Modified"))
    answer_.last_modified = parse_http_date(*modified);
  choose_decoding();
  return true;
}

// Undone is only what was asked for; anything else is judged as it came.
void HttpAnswerReader::choose_decoding() {
  if (request_.compression.empty()) return;
  std::string header;  // several are one list (RFC 9110, 5.3)
  for (const auto& [name, value] : answer_.headers)
    if (same_header_name(name, "Content-Encoding")) header += value + ",";
  const auto encodings = encodings_of(header);
  const auto was_asked_for = [this](std::string_view encoding) {
    const std::string_view name = same_header_name(encoding, "x-gzip") ? "gzip" : encoding;
    return std::any_of(request_.compression.begin(), request_.compression.end(),
                       [name](const std::string& asked) { return same_header_name(asked, name); });
  };
  if (encodings.size() > kMostEncodings || !std::all_of(encodings.begin(), encodings.end(), was_asked_for)) return;
  for (const std::string_view encoding : encodings) {
    ContentDecoder* const next = decoders_.empty() ? nullptr : decoders_.back().get();
    auto decoder = make_content_decoder(encoding, [this, next](std::string_view decoded) {
      return next ? count_between(decoded.size()) && next->decode(decoded) : keep(decoded);
    });
    if (decoder) decoders_.push_back(std::move(decoder));
  }
}

// Encodings over one another multiply: a few KiB, four times a thousandfold, would keep the loop busy for hours,
// even if nothing comes out at the end.
bool HttpAnswerReader::count_between(std::size_t bytes) {
  bytes_between_ += static_cast<std::int64_t>(bytes);
  return bytes_between_ <= kMostBodyBytes || fail(Trouble::body_too_large);
}

bool HttpAnswerReader::body(std::string_view bytes) {
  has_body_ = has_body_ || !bytes.empty();
  if (decoders_.empty()) return keep(bytes);
  return decoders_.back()->decode(bytes) || fail(Trouble::undecodable);
}

bool HttpAnswerReader::keep(std::string_view decoded) {
  answer_.body_bytes += static_cast<std::int64_t>(decoded.size());
  const std::size_t room = request_.max_body - answer_.body.size();
  answer_.body.append(decoded.substr(0, room));
  answer_.body_cut = answer_.body_cut || decoded.size() > room;
  return answer_.body_bytes <= kMostBodyBytes || fail(Trouble::body_too_large);
}

// A body of nothing is whole in every encoding: an answer to HEAD, a 304.
bool HttpAnswerReader::end() {
  if (!has_body_) return true;
  const bool whole = std::all_of(decoders_.begin(), decoders_.end(), [](const auto& d) { return d->is_whole(); });
  return whole || fail(Trouble::undecodable);
}

}  // namespace parallax
