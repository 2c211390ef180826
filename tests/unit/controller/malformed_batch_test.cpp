// Every way in which the columns of a batch may not fit together. A probe with a good certificate may send any of
// them; each is refused as a whole, says which column it was, and leaves the session as it was.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "controller/batch_decoder.h"
#include "tests/unit/controller/decoded.h"

namespace parallax {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t kOwn = 1u << 31;
constexpr std::uint64_t kBeyondInt64 = 1ULL << 63;

void add_row(proto::Batch& batch, std::uint32_t number) {
  batch.add_check_number(number);
  batch.add_slot(1);
  batch.add_started_us(1);
  batch.add_duration_ns(1);
  batch.add_lateness_us(0);
  batch.add_state(proto::STATE_UP);
  batch.add_reason(proto::REASON_OK);
  batch.add_phase(0);
  batch.add_attempts(1);
  batch.add_phase_count(0);
}

// Two rows of the checks 7 and 8 in which every column has something: phases, facts and detail in row 0, a name.
proto::Batch good_batch(const std::string& address) {
  proto::Batch batch;
  batch.set_first_sequence(1);
  add_row(batch, 7);
  add_row(batch, 8);
  batch.set_phase_count(0, 2);
  for (const auto phase : {proto::PHASE_RESOLVE, proto::PHASE_CONNECT}) {
    batch.add_phase_kind(phase);
    batch.add_phase_ns(1000);
  }
  proto::Facts facts;
  facts.set_address(address);
  batch.add_facts_row(0);
  batch.add_facts(facts.SerializeAsString());
  batch.add_detail_row(0);
  batch.add_detail("seen at " + address);
  return batch;
}

// `spoil` makes a batch with new facts, detail and a new name malformed: it must be refused for what `says`, and
// whatever was known before must be what is known after.
void expect_refused(const std::string& says, const std::function<void(proto::Batch&)>& spoil) {
  BatchDecoder decoder;
  decoder.assign(7, "shop/health", 111);
  decoder.assign(8, "shop/edge", 222);
  const auto before = decoded(decoder, good_batch("192.0.2.7"));
  ASSERT_TRUE(before.has_value()) << before.error().what;

  proto::Batch bad = good_batch("192.0.2.66");
  auto* named = bad.add_named();
  named->set_number(kOwn);
  named->set_check_id("shop/new");
  spoil(bad);
  const auto refused = decoded(decoder, bad);
  ASSERT_FALSE(refused.has_value()) << "taken, and should say: " << says;
  EXPECT_THAT(refused.error().what, HasSubstr(says));

  proto::Batch plain;
  plain.set_first_sequence(3);
  add_row(plain, 7);
  const auto after = decoded(decoder, plain);
  ASSERT_TRUE(after.has_value()) << after.error().what;
  EXPECT_EQ(after->at(0).facts().address(), "192.0.2.7") << says;
  EXPECT_EQ(after->at(0).detail(), "seen at 192.0.2.7") << says;
  plain.set_check_number(0, kOwn);
  EXPECT_FALSE(decoded(decoder, plain).has_value()) << "a name of the refused batch was remembered: " << says;
}

// The columns with an entry for each row.
const char* const kColumns[] = {"slot",   "started_us", "duration_ns", "lateness_us", "state",
                                "reason", "phase",      "attempts",    "phase_count"};

void lengthen(proto::Batch& batch, const char* column) {
  const auto* field = proto::Batch::descriptor()->FindFieldByName(column);
  const auto* reflection = batch.GetReflection();
  if (field->cpp_type() == field->CPPTYPE_INT64) return reflection->AddInt64(&batch, field, 1);
  if (field->cpp_type() == field->CPPTYPE_UINT64) return reflection->AddUInt64(&batch, field, 1);
  reflection->AddUInt32(&batch, field, 1);
}

void shorten(proto::Batch& batch, const char* column) {
  batch.GetReflection()->RemoveLast(&batch, proto::Batch::descriptor()->FindFieldByName(column));
}

TEST(MalformedBatch, HasAColumnThatIsTooShort) {
  for (const char* column : kColumns)
    expect_refused(std::string("column ") + column + " has 1 entries for 2 rows",
                   [&](proto::Batch& batch) { shorten(batch, column); });
  expect_refused("column slot has 2 entries for 1 rows",
                 [](proto::Batch& batch) { shorten(batch, "check_number"); });
}

TEST(MalformedBatch, HasAColumnThatIsTooLong) {
  for (const char* column : kColumns)
    expect_refused(std::string("column ") + column + " has 3 entries for 2 rows",
                   [&](proto::Batch& batch) { lengthen(batch, column); });
  expect_refused("column slot has 2 entries for 3 rows",
                 [](proto::Batch& batch) { lengthen(batch, "check_number"); });
}

TEST(MalformedBatch, HasNoRowsOrTooMany) {
  expect_refused("a batch without rows", [](proto::Batch& batch) { batch.Clear(); });
  expect_refused("a batch of 5001 rows; at most 5000 are taken", [](proto::Batch& batch) {
    while (batch.check_number_size() < 5001) add_row(batch, 7);
  });
}

TEST(MalformedBatch, CountsPhasesThatAreNotThere) {
  expect_refused("columns phase_kind and phase_ns have 2 and 2 entries; phase_count adds up to 3",
                 [](proto::Batch& batch) { batch.set_phase_count(1, 1); });
  expect_refused("columns phase_kind and phase_ns have 2 and 2 entries; phase_count adds up to 1",
                 [](proto::Batch& batch) { batch.set_phase_count(0, 1); });
  expect_refused("columns phase_kind and phase_ns have 1 and 2 entries",
                 [](proto::Batch& batch) { shorten(batch, "phase_kind"); });
  expect_refused("columns phase_kind and phase_ns have 2 and 3 entries",
                 [](proto::Batch& batch) { lengthen(batch, "phase_ns"); });
  expect_refused("a row of 4294967295 phases; at most 16 are taken",
                 [](proto::Batch& batch) { batch.set_phase_count(1, 4294967295u); });
}

TEST(MalformedBatch, GivesFactsToARowThatIsNotThereOrOutOfOrder) {
  const char* const says = "column facts_row does not rise within the 2 rows";
  expect_refused(says, [](proto::Batch& batch) { batch.set_facts_row(0, 2); });
  expect_refused(says, [](proto::Batch& batch) { batch.set_facts_row(0, 4294967295u); });
  expect_refused(says, [](proto::Batch& batch) {
    batch.set_facts_row(0, 1);
    batch.add_facts_row(0);
    batch.add_facts();
  });
  expect_refused(says, [](proto::Batch& batch) {
    batch.add_facts_row(0);
    batch.add_facts();
  });
  expect_refused("columns facts_row and facts have 2 and 1 entries",
                 [](proto::Batch& batch) { batch.add_facts_row(1); });
  expect_refused("columns facts_row and facts have 1 and 2 entries",
                 [](proto::Batch& batch) { batch.add_facts(); });
}

TEST(MalformedBatch, HasFactsThatCannotBeRead) {
  const char* const says = "facts[0] cannot be read";
  expect_refused(says, [](proto::Batch& batch) { batch.set_facts(0, "\x0a\x7f"); });
  expect_refused(says, [](proto::Batch& batch) { batch.set_facts(0, "\x0a\x02\xff\xfe"); });  // a text, not UTF-8
}

TEST(MalformedBatch, GivesDetailToARowThatIsNotThereOrOutOfOrder) {
  const char* const says = "column detail_row does not rise within the 2 rows";
  expect_refused(says, [](proto::Batch& batch) { batch.set_detail_row(0, 2); });
  expect_refused(says, [](proto::Batch& batch) {
    batch.set_detail_row(0, 1);
    batch.add_detail_row(0);
    batch.add_detail("");
  });
  expect_refused(says, [](proto::Batch& batch) {
    batch.add_detail_row(0);
    batch.add_detail("");
  });
  expect_refused("columns detail_row and detail have 2 and 1 entries",
                 [](proto::Batch& batch) { batch.add_detail_row(1); });
  expect_refused("a detail of 4097 bytes",
                 [](proto::Batch& batch) { batch.set_detail(0, std::string(4097, 'x')); });
}

TEST(MalformedBatch, HasAValueThatMeansNothing) {
  expect_refused("row 1: there is no state 0", [](proto::Batch& batch) { batch.set_state(1, 0); });
  expect_refused("row 1: there is no state 5", [](proto::Batch& batch) { batch.set_state(1, 5); });
  expect_refused("row 0: reason or phase is out of range",
                 [](proto::Batch& batch) { batch.set_reason(0, 4294967295u); });
  expect_refused("row 1: reason or phase is out of range",
                 [](proto::Batch& batch) { batch.set_phase(1, 4294967295u); });
  expect_refused("a phase is out of range", [](proto::Batch& batch) { batch.set_phase_kind(1, 4294967295u); });
  expect_refused("a phase is out of range", [](proto::Batch& batch) { batch.set_phase_ns(1, kBeyondInt64); });
  expect_refused("row 1: duration is out of range",
                 [](proto::Batch& batch) { batch.set_duration_ns(1, kBeyondInt64); });
}

TEST(MalformedBatch, AddsUpToMomentsOutOfRange) {
  constexpr auto kLast = std::numeric_limits<std::int64_t>::max();
  constexpr auto kFirst = std::numeric_limits<std::int64_t>::min();
  const char* const says = "row 1: slot or start is out of range";
  expect_refused(says, [](proto::Batch& batch) { batch.set_slot(0, kLast); });
  expect_refused(says, [](proto::Batch& batch) { batch.set_started_us(0, kLast); });
  expect_refused(says, [](proto::Batch& batch) {
    batch.set_slot(0, kFirst);
    batch.set_slot(1, -1);
  });
}

TEST(MalformedBatch, HasSequencesThatRunOver) {
  constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
  expect_refused("first_sequence 0 is not one", [](proto::Batch& batch) { batch.set_first_sequence(0); });
  expect_refused("first_sequence 18446744073709551615 is not one",
                 [](proto::Batch& batch) { batch.set_first_sequence(kLast); });
}

TEST(MalformedBatch, UsesANumberThatNobodyExplained) {
  expect_refused("nobody said what the number 9 stands for",
                 [](proto::Batch& batch) { batch.set_check_number(1, 9); });
}

TEST(MalformedBatch, ExplainsANumberThatIsNotItsOwn) {
  expect_refused("the number 9 is ours to give", [](proto::Batch& batch) {
    auto* named = batch.add_named();  // behind one that is good
    named->set_number(9);
    named->set_check_id("shop/new");
  });
}

// Words that a newer probe may know are not malformed: they are shown as "other".
TEST(MalformedBatch, IsNotOneWithTheReasonOfANewerProbe) {
  BatchDecoder decoder;
  decoder.assign(7, "shop/health", 111);
  decoder.assign(8, "shop/edge", 222);
  proto::Batch batch = good_batch("192.0.2.7");
  batch.set_reason(0, 250);
  batch.set_phase(0, 99);
  EXPECT_TRUE(decoded(decoder, batch).has_value());
}

}  // namespace
}  // namespace parallax
