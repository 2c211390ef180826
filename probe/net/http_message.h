// An HTTP request, and what came back, whatever the version on the wire.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "probe/net/url.h"

namespace parallax {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  Url url;
  std::string method = "GET";
  HttpHeaders headers;
  std::optional<std::string> body;
  std::string version = "auto";          // auto, 1.1, 2
  std::vector<std::string> compression;  // encodings asked for and undone: gzip, deflate, br
  std::size_t max_body = 0;              // decoded bytes to keep
  bool by_proxy = false;  // the peer is a proxy: the whole URL goes into the request line (plain http)

  // The first header of that name, ASCII case ignored; null when there is none.
  const std::string* header(std::string_view name) const;
  // "shop.example", "[2001:db8::7]:8443": what Host and :authority say; the port only where it is unusual.
  std::string authority() const;
  // "/path?query" as the request line has it; the whole URL for a proxy.
  std::string_view target() const;
};

// What came back, as far as it came.
struct HttpAnswer {
  int status = 0;       // 0: no status line came
  std::string version;  // "1.0", "1.1", "2"
  std::string phrase;   // of the status line; empty in HTTP/2
  HttpHeaders headers;  // of the final answer, in the order received
  std::string body;     // the first max_body decoded bytes
  bool body_cut = false;
  std::int64_t body_bytes = 0;  // decoded bytes read
  std::optional<std::int64_t> content_length;
  std::optional<double> last_modified;  // Unix seconds
  std::int64_t sent_bytes = 0, received_bytes = 0;

  const std::string* header(std::string_view name) const;
};

bool same_header_name(std::string_view a, std::string_view b);

// Unix seconds of an HTTP date, in any of the forms of RFC 9110, 5.6.7; nothing when it is none.
std::optional<double> parse_http_date(const std::string& text);

}  // namespace parallax
