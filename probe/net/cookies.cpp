#include "probe/net/cookies.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <utility>

#include "probe/net/http_message.h"

namespace parallax {
namespace {

constexpr std::size_t kMost = 100;
constexpr std::size_t kMostBytes = 4096;  // of a name and its value

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return made;
}

bool is_address(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

// 5.1.3
bool lies_in_domain(const std::string& host, const std::string& domain) {
  return host == domain || (host.ends_with("." + domain) && !is_address(host));
}

std::string path_of(const Url& url) {
  const auto begin = url.text.find('/', url.text.find("://") + 3);
  if (begin == std::string::npos) return "/";
  return url.text.substr(begin, url.text.find_first_of("?#", begin) - begin);
}

// 5.1.4
std::string default_path(const Url& url) {
  const std::string path = path_of(url);
  const auto last = path.rfind('/');
  return last == 0 || last == std::string::npos ? "/" : path.substr(0, last);
}

bool lies_in_path(const std::string& path, const std::string& wanted) {
  return path.starts_with(wanted) &&
         (path.size() == wanted.size() || wanted.ends_with('/') || path[wanted.size()] == '/');
}

// What is left of `text` behind the next ';', and what is before it.
std::string_view next_part(std::string_view& text) {
  const auto end = text.find(';');
  const std::string_view part = trimmed(text.substr(0, end));
  text = end == std::string_view::npos ? "" : text.substr(end + 1);
  return part;
}

std::pair<std::string_view, std::string_view> name_and_value(std::string_view part) {
  const auto equals = part.find('=');
  if (equals == std::string_view::npos) return {part, ""};
  return {trimmed(part.substr(0, equals)), trimmed(part.substr(equals + 1))};
}

// The end by Max-Age; long past for one of 0 or less (5.2.2).
std::optional<double> end_by_age(std::string_view age, WallTime now) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(age.data(), age.data() + age.size(), seconds);
  if (error != std::errc() || end != age.data() + age.size()) return std::nullopt;
  return seconds <= 0 ? 0 : unix_seconds(now) + seconds;
}

}  // namespace

void Cookies::take(std::string_view set_cookie, const Url& url, WallTime now) {
  const std::string host = lower(url.host);
  const std::string_view pair = next_part(set_cookie);
  if (pair.find('=') == std::string_view::npos) return;
  const auto [name, value] = name_and_value(pair);
  if (name.empty() || name.size() + value.size() > kMostBytes) return;
  Cookie cookie{std::string(name), std::string(value), host, default_path(url), true, false, std::nullopt};
  std::optional<double> by_age;
  while (!set_cookie.empty()) {
    const auto [key, word] = name_and_value(next_part(set_cookie));
    if (same_header_name(key, "Secure")) cookie.only_secure = true;
    if (same_header_name(key, "Path")) cookie.path = word.starts_with('/') ? std::string(word) : default_path(url);
    if (same_header_name(key, "Max-Age")) by_age = end_by_age(word, now);
    if (same_header_name(key, "Expires")) cookie.expires = parse_http_date(std::string(word));
    if (!same_header_name(key, "Domain")) continue;
    const std::string domain = lower(word.starts_with('.') ? word.substr(1) : word);
    if (domain.empty()) continue;
    const bool wide_enough = domain == host || domain.find('.') != std::string::npos;
    if (!wide_enough || !lies_in_domain(host, domain)) return;
    cookie.domain = domain;
    cookie.only_this_host = is_address(host);
  }
  if (by_age) cookie.expires = by_age;
  if (cookie.only_secure && !url.is_https()) return;  // a plain answer may not set what only TLS may see

  const auto same = std::find_if(all_.begin(), all_.end(), [&](const Cookie& known) {
    return known.name == cookie.name && known.domain == cookie.domain && known.path == cookie.path;
  });
  if (same != all_.end())
    *same = std::move(cookie);
  else
    all_.push_back(std::move(cookie));
  if (all_.size() > kMost) all_.erase(all_.begin());
}

std::string Cookies::header_for(const Url& url, WallTime now) const {
  const std::string host = lower(url.host);
  const std::string path = path_of(url);
  std::vector<const Cookie*> shown;
  for (const Cookie& cookie : all_) {
    const bool is_for_host = cookie.only_this_host ? host == cookie.domain : lies_in_domain(host, cookie.domain);
    if (!is_for_host || !lies_in_path(path, cookie.path)) continue;
    if (cookie.only_secure && !url.is_https()) continue;
    if (cookie.expires && *cookie.expires <= unix_seconds(now)) continue;
    shown.push_back(&cookie);
  }
  // The longest path first (5.4).
  std::stable_sort(shown.begin(), shown.end(),
                   [](const Cookie* a, const Cookie* b) { return a->path.size() > b->path.size(); });
  std::string header;
  for (const Cookie* cookie : shown) header += (header.empty() ? "" : "; ") + cookie->name + "=" + cookie->value;
  return header;
}

}  // namespace parallax
