// Results travel in columns: entry i of each column of a Batch belongs to the i-th row. This turns them back into
// results, and trusts nothing: a probe with a good certificate may send anything.
//
// Slots and start times are differences to the row before. Facts and detail are sent only when they differ from
// what was last sent for that check number in this session, so the decoder remembers the newest of each number.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "controller/shared_facts.h"
#include "proto/fleet.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// Of one session; every batch of it goes through decode(), in order, those already counted too.
class BatchDecoder {
 public:
  // What a number stands for; said before it is used, and for good.
  void assign(std::uint32_t number, const std::string& check_id, std::uint64_t definition);

  using Results = google::protobuf::RepeatedPtrField<proto::RunResult>;

  // Adds the results of the batch in order, and for each the facts that it shows and does not own. The error says
  // what is malformed; then no row of it is of use, none was added, and nothing was remembered.
  // Requires: `results` lies in an arena, and `facts` outlives it.
  Result<void> decode(const proto::Batch& batch, Results& results, std::vector<SharedFacts>& facts);

  // What is left of a batch that decode() refused: one result a row, with nothing but the check's name where that
  // is known. The ledger counts them as invalid.
  void unreadable(const proto::Batch& batch, Results& results) const;

 private:
  struct Known {
    std::string check_id;
    std::uint64_t definition = 0;
    std::int64_t every_ms = 0;  // told by the probe, of a definition that this session did not assign
    std::string detail;
    SharedFacts facts;  // null: none were told
  };
  using Numbers = std::unordered_map<std::uint32_t, Known>;
  Result<Numbers> new_names(const proto::Batch& batch) const;
  void read_row(const proto::Batch& batch, int row, int first_phase, Known& known, proto::RunResult& result) const;

  Numbers known_;
};

}  // namespace parallax
