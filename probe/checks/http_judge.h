// Judges an HTTP answer. Pure: no network, no clock.
#pragma once

#include <optional>

#include "base/time.h"
#include "probe/net/http_engine.h"
#include "probe/outcome.h"
#include "proto/definition.pb.h"

namespace parallax {

// What there is to judge.
struct HttpEvidence {
  const HttpAnswer& answer;
  const proto::TlsFacts* tls = nullptr;  // null when the final answer came without TLS
  Nanoseconds duration{};
  WallTime now{};
};

// The first rule that does not hold, in the order status, http_version, tls, headers, body, json, max_duration,
// expires_in; nothing when all hold. `statuses_by_default`: 200-299 where no status rule is written.
std::optional<Failure> judge_http(const proto::HttpExpect& rules, const HttpEvidence& evidence,
                                  bool statuses_by_default);

// Whether judging needs the body, so that it has to be kept.
bool needs_body(const proto::HttpExpect& rules);

}  // namespace parallax
