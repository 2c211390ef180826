// Why an exchange ended the way it did. Pure: from what was seen to a reason.
#pragma once

#include <optional>
#include <string>

#include "probe/net/http_answer_reader.h"
#include "probe/outcome.h"

namespace parallax {

struct HttpEnd {
  enum class How {
    whole,      // the answer is all there
    timed_out,  // the deadline came first
    stopped,    // the run was
    closed,     // the server closed or reset the connection, or refused the stream
    refused,    // by an alert, which `words` name
    malformed,  // it is not HTTP, or not TLS any more: `words` say how
  };
  How how = How::whole;
  std::string words;
  bool sent_whole = false;  // the request
};

// Nothing when the answer is whole. `reader`: what came of it.
std::optional<Failure> failure_of(const HttpEnd& end, const HttpAnswerReader& reader);

}  // namespace parallax
