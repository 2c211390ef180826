// What a batch decodes to, copied out of the arena that results lie in.
#pragma once

#include <vector>

#include "controller/batch_decoder.h"
#include "controller/journal.h"

namespace parallax {

inline std::vector<proto::RunResult> results_of(const JournalEntry& entry) {
  const auto& results = entry.event().reported().result();
  return {results.begin(), results.end()};
}

inline Result<std::vector<proto::RunResult>> decoded(BatchDecoder& decoder, const proto::Batch& batch) {
  JournalEntry entry;
  auto good = decoder.decode(batch, *entry.event().mutable_reported()->mutable_result(), entry.facts);
  if (!good) return std::unexpected(good.error());
  return results_of(entry);
}

}  // namespace parallax
