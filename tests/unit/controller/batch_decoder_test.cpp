#include "controller/batch_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/decoded.h"

namespace parallax {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::uint32_t kOwn = 1u << 31;  // the first number that is the probe's to give

// A well-formed batch with a row for each number: slots from 100, a minute apart.
proto::Batch rows_of(const std::vector<std::uint32_t>& numbers) {
  proto::Batch batch;
  batch.set_first_sequence(1);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    batch.add_check_number(numbers[i]);
    batch.add_slot(i == 0 ? 100 : 1);
    batch.add_started_us(60'000'000);
    batch.add_duration_ns(20'000'000);
    batch.add_lateness_us(50);
    batch.add_state(proto::STATE_UP);
    batch.add_reason(proto::REASON_OK);
    batch.add_phase(0);
    batch.add_attempts(1);
    batch.add_phase_count(0);
  }
  return batch;
}

void add_phase(proto::Batch& batch, int row, proto::Phase phase, std::uint64_t ns) {
  batch.set_phase_count(row, batch.phase_count(row) + 1);
  batch.add_phase_kind(phase);
  batch.add_phase_ns(ns);
}

void add_facts(proto::Batch& batch, std::uint32_t row, const std::string& address) {
  batch.add_facts_row(row);
  proto::Facts facts;
  facts.set_address(address);
  batch.add_facts(facts.SerializeAsString());
}

void add_detail(proto::Batch& batch, std::uint32_t row, const std::string& detail) {
  batch.add_detail_row(row);
  batch.add_detail(detail);
}

void add_name(proto::Batch& batch, std::uint32_t number, const std::string& id, std::uint64_t definition) {
  auto* named = batch.add_named();
  named->set_number(number);
  named->set_check_id(id);
  named->set_definition(definition);
}

// 7 and 8 stand for two checks that this session assigned.
class BatchDecoderTest : public ::testing::Test {
 protected:
  BatchDecoderTest() {
    decoder.assign(7, "shop/health", 111);
    decoder.assign(8, "shop/edge", 222);
  }
  std::vector<proto::RunResult> decode(const proto::Batch& batch) {
    auto results = decoded(decoder, batch);
    EXPECT_TRUE(results.has_value()) << results.error().what;
    return results ? *results : std::vector<proto::RunResult>();
  }
  std::string refusal(const proto::Batch& batch) {
    const auto results = decoded(decoder, batch);
    return results ? "taken" : results.error().what;
  }

  BatchDecoder decoder;
};

TEST_F(BatchDecoderTest, GivesBackTheRunsAsTheProbeMeasuredThem) {
  proto::Batch batch = rows_of({7, 8, 7});
  batch.set_slot(1, -40);  // the other check has another interval
  batch.set_started_us(2, -5);
  batch.set_duration_ns(1, 1'234'567'890);
  batch.set_lateness_us(1, 77);
  batch.set_state(1, proto::STATE_DOWN);
  batch.set_reason(1, proto::REASON_CONNECT_REFUSED);
  batch.set_phase(1, proto::PHASE_CONNECT);
  batch.set_attempts(1, 3);
  const auto runs = decode(batch);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].check_id(), "shop/health");
  EXPECT_EQ(runs[0].definition(), 111u);
  EXPECT_EQ(runs[1].check_id(), "shop/edge");
  EXPECT_EQ(runs[1].definition(), 222u);
  EXPECT_EQ(runs[0].slot(), 100);
  EXPECT_EQ(runs[1].slot(), 60);
  EXPECT_EQ(runs[2].slot(), 61);
  EXPECT_EQ(runs[1].started_us(), 120'000'000);
  EXPECT_EQ(runs[2].started_us(), 119'999'995);
  EXPECT_EQ(runs[1].duration_ns(), 1'234'567'890);
  EXPECT_EQ(runs[1].lateness_us(), 77);
  EXPECT_EQ(runs[1].state(), proto::STATE_DOWN);
  EXPECT_EQ(runs[1].reason(), proto::REASON_CONNECT_REFUSED);
  EXPECT_EQ(runs[1].phase(), proto::PHASE_CONNECT);
  EXPECT_EQ(runs[1].attempts(), 3u);
}

