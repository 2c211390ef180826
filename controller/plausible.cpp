#include "controller/plausible.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cmath>
#include <set>
#include <vector>

#include "controller/fact_metrics.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::int64_t kLongestRunNs = 2LL * 24 * 3600 * 1'000'000'000;  // a timeout is at most a day
constexpr std::size_t kMostFactsBytes = 64 * 1024;
constexpr std::size_t kMostDetailBytes = 64 * 1024;  // the ledger cuts it to what people read
constexpr int kMostElements = 1024;
constexpr double kLargestAmount = 1e15;  // of a sum or a histogram: a petabyte, in one run
constexpr int kLargestEnum = 10'000;

bool is_known(proto::Reason reason) { return proto::Reason_IsValid(reason); }

// Reasons 10 to 19 are our own trouble (proto/result.proto).
bool is_our_trouble(proto::Reason reason) { return reason >= 10 && reason < 20; }

bool state_fits_reason(proto::State state, proto::Reason reason) {
  if (reason <= proto::REASON_UNSPECIFIED || reason > kLargestEnum) return false;
  switch (state) {
    case proto::STATE_UP:
      return reason == proto::REASON_OK;
    case proto::STATE_DEGRADED:
    case proto::STATE_DOWN:
      return reason != proto::REASON_OK && !is_our_trouble(reason);
    case proto::STATE_UNKNOWN:
      return is_our_trouble(reason) || !is_known(reason);
    default:
      return false;
  }
}

bool phases_are_plausible(const proto::RunResult& result) {
  if (result.phase() < 0 || result.phase() > kLargestEnum) return false;
  if (result.phases_size() > 32) return false;
  std::set<int> seen;
  for (const proto::PhaseTime& phase : result.phases()) {
    if (!seen.insert(phase.phase()).second) return false;
    if (phase.phase() <= proto::PHASE_UNSPECIFIED || phase.phase() > kLargestEnum) return false;
    if (phase.nanoseconds() < 0 || phase.nanoseconds() > kLongestRunNs) return false;
  }
  return true;
}

// Whether what is added up of a field is an amount.
bool is_added_up(const FieldDescriptor& field) {
  for (int i = 0; i < field.options().ExtensionSize(proto::metric); ++i) {
    const auto kind = field.options().GetExtension(proto::metric, i).kind();
    if (kind == proto::Metric::SUM || kind == proto::Metric::HISTOGRAM) return true;
  }
  return false;
}

bool number_is_plausible(const FieldDescriptor& field, double number) {
  if (!std::isfinite(number)) return false;
  return !is_added_up(field) || (number >= 0 && number <= kLargestAmount);
}

bool field_is_plausible(const Message& facts, const FieldDescriptor& field);

bool facts_are_plausible(const Message& facts) {
  std::vector<const FieldDescriptor*> set;
  facts.GetReflection()->ListFields(facts, &set);
  for (const FieldDescriptor* field : set)
    if (!field_is_plausible(facts, *field)) return false;
  return true;
}

bool field_is_plausible(const Message& facts, const FieldDescriptor& field) {
  const auto& reflection = *facts.GetReflection();
  const int size = field.is_repeated() ? reflection.FieldSize(facts, &field) : 0;
  if (size > kMostElements) return false;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return true;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!field.is_repeated()) return facts_are_plausible(reflection.GetMessage(facts, &field));
    for (int i = 0; i < size; ++i)
      if (!facts_are_plausible(reflection.GetRepeatedMessage(facts, &field, i))) return false;
    return true;
  }
  if (!field.is_repeated()) return number_is_plausible(field, number_of(facts, field));
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE) return true;
  for (int i = 0; i < size; ++i)
    if (!number_is_plausible(field, reflection.GetRepeatedDouble(facts, &field, i))) return false;
  return true;
}

}  // namespace

bool is_interval(std::int64_t every_ms) { return every_ms >= 1000 && every_ms <= 86'400'000; }

bool plausible(const proto::RunResult& result) {
  if (!state_fits_reason(result.state(), result.reason())) return false;
  if (result.duration_ns() < 0 || result.duration_ns() > kLongestRunNs) return false;
  if (result.lateness_us() < 0 || result.lateness_us() > kLongestRunNs / 1000) return false;
  if (result.attempts() > 10) return false;
  if (result.every_ms() != 0 && !is_interval(result.every_ms())) return false;
  if (result.detail().size() > kMostDetailBytes) return false;
  if (result.facts().ByteSizeLong() > kMostFactsBytes) return false;
  return phases_are_plausible(result) && facts_are_plausible(result.facts());
}

}  // namespace parallax
