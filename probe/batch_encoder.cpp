#include "probe/batch_encoder.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <limits>

namespace parallax {
namespace {

constexpr std::size_t kFullAtBytes = 96 * 1024;  // a row is at most 96 KiB more, a message at most 256 KiB
constexpr std::size_t kBytesOfARow = 48;         // its numbers, generously

std::uint64_t not_negative(std::int64_t value) { return value < 0 ? 0 : static_cast<std::uint64_t>(value); }

}  // namespace

std::size_t BatchEncoder::Hash::operator()(const KeyView& key) const {
  return std::hash<std::string_view>()(key.check_id) ^
         key.definition;  // a fingerprint: its bits are as good as a hash
}

void BatchEncoder::assign(const std::string& check_id, std::uint64_t definition, std::uint32_t number) {
  Told& told = told_[{check_id, definition}];
  if (told.number != number) told = {.number = number, .facts = {}, .detail = {}};  // of it nothing was told yet
}

void BatchEncoder::begin(std::uint64_t sequence) {
  batch_.Clear();
  batch_.set_first_sequence(sequence);
  bytes_ = 0;
  last_slot_ = 0;
  last_started_us_ = 0;
}

bool BatchEncoder::add(const proto::RunResult& result) {
  const std::string bytes = result.SerializeAsString();
  StoredResult stored;
  if (!read_stored(bytes, stored)) std::abort();  // it was written on the line above
  return add(stored);
}

bool BatchEncoder::add(const StoredResult& result) {
  if (rows() >= kMostRowsInABatch || bytes_ >= kFullAtBytes) return false;
  Told& told = told_of(result);
  add_facts_and_detail(result, told);
  batch_.add_check_number(told.number);
  batch_.add_slot(result.slot - std::exchange(last_slot_, result.slot));
  batch_.add_started_us(result.started_us - std::exchange(last_started_us_, result.started_us));
  batch_.add_duration_ns(not_negative(result.duration_ns));
  constexpr std::uint64_t kMostLateness = std::numeric_limits<std::uint32_t>::max();
  batch_.add_lateness_us(static_cast<std::uint32_t>(std::min(not_negative(result.lateness_us), kMostLateness)));
  batch_.add_state(static_cast<std::uint32_t>(result.state));
  batch_.add_reason(static_cast<std::uint32_t>(result.reason));
  batch_.add_phase(static_cast<std::uint32_t>(result.phase));
  batch_.add_attempts(result.attempts);
  add_phases(result);
  bytes_ += kBytesOfARow;
  return true;
}

// The controller's number, or one of our own for what this session has not assigned.
BatchEncoder::Told& BatchEncoder::told_of(const StoredResult& result) {
  const auto known = told_.find(KeyView{result.check_id, result.definition});
  if (known != told_.end()) return known->second;
  auto* named = batch_.add_named();
  named->set_number(next_own_number_++);
  named->set_check_id(std::string(result.check_id));
  named->set_definition(result.definition);
  named->set_every_ms(result.every_ms);
  bytes_ += named->ByteSizeLong();
  Told& told = told_[{std::string(result.check_id), result.definition}];
  told.number = named->number();
  return told;
}

void BatchEncoder::add_phases(const StoredResult& result) {
  batch_.add_phase_count(static_cast<std::uint32_t>(result.phases.size()));
  for (const auto& [phase, nanoseconds] : result.phases) {
    batch_.add_phase_kind(static_cast<std::uint32_t>(phase));
    batch_.add_phase_ns(not_negative(nanoseconds));
  }
  bytes_ += result.phases.size() * 8;
}

void BatchEncoder::add_facts_and_detail(const StoredResult& result, Told& told) {
  const auto row = static_cast<std::uint32_t>(rows());
  if (result.facts != told.facts) {
    batch_.add_facts_row(row);
    batch_.add_facts(result.facts.data(), result.facts.size());
    bytes_ += result.facts.size();
    told.facts = result.facts;
  }
  if (result.detail != told.detail) {
    batch_.add_detail_row(row);
    batch_.add_detail(result.detail.data(), result.detail.size());
    bytes_ += result.detail.size();
    told.detail = result.detail;
  }
}

}  // namespace parallax