TEST_F(BatchDecoderTest, GivesEachRowItsOwnPhases) {
  proto::Batch batch = rows_of({7, 8, 7});
  add_phase(batch, 0, proto::PHASE_RESOLVE, 1);
  add_phase(batch, 0, proto::PHASE_CONNECT, 2);
  add_phase(batch, 2, proto::PHASE_TLS, 3);
  const auto runs = decode(batch);
  ASSERT_EQ(runs.size(), 3u);
  ASSERT_EQ(runs[0].phases_size(), 2);
  EXPECT_EQ(runs[0].phases(1).phase(), proto::PHASE_CONNECT);
  EXPECT_EQ(runs[0].phases(1).nanoseconds(), 2);
  EXPECT_EQ(runs[1].phases_size(), 0);
  ASSERT_EQ(runs[2].phases_size(), 1);
  EXPECT_EQ(runs[2].phases(0).phase(), proto::PHASE_TLS);
  EXPECT_EQ(runs[2].phases(0).nanoseconds(), 3);
}

std::vector<std::string> addresses(const std::vector<proto::RunResult>& runs) {
  std::vector<std::string> all;
  for (const auto& run : runs) all.push_back(run.facts().address());
  return all;
}

std::vector<std::string> details(const std::vector<proto::RunResult>& runs) {
  std::vector<std::string> all;
  for (const auto& run : runs) all.push_back(run.detail());
  return all;
}

TEST_F(BatchDecoderTest, CarriesFactsAndDetailOverForTheirOwnNumberAlone) {
  proto::Batch first = rows_of({7, 8, 7, 8});
  add_facts(first, 0, "192.0.2.7");
  add_facts(first, 3, "192.0.2.8");
  add_detail(first, 1, "refused");
  auto runs = decode(first);
  EXPECT_THAT(addresses(runs), ElementsAre("192.0.2.7", "", "192.0.2.7", "192.0.2.8"));
  EXPECT_THAT(details(runs), ElementsAre("", "refused", "", "refused"));

  proto::Batch next = rows_of({8, 7, 8});
  add_facts(next, 1, "192.0.2.77");
  add_detail(next, 2, "");  // it answers again: the old words go
  runs = decode(next);
  EXPECT_THAT(addresses(runs), ElementsAre("192.0.2.8", "192.0.2.77", "192.0.2.8"));
  EXPECT_THAT(details(runs), ElementsAre("refused", "", ""));
}

TEST_F(BatchDecoderTest, StartsAChangedDefinitionWithoutTheFactsOfTheOldOne) {
  proto::Batch old = rows_of({7});
  add_facts(old, 0, "192.0.2.7");
  decode(old);
  decoder.assign(9, "shop/health", 333);
  const auto runs = decode(rows_of({9, 7}));
  EXPECT_THAT(addresses(runs), ElementsAre("", "192.0.2.7"));
  EXPECT_EQ(runs.at(0).definition(), 333u);
}

TEST_F(BatchDecoderTest, TakesTheProbesOwnNumbersForChecksOfAnEarlierSession) {
  proto::Batch batch = rows_of({kOwn, 7});
  add_name(batch, kOwn, "shop/gone", 999);
  auto runs = decode(batch);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].check_id(), "shop/gone");
  EXPECT_EQ(runs[0].definition(), 999u);
  runs = decode(rows_of({kOwn}));  // said once a session
  EXPECT_EQ(runs.at(0).check_id(), "shop/gone");
  proto::Batch said_again = rows_of({kOwn});
  add_name(said_again, kOwn, "shop/gone", 999);
  EXPECT_EQ(decode(said_again).at(0).check_id(), "shop/gone");
}

