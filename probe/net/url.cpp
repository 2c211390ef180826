#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "probe/net/url.h"

namespace parallax {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Handle = std::unique_ptr<CURLU, FreeUrl>;

std::string part(CURLU* url, CURLUPart what, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, what, &text, flags) != CURLUE_OK) return "";
  std::string copy = text;
  curl_free(text);
  return copy;
}

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 128; });
}

Result<Url> taken_apart(CURLU* handle, const std::string& written) {
  curl_url_set(handle, CURLUPART_USER, nullptr, 0);
  curl_url_set(handle, CURLUPART_PASSWORD, nullptr, 0);
  curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
  Url url;
  url.scheme = part(handle, CURLUPART_SCHEME);
  url.host = part(handle, CURLUPART_HOST);
  if (url.host.empty() || !is_ascii(url.host))
    return failure(fmt::format(
        "\"{}\" is not a URL: it has no host, or one that is not in ASCII (write such a name as xn--...)",
        written));
  if (url.host.size() > 2 && url.host.front() == '[') {
    url.host = url.host.substr(1, url.host.size() - 2);
    if (const std::string zone = part(handle, CURLUPART_ZONEID); !zone.empty()) url.host += "%" + zone;
  }
  const std::string port = part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), url.port);
  url.text = part(handle, CURLUPART_URL);
  return url;
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  const std::string whole = text.find("://") == std::string::npos ? "http://" + text : text;
  const Handle handle(curl_url());
  const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, whole.c_str(), CURLU_URLENCODE);
  if (code != CURLUE_OK) return failure(fmt::format("\"{}\" is not a URL: {}", text, curl_url_strerror(code)));
  return taken_apart(handle.get(), text);
}

Result<Url> resolve_location(const Url& base, const std::string& location) {
  const Handle handle(curl_url());
  curl_url_set(handle.get(), CURLUPART_URL, base.text.c_str(), 0);
  const unsigned flags = CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE;
  const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, location.c_str(), flags);
  if (code != CURLUE_OK)
    return failure(fmt::format("the redirect to \"{}\" is not a URL: {}", location, curl_url_strerror(code)));
  Url other;
  other.scheme = part(handle.get(), CURLUPART_SCHEME);
  if (other.scheme != "http" && other.scheme != "https") {
    other.text = location;
    return other;
  }
  return taken_apart(handle.get(), location);
}

}  // namespace parallax
