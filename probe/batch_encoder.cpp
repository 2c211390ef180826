#include "probe/batch_encoder.h"

#include <algorithm>
#include <limits>

namespace parallax {
namespace {

constexpr std::size_t kFullAtBytes = 96 * 1024;  // a row is at most 96 KiB more, a message at most 256 KiB
constexpr std::size_t kBytesOfARow = 48;         // its numbers, generously

std::uint64_t not_negative(std::int64_t value) { return value < 0 ? 0 : static_cast<std::uint64_t>(value); }

}  // namespace

void BatchEncoder::assign(const std::string& check_id, std::uint64_t definition, std::uint32_t number) {
  numbers_[{check_id, definition}] = number;
}

void BatchEncoder::begin(std::uint64_t sequence) {
  batch_.Clear();
  batch_.set_first_sequence(sequence);
  bytes_ = 0;
  last_slot_ = 0;
  last_started_us_ = 0;
}

bool BatchEncoder::add(const proto::RunResult& result) {
  if (rows() >= kMostRowsInABatch || bytes_ >= kFullAtBytes) return false;
  const std::uint32_t number = number_of(result);
  add_facts_and_detail(result, number);
  batch_.add_check_number(number);
  batch_.add_slot(result.slot() - std::exchange(last_slot_, result.slot()));
  batch_.add_started_us(result.started_us() - std::exchange(last_started_us_, result.started_us()));
  batch_.add_duration_ns(not_negative(result.duration_ns()));
  constexpr std::uint64_t kMostLateness = std::numeric_limits<std::uint32_t>::max();
  batch_.add_lateness_us(static_cast<std::uint32_t>(std::min(not_negative(result.lateness_us()), kMostLateness)));
  batch_.add_state(static_cast<std::uint32_t>(result.state()));
  batch_.add_reason(static_cast<std::uint32_t>(result.reason()));
  batch_.add_phase(static_cast<std::uint32_t>(result.phase()));
  batch_.add_attempts(result.attempts());
  add_phases(result);
  bytes_ += kBytesOfARow;
  return true;
}

// The controller's number, or one of our own for what this session has not assigned.
std::uint32_t BatchEncoder::number_of(const proto::RunResult& result) {
  const auto [known, is_new] = numbers_.try_emplace({result.check_id(), result.definition()}, next_own_number_);
  if (is_new) {
    auto* named = batch_.add_named();
    named->set_number(next_own_number_++);
    named->set_check_id(result.check_id());
    named->set_definition(result.definition());
    named->set_every_ms(result.every_ms());
    bytes_ += named->ByteSizeLong();
  }
  return known->second;
}

void BatchEncoder::add_phases(const proto::RunResult& result) {
  batch_.add_phase_count(static_cast<std::uint32_t>(result.phases_size()));
  for (const auto& phase : result.phases()) {
    batch_.add_phase_kind(static_cast<std::uint32_t>(phase.phase()));
    batch_.add_phase_ns(not_negative(phase.nanoseconds()));
  }
  bytes_ += static_cast<std::size_t>(result.phases_size()) * 8;
}

void BatchEncoder::add_facts_and_detail(const proto::RunResult& result, std::uint32_t number) {
  const auto row = static_cast<std::uint32_t>(rows());
  auto& told = told_[number];
  std::string facts = result.facts().SerializeAsString();
  if (facts != told.facts) {
    batch_.add_facts_row(row);
    *batch_.add_facts() = result.facts();
    bytes_ += facts.size();
    told.facts = std::move(facts);
  }
  if (result.detail() != told.detail) {
    batch_.add_detail_row(row);
    batch_.add_detail(result.detail());
    bytes_ += result.detail().size();
    told.detail = result.detail();
  }
}

}  // namespace parallax
