#include "definitions/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace parallax {
namespace {

constexpr std::size_t kLongestName = 253;  // RFC 1035, without the final dot
constexpr std::size_t kLongestLabel = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_literal(std::string_view text) {
  boost::system::error_code error;
  boost::asio::ip::make_address(std::string(text), error);
  return !error;
}

bool is_label(std::string_view label) {
  const auto fits = [](char c) { return is_digit(c) || is_letter(c) || c == '-' || c == '_'; };
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), fits);
}

Result<std::string> parse_name(std::string_view text) {
  std::string_view rest = text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
  if (rest.size() > kLongestName) return failure("is a host name of more than 253 letters");
  std::string_view last;
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    if (!is_label(last)) return failure("is no host name (write other letters as xn--) and no IP address");
    more = dot != std::string_view::npos;
    if (more) rest.remove_prefix(dot + 1);
  }
  // "10.0.0" and "10.0.0.256" would be taken for addresses by some resolvers and for names by others.
  if (std::all_of(last.begin(), last.end(), is_digit))
    return failure("is neither an IPv4 address nor a host name");
  return std::string(text);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const bool all_digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (!all_digits || error != std::errc{} || port < 1 || port > 65535)
    return failure(fmt::format("has the port \"{}\"; expected 1 to 65535", text));
  return static_cast<std::uint16_t>(port);
}

// "[2001:db8::1]" or "[2001:db8::1]:443".
Result<HostPort> parse_bracketed(std::string_view text, std::uint16_t default_port) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return failure("has a [ without its ]");
  const std::string_view inside = text.substr(1, close - 1);
  const std::string_view behind = text.substr(close + 1);
  if (!is_literal(inside) || inside.find(':') == std::string_view::npos)
    return failure(fmt::format("has no IPv6 address in its brackets, but \"{}\"", inside));
  if (behind.empty()) return HostPort{std::string(inside), default_port};
  if (behind.front() != ':') return failure(fmt::format("has \"{}\" behind the address", behind));
  const auto port = parse_port(behind.substr(1));
  if (!port) return std::unexpected(port.error());
  return HostPort{std::string(inside), *port};
}

// Everything that may stand in a URL is a visible ASCII character.
bool is_url_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

Result<std::string> parse_host(std::string_view text) {
  if (text.empty()) return failure("is empty; expected a host name or an address");
  if (text.find("://") != std::string_view::npos) return failure("is a URL; expected a host alone");
  if (text.front() == '[') {
    const auto bracketed = parse_bracketed(text, 0);
    if (!bracketed) return std::unexpected(bracketed.error());
    if (bracketed->port != 0) return failure("has a port; expected a host alone");
    return bracketed->host;
  }
  if (is_literal(text)) return std::string(text);
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && parse_name(text.substr(0, colon)))
    return failure("has a port; expected a host alone");
  return parse_name(text);
}

Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port) {
  if (text.empty()) return failure("is empty; expected host:port");
  if (text.find("://") != std::string_view::npos) return failure("is a URL; expected host:port");
  if (text.front() == '[') return parse_bracketed(text, default_port);
  if (is_literal(text)) return HostPort{std::string(text), default_port};
  const std::size_t colon = text.rfind(':');
  const std::string_view before = text.substr(0, colon);
  const bool is_ipv4 = before.find(':') == std::string_view::npos && is_literal(before);
  auto host = is_ipv4 ? Result<std::string>(before) : parse_name(before);
  if (!host && text.find(':') != colon)
    return failure("is no host:port; an IPv6 address needs brackets: [::1]:443");
  if (!host) return std::unexpected(host.error());
  if (colon == std::string_view::npos) return HostPort{std::move(*host), default_port};
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::unexpected(port.error());
  return HostPort{std::move(*host), *port};
}

std::string to_text(const HostPort& address) {
  const bool needs_brackets = address.host.find(':') != std::string::npos;
  return needs_brackets ? fmt::format("[{}]:{}", address.host, address.port)
                        : fmt::format("{}:{}", address.host, address.port);
}

std::string url_scheme(std::string_view url) {
  const std::size_t end = url.find("://");
  if (end == std::string_view::npos || url.substr(0, end).find_first_of("/?#") != std::string_view::npos)
    return "";
  std::string scheme(url.substr(0, end));
  for (char& c : scheme)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return scheme;
}

Result<std::string> normal_http_url(std::string_view url) {
  if (!is_url_text(url))
    return failure("has a space, a control character or a letter beyond ASCII; write it as %XX");
  const bool has_scheme = url.starts_with("://") || !url_scheme(url).empty();
  const std::string scheme = has_scheme ? url_scheme(url) : "http";
  if (scheme != "http" && scheme != "https")
    return failure(fmt::format("has the scheme \"{}\"; expected http or https", scheme));
  const std::string_view rest = has_scheme ? url.substr(scheme.size() + 3) : url;
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.empty()) return failure("names no host");
  if (authority.find('@') != std::string_view::npos)
    return failure("carries credentials; write them as basic_auth, from a file or a variable");
  const auto host = parse_host_port(authority, scheme == "https" ? 443 : 80);
  if (!host) return std::unexpected(host.error());
  return fmt::format("{}://{}", scheme, rest);
}

}  // namespace parallax
