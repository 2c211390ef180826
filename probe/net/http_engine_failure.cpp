#include "probe/net/http_engine_failure.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <string_view>

namespace parallax {
namespace {

bool says(const std::string& words, std::string_view part) { return words.find(part) != std::string::npos; }

// libcurl gives one code for "the connection ended" and "that made no sense"; its words tell them apart. (Its
// errno does not: a handle that is used again keeps that of an exchange before.)
bool is_end_of_connection(const HttpEnd& end) {
  static constexpr std::string_view kEnds[] = {"reset by peer",
                                               "unexpected eof",
                                               "Broken pipe",
                                               "Software caused connection abort",
                                               "SSL_ERROR_SYSCALL",
                                               "SSL_ERROR_ZERO_RETURN",
                                               "before end of the underlying stream"};
  for (const std::string_view part : kEnds)
    if (says(end.words, part)) return true;
  return false;
}

Failure timed_out(const HttpEnd& end) {
  if (end.peer && !end.ready)
    return {proto::REASON_TLS_TIMEOUT, "the server did not finish the TLS handshake in time"};
  if (!end.sent_whole) return {proto::REASON_SEND_TIMEOUT, "the server did not take the whole request in time"};
  if (!end.answered) return {proto::REASON_RESPONSE_TIMEOUT, "the server did not answer in time"};
  return {proto::REASON_RESPONSE_TIMEOUT,
          end.headers_done ? "the body did not end in time" : "the headers did not end in time"};
}

Failure handshake_broken(const HttpEnd& end) {
  if (const auto failure = end.peer->failure()) return *failure;
  if (is_end_of_connection(end))
    return {proto::REASON_CLOSED_EARLY, "the server closed the connection during the TLS handshake"};
  if (says(end.words, "wrong version number") || says(end.words, "packet length too long") ||
      says(end.words, "http request"))
    return {proto::REASON_TLS_PROTOCOL, "what the server answered is not TLS"};
  if (says(end.words, "unsupported protocol"))
    return {proto::REASON_TLS_PROTOCOL, "the server offers only versions of TLS older than min_version"};
  return {proto::REASON_TLS_PROTOCOL, fmt::format("the TLS handshake failed: {}", end.words)};
}

Failure closed(const HttpEnd& end) {
  if (!end.answered) return {proto::REASON_CLOSED_EARLY, "the server closed the connection without an answer"};
  return {proto::REASON_CLOSED_EARLY, end.headers_done ? "the server closed the connection within the body"
                                                       : "the server closed the connection within the headers"};
}

Failure nonsense(const HttpEnd& end) {
  return {proto::REASON_PROTOCOL_ERROR, fmt::format("the answer is not proper HTTP: {}", end.words)};
}

}  // namespace

std::optional<Failure> failure_of(const HttpEnd& end) {
  if (!end.code) return timed_out(end);
  if (end.headers_too_large)
    return Failure{proto::REASON_PROTOCOL_ERROR, "the headers are over the bounds (64 KiB, 200 lines)"};
  if (end.body_too_large) return Failure{proto::REASON_BODY_TOO_LARGE, "the body is larger than 16 MiB"};
  // A server that wants a certificate refuses ours, or the lack of one, only after the handshake (TLS 1.3).
  if (end.peer && end.peer->alert())
    return Failure{proto::REASON_TLS_PROTOCOL,
                   fmt::format("the server refused: alert \"{}\"", *end.peer->alert())};
  switch (*end.code) {
    case CURLE_OK:
      // Also when the server closes within the headers of HTTP/1: libcurl takes that for the end of them.
      return end.headers_done ? std::nullopt : std::optional(closed(end));
    case CURLE_OUT_OF_MEMORY:
      // What libcurl says of one header line beyond its own bound, too.
      if (end.ready && !end.headers_done) return nonsense(end);
      return Failure{proto::REASON_PROBE_FAULT, "this probe is out of memory"};
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
      return Failure{proto::REASON_PROBE_FAULT, fmt::format("this probe cannot make the request: {}", end.words)};
    default:
      break;
  }
  if (end.peer && !end.ready) return handshake_broken(end);
  switch (*end.code) {
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_COULDNT_CONNECT:  // HTTP/2 refused the stream and libcurl wanted a second connection
      return closed(end);
    default:
      return is_end_of_connection(end) ? closed(end) : nonsense(end);
  }
}

}  // namespace parallax
