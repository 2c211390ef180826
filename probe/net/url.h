// A URL taken apart as the HTTP engine understands it, so that what is resolved and guarded is what is asked.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace parallax {

struct Url {
  std::string text;    // normalized, without user and password, without fragment
  std::string scheme;  // "http", "https" or another, in lower case
  std::string host;    // a name in ASCII or an address literal without brackets
  std::uint16_t port = 0;

  bool is_https() const { return scheme == "https"; }
};

// Takes `text` apart; http is assumed where no scheme is written. The error says what is wrong with it.
Result<Url> parse_url(const std::string& text);

// What a Location header of `base` means (RFC 9110, 10.2.2); any scheme.
Result<Url> resolve_location(const Url& base, const std::string& location);

}  // namespace parallax
