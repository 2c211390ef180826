// HTTP/1.1. The door to http-parser, which forgives what servers in the wild get wrong: a missing reason phrase,
// bare line feeds, a length beside chunks.
#include <fmt/format.h>
#include <http_parser.h>

#include <utility>

#include "probe/net/http_talk.h"

namespace parallax {
namespace {

std::string request_text(const HttpRequest& request, const std::string& cookies) {
  const std::string* host = request.header("Host");
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.target(),
                                 host ? *host : request.authority());
  for (const auto& [name, value] : request_headers(request, cookies))
    text += value.empty() ? name + ":\r\n" : name + ": " + value + "\r\n";
  // We close anyway; told so, the server closes first and the lingering port is its, not ours.
  if (!request.header("Connection")) text += "Connection: close\r\n";
  text += "\r\n";
  if (request.body) text += *request.body;
  return text;
}

class Http1Talk final : public HttpTalk {
 public:
  Http1Talk(const HttpRequest& request, const std::string& cookies, HttpAnswerReader& reader)
      : reader_(reader), is_head_(request.method == "HEAD"), request_(request_text(request, cookies)) {
    start_parser();
  }

  std::string_view to_send() override { return std::string_view(request_).substr(sent_); }
  void sent(std::size_t bytes) override { sent_ += bytes; }
  bool is_request_sent() const override { return sent_ == request_.size(); }
  bool is_answering() const override { return is_answering_; }

  Progress received(std::string_view bytes) override {
    for (;;) {
      const std::size_t used = http_parser_execute(&parser_, callbacks(), bytes.data(), bytes.size());
      const auto error = HTTP_PARSER_ERRNO(&parser_);
      // The first bytes of something else, an SSH banner, are no answer.
      is_answering_ = is_answering_ || reader_.is_begun() || error == HPE_OK;
      if (whole_) return Progress::whole;
      if (error == HPE_OK) return Progress::more;
      if (error != HPE_PAUSED) return failed(error);
      bytes.remove_prefix(used);  // an informational answer is over, the next begins
      start_parser();
      if (bytes.empty()) return Progress::more;
    }
  }

  Progress closed() override {
    if (!reader_.has_headers()) return Progress::more;
    http_parser_execute(&parser_, callbacks(), nullptr, 0);
    if (whole_) return Progress::whole;
    return reader_.trouble() == HttpAnswerReader::Trouble::none ? Progress::more : Progress::failed;
  }

 private:
  void start_parser() {
    http_parser_init(&parser_, HTTP_RESPONSE);
    parser_.data = this;
    parser_.lenient_http_headers = 1;
    parser_.allow_chunked_length = 1;
    begun_ = false;
    phrase_.clear();
    name_.clear();
    value_.clear();
    in_value_ = false;
  }

  Progress failed(http_errno error) {
    if (words_.empty()) words_ = http_errno_description(error);
    if (error == HPE_HEADER_OVERFLOW) reader_.too_many_headers();
    return Progress::failed;
  }

  // The status line is over: nothing tells but what comes behind it.
  bool begin() {
    if (std::exchange(begun_, true)) return true;
    if (parser_.status_code < 100) {
      words_ = fmt::format("there is no status {}", static_cast<unsigned>(parser_.status_code));
      return false;
    }
    return reader_.begin(static_cast<int>(parser_.status_code),
                         fmt::format("{}.{}", parser_.http_major, parser_.http_minor), std::exchange(phrase_, {}));
  }

  bool flush_header() {
    if (name_.empty()) return true;
    const bool goes_on = reader_.header(name_, value_);
    name_.clear();
    value_.clear();
    in_value_ = false;
    return goes_on;
  }

  static Http1Talk& of(http_parser* parser) { return *static_cast<Http1Talk*>(parser->data); }

  static int on_status(http_parser* parser, const char* bytes, std::size_t size) {
    of(parser).phrase_.append(bytes, size);
    return 0;
  }

  // Names and values come in pieces.
  static int on_header_field(http_parser* parser, const char* bytes, std::size_t size) {
    Http1Talk& self = of(parser);
    if (!self.begin() || (self.in_value_ && !self.flush_header())) return 1;
    self.name_.append(bytes, size);
    return 0;
  }

  static int on_header_value(http_parser* parser, const char* bytes, std::size_t size) {
    of(parser).in_value_ = true;
    of(parser).value_.append(bytes, size);
    return 0;
  }

  static int on_headers_complete(http_parser* parser) {
    Http1Talk& self = of(parser);
    if (!self.begin() || !self.flush_header() || !self.reader_.end_headers()) return -1;
    return self.is_head_ && !self.reader_.is_informational() ? 1 : 0;  // 1: no body follows
  }

  static int on_body(http_parser* parser, const char* bytes, std::size_t size) {
    return of(parser).reader_.body({bytes, size}) ? 0 : 1;
  }

  static int on_message_complete(http_parser* parser) {
    Http1Talk& self = of(parser);
    if (!self.flush_header()) return 1;  // of a trailer
    if (!self.reader_.is_informational()) {
      if (!self.reader_.end()) return 1;
      self.whole_ = true;
    }
    http_parser_pause(parser, 1);
    return 0;
  }

  static const http_parser_settings* callbacks() {
    static const http_parser_settings settings = [] {
      http_parser_settings made;
      http_parser_settings_init(&made);
      made.on_status = &on_status;
      made.on_header_field = &on_header_field;
      made.on_header_value = &on_header_value;
      made.on_headers_complete = &on_headers_complete;
      made.on_body = &on_body;
      made.on_message_complete = &on_message_complete;
      return made;
    }();
    return &settings;
  }

  HttpAnswerReader& reader_;
  const bool is_head_;
  std::string request_;
  std::size_t sent_ = 0;
  http_parser parser_;
  std::string phrase_, name_, value_;
  bool begun_ = false;
  bool is_answering_ = false;
  bool in_value_ = false;
  bool whole_ = false;
};

}  // namespace

std::string http1_library() {
  const unsigned long version = http_parser_version();
  return fmt::format("http-parser {}.{}.{}", version >> 16 & 0xff, version >> 8 & 0xff, version & 0xff);
}

std::unique_ptr<HttpTalk> make_http1_talk(const HttpRequest& request, const std::string& cookies,
                                          HttpAnswerReader& reader) {
  return std::make_unique<Http1Talk>(request, cookies, reader);
}

}  // namespace parallax
