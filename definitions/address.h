// Hosts, ports and URLs as people write them in definitions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parallax {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};

// A host name (RFC 1123, `_` allowed, one label is enough) or an address literal, IPv6 with or without brackets;
// the error says what is wrong with it, to go behind the offending text.
Result<std::string> parse_host(std::string_view text);

// "host:port" or "host"; an IPv6 address with a port needs its brackets.
Result<HostPort> parse_host_port(std::string_view text, std::uint16_t default_port);

// The opposite: "[2001:db8::1]:443".
std::string to_text(const HostPort& address);

// The scheme in small letters; empty when none is written.
std::string url_scheme(std::string_view url);

// What is left of an http or https URL once it is checked (RFC 3986): the scheme in small letters, `http://` where
// none was written; the rest as it was.
Result<std::string> normal_http_url(std::string_view url);

}  // namespace parallax
