// A result as it lies in the spool: read where it lies, so that a batch is made without making the message again.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/result.pb.h"

namespace parallax {

// The fields of a proto RunResult; 0 or empty where it has none. The texts point into the bytes that were read.
struct StoredResult {
  std::string_view check_id;
  std::uint64_t definition = 0;
  std::int64_t slot = 0;
  std::int64_t started_us = 0;
  std::int64_t duration_ns = 0;
  std::int64_t lateness_us = 0;
  proto::State state = proto::STATE_UNSPECIFIED;
  proto::Reason reason = proto::REASON_UNSPECIFIED;
  proto::Phase phase = proto::PHASE_UNSPECIFIED;
  std::uint32_t attempts = 0;
  std::string_view detail;
  std::vector<std::pair<proto::Phase, std::int64_t>> phases;  // nanoseconds
  std::string_view facts;                                     // serialized
  std::int64_t every_ms = 0;
};

// Reads a serialized RunResult into `result`, whose memory is used again. False where the bytes are none.
bool read_stored(std::string_view bytes, StoredResult& result);

}  // namespace parallax
