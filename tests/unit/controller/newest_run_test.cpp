// The newest run of a place: all of the result, with facts that may be somebody else's too.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>

#include "controller/check_book.h"
#include "tests/unit/controller/one_check.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;

// A number, text or message in every field, so that one which is forgotten is seen.
proto::RunResult with_every_field() {
  proto::RunResult run;
  const auto& reflection = *run.GetReflection();
  for (int i = 0; i < proto::RunResult::descriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *proto::RunResult::descriptor()->field(i);
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection.SetString(&run, &field, "text");
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&run, &field, i + 1);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(&run, &field, static_cast<std::uint64_t>(i) + 1);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(&run, &field, static_cast<std::uint32_t>(i) + 1);
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        reflection.SetEnumValue(&run, &field, 2);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        break;  // below
      default:
        ADD_FAILURE() << "a kind of field that is new: " << field.full_name();
    }
  }
  run.mutable_facts()->set_address("192.0.2.7");
  run.add_phases()->set_nanoseconds(7);
  return run;
}

TEST(NewestRun, IsTheWholeResult) {
  const proto::RunResult run = with_every_field();
  NewestRun newest{.result = {}, .facts = copied_facts(run)};
  newest.result.add_phases()->set_nanoseconds(1);  // of the run before
  copy_without_facts(run, newest.result);
  EXPECT_EQ(whole(newest).SerializeAsString(), run.SerializeAsString());
}

class SharedFactsTest : public ExpositionTest {
 protected:
  // The next run, with facts that others show too.
  Applied report(const SharedFacts& facts, proto::State state = proto::STATE_UP) {
    proto::RunResult run = next_run(state);
    if (facts) *run.mutable_facts() = *facts;
    now = grid_of(check).due(run.slot()) + std::chrono::seconds(1);
    return ledger.apply(probe_at("a"), run, Milliseconds(0), now, facts);
  }
  const PlaceBook& place() const { return ledger.checks().begin()->second.places.front(); }
};

TEST_F(SharedFactsTest, AreNotCopied) {
  watch(http_check("shop", "health", {"a"}));
  const auto facts = copied_facts(with_answer({}));
  for (int i = 0; i < 3; ++i) ASSERT_EQ(report(facts), Applied::counted);
  EXPECT_EQ(place().newest->facts, facts);
  EXPECT_EQ(sample("probe_http_status_code{@}"), "200");
  EXPECT_EQ(sample("parallax_http_responses_total{@,code=\"200\"}"), "3")
      << "each run counts, though the facts are the same";
}

TEST_F(SharedFactsTest, AreLookedAtWhenTheyAreNew) {
  watch(http_check("shop", "health", {"a"}));
  auto bad = std::make_shared<proto::Facts>();
  bad->mutable_http()->set_sent_bytes(-1);
  EXPECT_EQ(report(bad), Applied::invalid);
  EXPECT_EQ(report(bad), Applied::invalid) << "what was refused once is not known to be good";
  EXPECT_EQ(report(copied_facts(with_answer({}))), Applied::counted);
  EXPECT_EQ(report(bad), Applied::invalid);
}

TEST_F(SharedFactsTest, OfTheRunBeforeAreNotShownForARunWithout) {
  watch(http_check("shop", "health", {"a"}));
  ASSERT_EQ(report(copied_facts(with_answer({}))), Applied::counted);
  ASSERT_EQ(report(nullptr), Applied::counted);
  EXPECT_EQ(sample("probe_http_status_code{@}"), "0");
}

}  // namespace
}  // namespace parallax
