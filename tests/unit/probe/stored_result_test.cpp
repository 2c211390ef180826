#include "probe/stored_result.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

proto::RunResult a_run() {
  proto::RunResult run;
  run.set_check_id("shop/health");
  run.set_definition(0xfeed'0000'0000'0001ULL);
  run.set_slot(-119'000'000);
  run.set_started_us(1'790'000'000'000'000);
  run.set_duration_ns(12'345'678);
  run.set_lateness_us(120);
  run.set_state(proto::STATE_DOWN);
  run.set_reason(proto::REASON_PACKET_LOSS);
  run.set_phase(proto::PHASE_RTT);
  run.set_attempts(3);
  run.set_detail("1 of 2 replies");
  for (const auto phase : {proto::PHASE_RESOLVE, proto::PHASE_SETUP}) {
    auto* time = run.add_phases();
    time->set_phase(phase);
    time->set_nanoseconds(1000 + phase);
  }
  run.mutable_facts()->set_address("192.0.2.7");
  run.mutable_facts()->mutable_ping()->add_rtt(0.001);
  run.set_every_ms(15'000);
  return run;
}

// The message again, from what was read of its bytes.
proto::RunResult again(const StoredResult& stored) {
  proto::RunResult run;
  run.set_check_id(std::string(stored.check_id));
  run.set_definition(stored.definition);
  run.set_slot(stored.slot);
  run.set_started_us(stored.started_us);
  run.set_duration_ns(stored.duration_ns);
  run.set_lateness_us(stored.lateness_us);
  run.set_state(stored.state);
  run.set_reason(stored.reason);
  run.set_phase(stored.phase);
  run.set_attempts(stored.attempts);
  run.set_detail(std::string(stored.detail));
  for (const auto& [phase, nanoseconds] : stored.phases) {
    auto* time = run.add_phases();
    time->set_phase(phase);
    time->set_nanoseconds(nanoseconds);
  }
  if (!stored.facts.empty()) run.mutable_facts()->ParseFromString(std::string(stored.facts));
  run.set_every_ms(stored.every_ms);
  return run;
}

TEST(StoredResult, EveryFieldIsReadAsItWasWritten) {
  const std::string bytes = a_run().SerializeAsString();
  StoredResult stored;
  ASSERT_TRUE(read_stored(bytes, stored));
  EXPECT_EQ(again(stored).SerializeAsString(), bytes);
  EXPECT_EQ(proto::RunResult::descriptor()->field_count(), 14) << "a new field is to be read, too";
}

TEST(StoredResult, NothingIsLeftOfTheResultReadBefore) {
  const std::string bytes = a_run().SerializeAsString();
  StoredResult stored;
  ASSERT_TRUE(read_stored(bytes, stored));
  ASSERT_TRUE(read_stored("", stored));
  EXPECT_EQ(again(stored).SerializeAsString(), "");
}

TEST(StoredResult, WhatANewerVersionWroteBesideItIsPassedOver) {
  proto::RunResult run = a_run();
  run.GetReflection()->MutableUnknownFields(&run)->AddLengthDelimited(99, "what is it?");
  run.GetReflection()->MutableUnknownFields(&run)->AddFixed64(100, 1);
  const std::string bytes = run.SerializeAsString();
  StoredResult stored;
  ASSERT_TRUE(read_stored(bytes, stored));
  EXPECT_EQ(again(stored).SerializeAsString(), a_run().SerializeAsString());
}

TEST(StoredResult, BytesThatEndTooEarlyAreAResultOnlyWhereTheMessageIsOne) {
  const std::string bytes = a_run().SerializeAsString();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string cut = bytes.substr(0, size);
    StoredResult stored;
    // The message looks into its facts, too; here they are bytes.
    const bool is_read = read_stored(cut, stored);
    const bool is_message = proto::RunResult().ParseFromString(cut);
    EXPECT_EQ(is_read, is_message) << size;
  }
}

}  // namespace
}  // namespace parallax
