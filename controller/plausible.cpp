#include "controller/plausible.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "controller/fact_metrics.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
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
  for (auto at = result.phases().begin(); at != result.phases().end(); ++at) {
    const proto::PhaseTime& phase = *at;
    const auto is_the_same = [&](const proto::PhaseTime& before) { return before.phase() == phase.phase(); };
    if (std::any_of(result.phases().begin(), at, is_the_same)) return false;
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

// What there is to look at in a message of facts. Every result is looked at, so this is found once for all of
// them: most fields are texts and whole numbers that nothing adds up, and need no look.
struct Looks {
  std::vector<const FieldDescriptor*> lists;
  std::vector<const FieldDescriptor*> numbers;
  std::vector<const FieldDescriptor*> lists_of_numbers;
  std::vector<std::pair<const FieldDescriptor*, Looks>> messages;  // and lists of them
};

Looks looks_at(const Descriptor& type) {
  Looks looks;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const auto kind = field.cpp_type();
    if (field.is_repeated()) looks.lists.push_back(&field);
    if (kind == FieldDescriptor::CPPTYPE_MESSAGE) {
      looks.messages.emplace_back(&field, looks_at(*field.message_type()));
    } else if (field.is_repeated()) {
      if (kind == FieldDescriptor::CPPTYPE_DOUBLE) looks.lists_of_numbers.push_back(&field);
    } else if (kind != FieldDescriptor::CPPTYPE_STRING) {
      const bool is_real = kind == FieldDescriptor::CPPTYPE_DOUBLE || kind == FieldDescriptor::CPPTYPE_FLOAT;
      if (is_real || is_added_up(field)) looks.numbers.push_back(&field);
    }
  }
  return looks;
}

bool facts_are_plausible(const Message& facts, const Looks& looks) {
  const auto& reflection = *facts.GetReflection();
  const auto is_short = [&](const auto* field) { return reflection.FieldSize(facts, field) <= kMostElements; };
  if (!std::ranges::all_of(looks.lists, is_short)) return false;
  for (const FieldDescriptor* field : looks.numbers)
    if (has_value(facts, *field) && !number_is_plausible(*field, number_of(facts, *field))) return false;
  for (const FieldDescriptor* field : looks.lists_of_numbers)
    for (int i = 0; i < reflection.FieldSize(facts, field); ++i)
      if (!number_is_plausible(*field, reflection.GetRepeatedDouble(facts, field, i))) return false;
  for (const auto& [field, inner] : looks.messages) {
    const int size = field->is_repeated() ? reflection.FieldSize(facts, field) : 0;
    for (int i = 0; i < size; ++i)
      if (!facts_are_plausible(reflection.GetRepeatedMessage(facts, field, i), inner)) return false;
    if (!field->is_repeated() && reflection.HasField(facts, field) &&
        !facts_are_plausible(reflection.GetMessage(facts, field), inner))
      return false;
  }
  return true;
}

bool facts_are_plausible(const proto::Facts& facts) {
  static const Looks looks = looks_at(*proto::Facts::descriptor());
  return facts_are_plausible(facts, looks);
}

}  // namespace

bool is_interval(std::int64_t every_ms) { return every_ms >= 1000 && every_ms <= 86'400'000; }

bool plausible_without_facts(const proto::RunResult& result) {
  if (!state_fits_reason(result.state(), result.reason())) return false;
  if (result.duration_ns() < 0 || result.duration_ns() > kLongestRunNs) return false;
  if (result.lateness_us() < 0 || result.lateness_us() > kLongestRunNs / 1000) return false;
  if (result.attempts() > 10) return false;
  if (result.every_ms() != 0 && !is_interval(result.every_ms())) return false;
  if (result.detail().size() > kMostDetailBytes) return false;
  return phases_are_plausible(result);
}

bool plausible(const proto::RunResult& result) {
  return plausible_without_facts(result) && result.facts().ByteSizeLong() <= kMostFactsBytes &&
         facts_are_plausible(result.facts());
}

}  // namespace parallax
