// The recipe is AWS' own ("Create a signed AWS API request"):
//   canonical request   method, path, sorted query, headers to be signed, their names, SHA-256 of the body; a line
//   each text to sign        algorithm, moment, scope (day/region/service/aws4_request), SHA-256 of the canonical
//   request key                 HMACs of the day, the region, the service and "aws4_request", beginning with the
//   secret key
#include "probe/net/aws_sigv4.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/digest.h"

namespace parallax {
namespace {

constexpr std::size_t kBlock = 64;  // of SHA-256

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

// RFC 3986: everything but the unreserved characters (and `kept`) as %XX.
std::string encoded(std::string_view text, std::string_view kept = "") {
  std::string result;
  for (const char c : text) {
    const bool is_plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '~' || kept.find(c) != std::string_view::npos;
    if (is_plain)
      result += c;
    else
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr == text.data() + i + 3) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::string> parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    const std::string_view value = equals < one.size() ? one.substr(equals + 1) : "";
    parameters.push_back(encoded(decoded(one.substr(0, equals))) + "=" + encoded(decoded(value)));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string joined;
  for (const std::string& one : parameters) joined += (joined.empty() ? "" : "&") + one;
  return joined;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string block = key.size() > kBlock ? bytes_of(sha256_hex(key)) : std::string(key);
  block.resize(kBlock, '\0');
  std::string inner = block;
  std::string outer = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return bytes_of(sha256_hex(outer + bytes_of(sha256_hex(inner + std::string(text)))));
}

AwsHeaders aws_sigv4(const AwsCredentials& credentials, const AwsRequest& request, WallTime now) {
  std::string moment = to_text(now, 0);  // 2015-08-30T12:36:00Z
  std::erase_if(moment, [](char c) { return c == '-' || c == ':'; });
  const std::string day = moment.substr(0, 8);
  const std::string body_sum = sha256_hex(request.body);

  AwsHeaders headers = {{"X-Amz-Content-Sha256", body_sum}, {"X-Amz-Date", moment}};
  std::string canonical_headers =
      fmt::format("host:{}\nx-amz-content-sha256:{}\nx-amz-date:{}\n", request.host, body_sum, moment);
  std::string names = "host;x-amz-content-sha256;x-amz-date";
  if (!credentials.session_token.empty()) {
    headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
    canonical_headers += fmt::format("x-amz-security-token:{}\n", credentials.session_token);
    names += ";x-amz-security-token";
  }
  // The path is encoded once on the wire and once more for the signature, but for S3.
  const std::string path = credentials.service == "s3" ? request.path : encoded(request.path, "/");
  const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path,
                                            canonical_query(request.query), canonical_headers, names, body_sum);

  const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, credentials.region, credentials.service);
  const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", moment, scope, sha256_hex(canonical));
  std::string key = "AWS4" + credentials.secret_key;
  for (const std::string& part : {day, credentials.region, credentials.service, std::string("aws4_request")})
    key = hmac_sha256(key, part);
  headers.emplace_back("Authorization",
                       fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                   credentials.access_key, scope, names, hex_of(hmac_sha256(key, to_sign))));
  return headers;
}

}  // namespace parallax
