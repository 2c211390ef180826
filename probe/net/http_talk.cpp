#include "probe/net/http_talk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace parallax {

HttpHeaders request_headers(const HttpRequest& request, const std::string& cookies) {
  HttpHeaders headers;
  const auto add_ours = [&](const char* name, std::string value) {
    if (!request.header(name)) headers.emplace_back(name, std::move(value));
  };
  add_ours("User-Agent", "parallax/" PARALLAX_VERSION);
  add_ours("Accept", "*/*");
  if (!request.compression.empty())
    add_ours("Accept-Encoding", fmt::format("{}", fmt::join(request.compression, ", ")));
  if (!cookies.empty()) add_ours("Cookie", cookies);
  for (const auto& [name, value] : request.headers) {
    if (same_header_name(name, "Host")) continue;  // each version has its own place for it
    const bool joins = !cookies.empty() && same_header_name(name, "Cookie");
    headers.emplace_back(name, joins ? value + "; " + cookies : value);
  }
  if (request.body) add_ours("Content-Length", std::to_string(request.body->size()));
  return headers;
}

}  // namespace parallax
