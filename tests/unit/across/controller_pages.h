// What a controller shows after one result of a tls check. In a file of its own: the rooms of the two programs do
// not include each other, and need not agree on names.
#pragma once

#include <string>

#include "proto/result.pb.h"

namespace parallax {

struct ControllerPages {
  bool was_counted = false;  // read from the wire's bytes, found plausible and taken into the books
  std::string text;          // /metrics
  std::string open_metrics;
  std::string state;  // /api/v1/state
};

ControllerPages pages_after(const proto::RunResult& sent);

}  // namespace parallax
