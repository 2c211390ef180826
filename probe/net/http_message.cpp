#include "probe/net/http_message.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

namespace parallax {
namespace {

const std::string* first_of(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [known, value] : headers)
    if (same_header_name(known, name)) return &value;
  return nullptr;
}

}  // namespace

bool same_header_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

const std::string* HttpRequest::header(std::string_view name) const { return first_of(headers, name); }
const std::string* HttpAnswer::header(std::string_view name) const { return first_of(headers, name); }

std::string HttpRequest::authority() const {
  std::string host = url.host.substr(0, url.host.find('%'));  // a zone is this host's own word
  if (host.find(':') != std::string::npos) host = fmt::format("[{}]", host);
  const bool usual = url.port == (url.is_https() ? 443 : 80);
  return usual ? host : fmt::format("{}:{}", host, url.port);
}

std::string_view HttpRequest::target() const {
  const std::string_view text = url.text;
  if (by_proxy) return text;
  const auto begin = text.find("://");
  const auto path = text.find_first_of("/?", begin == std::string_view::npos ? 0 : begin + 3);
  return path == std::string_view::npos ? "/" : text.substr(path);
}

}  // namespace parallax
