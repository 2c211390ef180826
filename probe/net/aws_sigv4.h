// Signature Version 4 of AWS: what makes a request one of a known caller. Pure.
//
// Ours and not libcurl's: 7.88 signs neither sorted query parameters nor the headers as they go out, and the sum
// of the body has to be made anyway.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace parallax {

struct AwsCredentials {
  std::string region, service;
  std::string access_key, secret_key;
  std::string session_token;  // empty for none
};

struct AwsRequest {
  std::string method;
  std::string path;   // as it goes over the wire, "/" at least
  std::string query;  // without its "?"
  std::string host;   // the Host header
  std::string body;
};

using AwsHeaders = std::vector<std::pair<std::string, std::string>>;

// The headers to add: X-Amz-Date, X-Amz-Content-Sha256, X-Amz-Security-Token where there is one, and
// Authorization, which signs them and the host.
AwsHeaders aws_sigv4(const AwsCredentials& credentials, const AwsRequest& request, WallTime now);

// HMAC (RFC 2104) with SHA-256, 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace parallax
