// HTTP/2 with one stream. The door to nghttp2.
#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "probe/net/http_talk.h"

namespace parallax {
namespace {

constexpr std::uint32_t kStreamWindow = 1 << 20;  // bytes on their way to us; nghttp2 opens it as we read
constexpr std::int32_t kConnectionWindow = 1 << 20;
constexpr std::size_t kTogether = 16 * 1024;           // of frames in one write, and what the last has beyond it
constexpr std::uint32_t kMostHeaderBytes = 64 * 1024;  // advised; the reader insists

struct FreeSession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

// Headers of HTTP/1 that speak of its connection (RFC 9113, 8.2.2).
bool is_of_the_connection(const std::string& name) {
  static constexpr std::string_view kThese[] = {"connection", "keep-alive", "proxy-connection",
                                                "transfer-encoding", "upgrade"};
  return std::any_of(std::begin(kThese), std::end(kThese), [&](auto one) { return name == one; });
}

HttpHeaders header_fields(const HttpRequest& request, const std::string& cookies) {
  const std::string* host = request.header("Host");
  HttpHeaders fields = {{":method", request.method},
                        {":scheme", request.url.scheme},
                        {":authority", host ? *host : request.authority()},
                        {":path", std::string(request.target())}};
  for (auto& [name, value] : request_headers(request, cookies)) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (!is_of_the_connection(name)) fields.emplace_back(std::move(name), std::move(value));
  }
  return fields;
}

class Http2Talk final : public HttpTalk {
 public:
  Http2Talk(const HttpRequest& request, HttpAnswerReader& reader) : request_(request), reader_(reader) {}

  bool start(const std::string& cookies) {
    nghttp2_session* made = nullptr;
    if (nghttp2_session_client_new(&made, callbacks(), this) != 0) return false;
    session_.reset(made);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
                                               {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kMostHeaderBytes}};
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    return submit(header_fields(request_, cookies));
  }

  std::string_view to_send() override {
    if (!unsent_.empty()) return unsent_;
    together_.clear();
    ssize_t size = 0;
    // nghttp2 gives a frame at a time: each would be a packet (and a TLS record) of its own.
    while (!ended_ && together_.size() < kTogether) {
      const std::uint8_t* bytes = nullptr;
      size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) break;
      together_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    unsent_ = together_;
    if (unsent_.empty() && size == 0 && body_given_) request_sent_ = true;
    return unsent_;
  }
  void sent(std::size_t bytes) override { unsent_.remove_prefix(bytes); }
  bool is_request_sent() const override { return request_sent_; }
  bool is_answering() const override { return reader_.is_begun(); }  // settings come without a question

  Progress received(std::string_view bytes) override {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const auto used = nghttp2_session_mem_recv(session_.get(), data, bytes.size());
    if (ended_) return *ended_;
    if (used >= 0) return Progress::more;
    words_ = nghttp2_strerror(static_cast<int>(used));
    return Progress::failed;
  }

  Progress after_sending() override {
    if (ended_) return *ended_;
    // Over the connection itself nothing calls back: it takes no more requests, and not because the peer goes
    // away.
    const bool is_given_up = !peer_goes_ && nghttp2_session_check_request_allowed(session_.get()) == 0;
    return is_given_up ? Progress::failed : Progress::more;
  }

  Progress closed() override { return Progress::more; }

 private:
  bool submit(const HttpHeaders& fields) {
    std::vector<nghttp2_nv> pairs;
    for (const auto& [name, value] : fields) {
      const auto bytes_of = [](const std::string& text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
      };
      pairs.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider body{{.ptr = this}, &on_body_wanted};
    const bool has_body = request_.body && !request_.body->empty();
    body_given_ = !has_body;
    stream_ = nghttp2_submit_request(session_.get(), nullptr, pairs.data(), pairs.size(),
                                     has_body ? &body : nullptr, nullptr);
    return stream_ > 0;
  }

  static Http2Talk& of(void* self) { return *static_cast<Http2Talk*>(self); }

  static ssize_t on_body_wanted(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t room,
                                std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Http2Talk& self = of(user);
    const std::string_view left = std::string_view(*self.request_.body).substr(self.body_sent_);
    const std::size_t size = std::min(room, left.size());
    std::memcpy(into, left.data(), size);
    self.body_sent_ += size;
    if (size == left.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      self.body_given_ = true;
    }
    return static_cast<ssize_t>(size);
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    Http2Talk& self = of(user);
    if (frame->hd.stream_id != self.stream_) return 0;
    const std::string_view called(reinterpret_cast<const char*>(name), name_size);
    const std::string_view is(reinterpret_cast<const char*>(value), value_size);
    const bool goes_on = called == ":status" ? self.reader_.begin(std::atoi(std::string(is).c_str()), "2", "")
                                             : self.reader_.header(called, is);
    return goes_on ? 0 : self.stop();
  }

  // A block of headers is over when its last frame is, and so is a body.
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Talk& self = of(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) self.peer_goes_ = true;
    if (frame->hd.stream_id != self.stream_) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !self.reader_.end_headers()) return self.stop();
    const bool may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!may_end || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    if (!self.reader_.end()) return self.stop();
    self.ended_ = Progress::whole;
    return 0;
  }

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    Http2Talk& self = of(user);
    if (stream != self.stream_) return 0;
    return self.reader_.body({reinterpret_cast<const char*>(bytes), size}) ? 0 : self.stop();
  }

  static int on_stream_closed(nghttp2_session*, std::int32_t stream, std::uint32_t why, void* user) {
    Http2Talk& self = of(user);
    if (stream != self.stream_ || self.ended_) return 0;
    self.ended_ = why == NGHTTP2_REFUSED_STREAM ? Progress::refused : Progress::failed;
    if (self.words_.empty()) self.words_ = fmt::format("HTTP/2 stream closed by {}", nghttp2_http2_strerror(why));
    return 0;
  }

  static int on_error(nghttp2_session*, int, const char* words, std::size_t size, void* user) {
    of(user).words_.assign(words, size);
    return 0;
  }

  int stop() {
    ended_ = Progress::failed;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static nghttp2_session_callbacks* callbacks() {
    static nghttp2_session_callbacks* const table = [] {
      nghttp2_session_callbacks* made = nullptr;
      nghttp2_session_callbacks_new(&made);
      nghttp2_session_callbacks_set_on_header_callback(made, &on_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, &on_frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &on_data);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, &on_stream_closed);
      nghttp2_session_callbacks_set_error_callback2(made, &on_error);
      return made;
    }();
    return table;
  }

  const HttpRequest& request_;
  HttpAnswerReader& reader_;
  std::unique_ptr<nghttp2_session, FreeSession> session_;
  std::int32_t stream_ = 0;
  std::string together_;  // the frames on their way
  std::string_view unsent_;
  std::size_t body_sent_ = 0;
  bool body_given_ = false;    // nghttp2 has all of it
  bool request_sent_ = false;  // and we have sent all that it had
  bool peer_goes_ = false;     // it said so (GOAWAY)
  std::optional<Progress> ended_;
};

}  // namespace

std::string http2_library() { return fmt::format("nghttp2 {}", nghttp2_version(0)->version_str); }

std::unique_ptr<HttpTalk> make_http2_talk(const HttpRequest& request, const std::string& cookies,
                                          HttpAnswerReader& reader) {
  auto talk = std::make_unique<Http2Talk>(request, reader);
  return talk->start(cookies) ? std::move(talk) : nullptr;
}

}  // namespace parallax
