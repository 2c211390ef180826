// Builds an answer from its parts as they arrive, within bounds: whatever the version of HTTP, a hostile server
// costs this much memory and no more.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "probe/net/content_coding.h"
#include "probe/net/http_message.h"

namespace parallax {

class HttpAnswerReader {
 public:
  // `request` outlives this.
  explicit HttpAnswerReader(const HttpRequest& request) : request_(request) {}
  HttpAnswerReader(const HttpAnswerReader&) = delete;
  HttpAnswerReader& operator=(const HttpAnswerReader&) = delete;

  // The parts, in this order, an informational answer (1xx) being one of its own before. Each gives false when
  // nothing more is to be read: trouble() says why.
  bool begin(int status, std::string version, std::string phrase);
  bool header(std::string_view name, std::string_view value);
  bool end_headers();
  bool body(std::string_view bytes);
  bool end();

  // A header block that does not even fit into the parser of its version.
  bool too_many_headers();

  enum class Trouble { none, headers_too_large, body_too_large, undecodable };
  Trouble trouble() const { return trouble_; }

  bool is_begun() const { return answer_.status != 0; }  // a status came
  bool has_headers() const { return headers_done_; }     // those of the final answer, whole
  bool has_final_status() const { return is_begun() && !is_informational(); }
  bool is_informational() const { return answer_.status < 200 && answer_.status != 101; }

  HttpAnswer& answer() { return answer_; }

 private:
  bool fail(Trouble trouble);
  bool count_line(std::size_t bytes);
  void choose_decoding();
  bool count_between(std::size_t bytes);
  bool keep(std::string_view decoded);

  const HttpRequest& request_;
  HttpAnswer answer_;
  std::vector<std::unique_ptr<ContentDecoder>> decoders_;  // each feeds the one before it, the first feeds keep()
  std::size_t header_bytes_ = 0;
  std::int64_t bytes_between_ = 0;  // decoded once and to be decoded again
  int lines_ = 0;
  bool headers_done_ = false;
  bool has_body_ = false;
  Trouble trouble_ = Trouble::none;
};

}  // namespace parallax
