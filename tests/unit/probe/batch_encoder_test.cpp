#include "probe/batch_encoder.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "tests/unit/probe/batch_decoder.h"

namespace parallax {
namespace {

using google::protobuf::util::MessageDifferencer;

proto::RunResult some_run(const std::string& check, std::int64_t slot) {
  proto::RunResult result;
  result.set_check_id(check);
  result.set_definition(0xfeed'0000'0000'0001ULL);
  result.set_slot(slot);
  result.set_started_us(1'790'000'000'000'000 + slot * 15'000'000);
  result.set_duration_ns(12'345'678 + slot);
  result.set_lateness_us(120);
  result.set_state(proto::STATE_UP);
  result.set_reason(proto::REASON_OK);
  result.set_attempts(1);
  result.set_detail("200 OK");
  for (const auto phase : {proto::PHASE_RESOLVE, proto::PHASE_CONNECT}) {
    auto* time = result.add_phases();
    time->set_phase(phase);
    time->set_nanoseconds(1000 + slot);
  }
  result.mutable_facts()->set_address("192.0.2.7");
  result.mutable_facts()->mutable_http()->set_status(200);
  return result;
}

proto::RunResult a_failed_run(const std::string& check, std::int64_t slot) {
  auto result = some_run(check, slot);
  result.set_state(proto::STATE_DOWN);
  result.set_reason(proto::REASON_CONNECT_REFUSED);
  result.set_phase(proto::PHASE_CONNECT);
  result.set_detail("connection refused");
  result.mutable_facts()->clear_http();
  return result;
}

std::vector<proto::RunResult> through(BatchEncoder& encoder, BatchDecoder& decoder,
                                      const std::vector<proto::RunResult>& results) {
  encoder.begin(7);
  for (const auto& result : results) EXPECT_TRUE(encoder.add(result));
  return decoder.decode(encoder.take());
}

void expect_equal(const std::vector<proto::RunResult>& sent, const std::vector<proto::RunResult>& got) {
  ASSERT_EQ(sent.size(), got.size());
  for (std::size_t i = 0; i < sent.size(); ++i)
    EXPECT_TRUE(MessageDifferencer::Equals(sent[i], got[i])) << sent[i].DebugString() << got[i].DebugString();
}

TEST(BatchEncoder, EveryFieldOfEveryRunArrivesAsItWas) {
  BatchEncoder encoder;
  BatchDecoder decoder;
  encoder.assign("shop/health", some_run("shop/health", 1).definition(), 3);
  decoder.assign("shop/health", some_run("shop/health", 1).definition(), 3);
  const std::vector<proto::RunResult> runs = {some_run("shop/health", 1000), a_failed_run("shop/health", 1001),
                                              some_run("shop/health", 1002), some_run("shop/health", 999),
                                              some_run("shop/other", -5)};
  expect_equal(runs, through(encoder, decoder, runs));
  expect_equal(runs, through(encoder, decoder, runs));  // and again, now with memory
}

TEST(BatchEncoder, SendsFactsAndDetailOnlyWhenTheyChanged) {
  BatchEncoder encoder;
  encoder.begin(1);
  for (int slot = 0; slot < 100; ++slot) encoder.add(some_run("shop/health", slot));
  const auto first = encoder.take();
  EXPECT_EQ(first.facts_size(), 1);
  EXPECT_EQ(first.detail_size(), 1);
  encoder.begin(101);
  encoder.add(some_run("shop/health", 100));
  encoder.add(a_failed_run("shop/health", 101));
  const auto second = encoder.take();
  ASSERT_EQ(second.facts_size(), 1);
  EXPECT_EQ(second.facts_row(0), 1U);
}

TEST(BatchEncoder, NothingIsLeftOfABatchWhoseMemoryIsUsedAgain) {
  BatchEncoder before;
  before.begin(1);
  for (int slot = 0; slot < 100; ++slot) before.add(a_failed_run("shop/" + std::to_string(slot), slot));
  BatchEncoder encoder;
  BatchDecoder decoder;
  encoder.reuse(before.take());
  const std::vector results{some_run("shop/health", 2), a_failed_run("shop/login", 2)};
  expect_equal(results, through(encoder, decoder, results));
}

TEST(BatchEncoder, ThatThereAreNoFactsAnyMoreIsAChange) {
  BatchEncoder encoder;
  BatchDecoder decoder;
  auto without = a_failed_run("shop/health", 2);
  without.clear_facts();
  without.clear_detail();
  const auto got = through(encoder, decoder, {some_run("shop/health", 1), without});
  EXPECT_EQ(got[1].facts().address(), "");
  EXPECT_EQ(got[1].detail(), "");
}

TEST(BatchEncoder, AResultOfAnOlderDefinitionKeepsItsNameAndDefinition) {
  BatchEncoder encoder;
  BatchDecoder decoder;
  encoder.assign("shop/health", 1, 3);
  decoder.assign("shop/health", 1, 3);
  auto older = some_run("shop/health", 5);
  older.set_definition(99);
  auto current = some_run("shop/health", 6);
  current.set_definition(1);
  expect_equal({older, current}, through(encoder, decoder, {older, current}));
}

TEST(BatchEncoder, CostsFewBytesForARunLikeTheOneBefore) {
  BatchEncoder encoder;
  encoder.begin(1);
  for (int slot = 0; slot < 200; ++slot) encoder.add(some_run("shop/health", 119'000'000 + slot));
  EXPECT_LE(encoder.take().ByteSizeLong() / 200, 38U);
}

TEST(BatchEncoder, IsFullAfter200RowsOr96KiB) {
  BatchEncoder encoder;
  encoder.begin(1);
  int rows = 0;
  while (encoder.add(some_run("shop/health", rows))) ++rows;
  EXPECT_EQ(rows, 200);
  encoder.begin(201);
  rows = 0;
  auto large = some_run("shop/health", 0);
  do {
    large.set_detail(std::string(20'000, static_cast<char>('a' + rows++)));
  } while (encoder.add(large));
  EXPECT_LT(encoder.take().ByteSizeLong(), 128U * 1024);
}

}  // namespace
}  // namespace parallax
