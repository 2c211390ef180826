// Why an exchange ended the way it did. Pure: from what was seen to a reason.
#pragma once

#include <optional>
#include <string>

#include "probe/net/tls_verify.h"
#include "probe/outcome.h"

namespace parallax {

struct HttpEnd {
  std::optional<int> code;  // libcurl's; nothing when the deadline passed first
  std::string words;        // libcurl's
  bool ready = false;       // the handshake was done and verified
  bool sent_whole = false;
  bool answered = false;
  bool headers_done = false;
  bool headers_too_large = false;
  bool body_too_large = false;
  const TlsPeer* peer = nullptr;
};

// Nothing when the answer is whole.
std::optional<Failure> failure_of(const HttpEnd& end);

}  // namespace parallax