TEST_F(BatchDecoderTest, RefusesANameThatIsNotTheProbesToGive) {
  const auto refusal_of_name = [&](std::uint32_t number, const std::string& id, std::uint64_t definition) {
    proto::Batch batch = rows_of({7});
    add_name(batch, number, id, definition);
    return refusal(batch);
  };
  EXPECT_THAT(refusal_of_name(kOwn, "shop/gone", 999), "taken");
  EXPECT_THAT(refusal_of_name(7, "shop/other", 1), HasSubstr("the number 7 is ours to give"));
  EXPECT_THAT(refusal_of_name(kOwn - 1, "shop/other", 1), HasSubstr("is ours to give"));
  EXPECT_THAT(refusal_of_name(kOwn + 1, "", 1), HasSubstr("a check id of 0 bytes"));
  EXPECT_THAT(refusal_of_name(kOwn + 1, std::string(256, 'x'), 1), HasSubstr("a check id of 256 bytes"));
  EXPECT_THAT(refusal_of_name(kOwn, "shop/other", 999), HasSubstr("the number 2147483648 stood for shop/gone"));
  EXPECT_THAT(refusal_of_name(kOwn, "shop/gone", 998), HasSubstr("the number 2147483648 stood for shop/gone"));
}

TEST_F(BatchDecoderTest, RefusesANumberWithTwoMeaningsInOneBatch) {
  proto::Batch batch = rows_of({kOwn});
  add_name(batch, kOwn, "shop/gone", 999);
  add_name(batch, kOwn, "shop/other", 999);
  EXPECT_THAT(refusal(batch), HasSubstr("the number 2147483648 stood for shop/gone"));
}

TEST_F(BatchDecoderTest, RemembersNoMoreNamesThanFitInMemory) {
  proto::Batch batch = rows_of({7});
  for (std::uint32_t i = 0; i < 9'998; ++i) add_name(batch, kOwn + i, "shop/gone", 999);
  EXPECT_EQ(refusal(batch), "taken");  // with 7 and 8 that is all
  proto::Batch one_more = rows_of({7});
  add_name(one_more, kOwn + 9'998, "shop/gone", 999);
  EXPECT_THAT(refusal(one_more), HasSubstr("more than 10000 numbers in one session"));
  EXPECT_EQ(refusal(rows_of({kOwn + 9'997})), "taken");
}

TEST_F(BatchDecoderTest, HasFactsThatStayTheSameInMemoryOnce) {
  proto::Batch first = rows_of({7, 8, 7});
  add_facts(first, 0, "192.0.2.7");
  JournalEntry entry;
  auto& results = *entry.event().mutable_reported()->mutable_result();
  ASSERT_TRUE(decoder.decode(first, results, entry.facts).has_value());
  ASSERT_TRUE(decoder.decode(rows_of({7}), results, entry.facts).has_value());
  ASSERT_EQ(entry.facts.size(), 4u);
  EXPECT_EQ(entry.facts[0], entry.facts[2]);
  EXPECT_EQ(entry.facts[0], entry.facts[3]);
  EXPECT_EQ(&results.at(3).facts(), entry.facts[0].get());
  EXPECT_EQ(entry.facts[1], nullptr);
  EXPECT_FALSE(results.at(1).has_facts());
}

TEST_F(BatchDecoderTest, SaysOfAnUnreadableBatchWhoseRowsTheyWere) {
  proto::Batch batch = rows_of({7, 9, 8});
  batch.clear_state();
  JournalEntry entry;
  decoder.unreadable(batch, *entry.event().mutable_reported()->mutable_result());
  const auto rows = results_of(entry);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].check_id(), "shop/health");
  EXPECT_EQ(rows[0].definition(), 111u);
  EXPECT_THAT(rows[1].check_id(), IsEmpty());
  EXPECT_EQ(rows[2].check_id(), "shop/edge");
  EXPECT_EQ(rows[2].state(), proto::STATE_UNSPECIFIED);
}

}  // namespace
}  // namespace parallax
