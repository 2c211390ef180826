// One exchange in one version of HTTP, as bytes to send and bytes that came; it waits for nothing and knows no
// socket.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "probe/net/http_answer_reader.h"
#include "probe/net/http_message.h"

namespace parallax {

class HttpTalk {
 public:
  virtual ~HttpTalk() = default;

  // What wants to be sent next; empty when there is nothing now. Valid until the next call of anything here.
  virtual std::string_view to_send() = 0;
  virtual void sent(std::size_t bytes) = 0;

  enum class Progress {
    more,     // the answer goes on
    whole,    // it is all there
    failed,   // it is not proper HTTP: see words(); or the reader has its trouble
    refused,  // the peer did not take the request on: as if it had closed
  };
  virtual Progress received(std::string_view bytes) = 0;
  // What became of the talk while to_send() made bytes: HTTP/2 sends the peer what is wrong with its frames, and
  // only then gives them up. more: nothing.
  virtual Progress after_sending() { return Progress::more; }
  // The peer sends no more. more: it closed too early.
  virtual Progress closed() = 0;

  // The first byte of an answer came.
  virtual bool is_answering() const = 0;
  // The request went out whole.
  virtual bool is_request_sent() const = 0;

  // What is wrong, in the parser's words.
  const std::string& words() const { return words_; }

 protected:
  std::string words_;
};

// HTTP/1.1 (RFC 9112) by http-parser, and HTTP/2 (RFC 9113) by nghttp2. `cookies`: the Cookie header's value,
// empty for none. Request and reader outlive the talk. Null when memory is out.
std::unique_ptr<HttpTalk> make_http1_talk(const HttpRequest& request, const std::string& cookies,
                                          HttpAnswerReader& reader);
std::unique_ptr<HttpTalk> make_http2_talk(const HttpRequest& request, const std::string& cookies,
                                          HttpAnswerReader& reader);

// "http-parser 2.9.4", "nghttp2 1.52.0": as loaded.
std::string http1_library();
std::string http2_library();

// The headers of a request, in either version: the definition's, and ours where it has none of that name.
HttpHeaders request_headers(const HttpRequest& request, const std::string& cookies);

}  // namespace parallax
