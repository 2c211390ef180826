// Reads Batch as its comments in proto/fleet.proto say: the plainest possible other end for tests of the encoder.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "proto/fleet.pb.h"

namespace parallax {

class BatchDecoder {
 public:
  void assign(const std::string& check_id, std::uint64_t definition, std::uint32_t number) {
    names_[number] = {check_id, definition};
  }

  std::vector<proto::RunResult> decode(const proto::Batch& batch) {
    for (const auto& named : batch.named()) {
      EXPECT_GE(named.number(), 1U << 31);
      names_[named.number()] = {named.check_id(), named.definition()};
    }
    std::vector<proto::RunResult> results;
    int phase_at = 0, facts_at = 0, detail_at = 0;
    std::int64_t slot = 0, started_us = 0;
    for (int row = 0; row < batch.check_number_size(); ++row) {
      const std::uint32_t number = batch.check_number(row);
      EXPECT_TRUE(names_.contains(number)) << "number " << number << " stands for nothing";
      auto& result = results.emplace_back();
      result.set_check_id(names_[number].first);
      result.set_definition(names_[number].second);
      result.set_slot(slot += batch.slot(row));
      result.set_started_us(started_us += batch.started_us(row));
      result.set_duration_ns(static_cast<std::int64_t>(batch.duration_ns(row)));
      result.set_lateness_us(batch.lateness_us(row));
      result.set_state(static_cast<proto::State>(batch.state(row)));
      result.set_reason(static_cast<proto::Reason>(batch.reason(row)));
      result.set_phase(static_cast<proto::Phase>(batch.phase(row)));
      result.set_attempts(batch.attempts(row));
      for (std::uint32_t i = 0; i < batch.phase_count(row); ++i, ++phase_at) {
        auto* phase = result.add_phases();
        phase->set_phase(static_cast<proto::Phase>(batch.phase_kind(phase_at)));
        phase->set_nanoseconds(static_cast<std::int64_t>(batch.phase_ns(phase_at)));
      }
      if (facts_at < batch.facts_row_size() && batch.facts_row(facts_at) == static_cast<std::uint32_t>(row)) {
        EXPECT_TRUE(facts_[number].ParseFromString(batch.facts(facts_at++)));
      }
      if (detail_at < batch.detail_row_size() && batch.detail_row(detail_at) == static_cast<std::uint32_t>(row))
        details_[number] = batch.detail(detail_at++);
      if (facts_.contains(number)) *result.mutable_facts() = facts_[number];
      if (details_.contains(number)) result.set_detail(details_[number]);
    }
    EXPECT_EQ(phase_at, batch.phase_kind_size());
    EXPECT_EQ(facts_at, batch.facts_size());
    EXPECT_EQ(detail_at, batch.detail_size());
    return results;
  }

 private:
  std::map<std::uint32_t, std::pair<std::string, std::uint64_t>> names_;
  std::map<std::uint32_t, proto::Facts> facts_;
  std::map<std::uint32_t, std::string> details_;
};

}  // namespace parallax
