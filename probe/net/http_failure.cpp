#include "probe/net/http_failure.h"

#include <fmt/format.h>

namespace parallax {
namespace {

Failure timed_out(const HttpEnd& end, const HttpAnswerReader& reader) {
  if (reader.is_begun())
    return {proto::REASON_RESPONSE_TIMEOUT,
            reader.has_headers() ? "the body did not end in time" : "the headers did not end in time"};
  if (!end.sent_whole) return {proto::REASON_SEND_TIMEOUT, "the server did not take the whole request in time"};
  return {proto::REASON_RESPONSE_TIMEOUT, "the server did not answer in time"};
}

Failure closed(const HttpAnswerReader& reader) {
  if (!reader.is_begun())
    return {proto::REASON_CLOSED_EARLY, "the server closed the connection without an answer"};
  return {proto::REASON_CLOSED_EARLY, reader.has_headers()
                                          ? "the server closed the connection within the body"
                                          : "the server closed the connection within the headers"};
}

std::optional<Failure> out_of_bounds(HttpAnswerReader::Trouble trouble) {
  using Trouble = HttpAnswerReader::Trouble;
  switch (trouble) {
    case Trouble::none:
      return std::nullopt;
    case Trouble::headers_too_large:
      return Failure{proto::REASON_PROTOCOL_ERROR, "the headers are over the bounds (64 KiB, 200 lines)"};
    case Trouble::body_too_large:
      return Failure{proto::REASON_BODY_TOO_LARGE, "the body is larger than 16 MiB"};
    case Trouble::undecodable:
      return Failure{proto::REASON_PROTOCOL_ERROR,
                     "the body is not in the encoding that its headers name, or cut"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Failure> failure_of(const HttpEnd& end, const HttpAnswerReader& reader) {
  if (const auto bounds = out_of_bounds(reader.trouble())) return bounds;
  switch (end.how) {
    case HttpEnd::How::whole:
      return std::nullopt;
    case HttpEnd::How::timed_out:
      return timed_out(end, reader);
    case HttpEnd::How::stopped:
      return Failure{proto::REASON_PROBE_FAULT, "the run was stopped"};
    case HttpEnd::How::closed:
      return closed(reader);
    case HttpEnd::How::refused:
      return Failure{proto::REASON_TLS_PROTOCOL, fmt::format("the server refused: alert \"{}\"", end.words)};
    case HttpEnd::How::malformed:
      break;
  }
  return Failure{proto::REASON_PROTOCOL_ERROR, fmt::format("the answer is not proper HTTP: {}", end.words)};
}

}  // namespace parallax
