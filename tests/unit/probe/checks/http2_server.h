// Frames of HTTP/2 by hand (RFC 9113), for servers that do with them what no library would.
#pragma once

#include <cstdint>
#include <string>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax::http2 {

enum Type { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoaway = 7, kContinuation = 9 };
constexpr int kEndStream = 1, kEndHeaders = 4;

inline std::string frame(Type type, int flags, std::uint32_t stream, const std::string& content) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(content.size() >> shift & 255U);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift & 255U);
  return bytes + content;
}

inline std::string number(std::uint32_t value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(value >> shift & 255U);
  return bytes;
}

// A header as RFC 7541, 6.2.2, has it: literal, with a new name.
inline std::string header(const std::string& name, const std::string& value) {
  std::string bytes(1, '\0');
  for (const std::string& text : {name, value}) bytes += static_cast<char>(text.size()) + text;
  return bytes;
}

inline std::string status(const std::string& code) { return header(":status", code); }

// The server's preface: no settings of its own, and the client's are fine.
inline std::string hello() { return frame(kSettings, 0, 0, "") + frame(kSettings, 1, 0, ""); }

// A whole answer to the one request.
inline std::string answer(const std::string& code, const std::string& body) {
  return frame(kHeaders, kEndHeaders, 1, status(code)) + frame(kData, kEndStream, 1, body);
}

}  // namespace parallax::http2
