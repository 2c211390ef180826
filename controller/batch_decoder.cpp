#include "controller/batch_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace parallax {
namespace {

constexpr int kMostRows = 5000;
constexpr std::uint32_t kMostPhases = 16;
constexpr std::size_t kMostDetailBytes = 4096;
constexpr std::size_t kMostIdBytes = 255;
constexpr std::size_t kMostNames = 10'000;
constexpr std::uint32_t kFirstNamedNumber = 1u << 31;
constexpr std::uint64_t kMostNanoseconds = std::numeric_limits<std::int64_t>::max();

// Every row has an entry in each of these columns.
Result<void> check_lengths(const proto::Batch& batch) {
  const int rows = batch.check_number_size();
  if (rows == 0) return failure("a batch without rows");
  if (rows > kMostRows) return failure(fmt::format("a batch of {} rows; at most {} are taken", rows, kMostRows));
  const std::pair<const char*, int> columns[] = {{"slot", batch.slot_size()},
                                                 {"started_us", batch.started_us_size()},
                                                 {"state", batch.state_size()},
                                                 {"duration_ns", batch.duration_ns_size()},
                                                 {"reason", batch.reason_size()},
                                                 {"lateness_us", batch.lateness_us_size()},
                                                 {"phase", batch.phase_size()},
                                                 {"attempts", batch.attempts_size()},
                                                 {"phase_count", batch.phase_count_size()}};
  for (const auto& [name, size] : columns)
    if (size != rows) return failure(fmt::format("column {} has {} entries for {} rows", name, size, rows));
  if (batch.first_sequence() == 0 ||
      batch.first_sequence() > std::numeric_limits<std::uint64_t>::max() - kMostRows)
    return failure(fmt::format("first_sequence {} is not one", batch.first_sequence()));
  return {};
}

Result<void> check_phases(const proto::Batch& batch) {
  std::uint64_t entries = 0;
  for (const std::uint32_t count : batch.phase_count()) {
    if (count > kMostPhases)
      return failure(fmt::format("a row of {} phases; at most {} are taken", count, kMostPhases));
    entries += count;
  }
  if (batch.phase_kind_size() != static_cast<int>(entries) || batch.phase_ns_size() != static_cast<int>(entries))
    return failure(fmt::format("columns phase_kind and phase_ns have {} and {} entries; phase_count adds up to {}",
                               batch.phase_kind_size(), batch.phase_ns_size(), entries));
  return {};
}

template <class Rows>
Result<void> check_rows_named(const char* column, const Rows& named, int entries, int rows) {
  if (named.size() != entries)
    return failure(fmt::format("columns {0}_row and {0} have {1} and {2} entries", column, named.size(), entries));
  for (int i = 0; i < named.size(); ++i)
    if (named[i] >= static_cast<std::uint32_t>(rows) || (i > 0 && named[i] <= named[i - 1]))
      return failure(fmt::format("column {}_row does not rise within the {} rows", column, rows));
  return {};
}

Result<void> check_values(const proto::Batch& batch) {
  std::int64_t slot = 0;
  std::int64_t started = 0;
  for (int row = 0; row < batch.check_number_size(); ++row) {
    if (__builtin_add_overflow(slot, batch.slot(row), &slot) ||
        __builtin_add_overflow(started, batch.started_us(row), &started))
      return failure(fmt::format("row {}: slot or start is out of range", row));
    const std::uint32_t state = batch.state(row);
    if (state < proto::STATE_UP || state > proto::STATE_UNKNOWN)
      return failure(fmt::format("row {}: there is no state {}", row, state));
    if (batch.duration_ns(row) > kMostNanoseconds)
      return failure(fmt::format("row {}: duration is out of range", row));
    // Reasons and phases of a newer probe are shown as "other"; beyond this they are no enumeration at all.
    if (batch.reason(row) > 10'000 || batch.phase(row) > 10'000)
      return failure(fmt::format("row {}: reason or phase is out of range", row));
  }
  for (int i = 0; i < batch.phase_ns_size(); ++i)
    if (batch.phase_ns(i) > kMostNanoseconds || batch.phase_kind(i) > 10'000)
      return failure("a phase is out of range");
  for (const auto& detail : batch.detail())
    if (detail.size() > kMostDetailBytes)
      return failure(fmt::format("a detail of {} bytes; at most {} are taken", detail.size(), kMostDetailBytes));
  return {};
}

Result<std::vector<SharedFacts>> facts_in(const proto::Batch& batch) {
  std::vector<SharedFacts> told;
  told.reserve(static_cast<std::size_t>(batch.facts_size()));
  for (const std::string& bytes : batch.facts()) {
    auto facts = std::make_shared<proto::Facts>();
    if (!facts->ParseFromString(bytes)) return failure(fmt::format("facts[{}] cannot be read", told.size()));
    told.push_back(std::move(facts));
  }
  return told;
}

Result<void> check_shape(const proto::Batch& batch) {
  const int rows = batch.check_number_size();
  if (auto good = check_lengths(batch); !good) return good;
  if (auto good = check_phases(batch); !good) return good;
  if (auto good = check_rows_named("facts", batch.facts_row(), batch.facts_size(), rows); !good) return good;
  if (auto good = check_rows_named("detail", batch.detail_row(), batch.detail_size(), rows); !good) return good;
  return check_values(batch);
}

}  // namespace

void BatchDecoder::assign(std::uint32_t number, const std::string& check_id, std::uint64_t definition) {
  known_.try_emplace(
      number, Known{.check_id = check_id, .definition = definition, .every_ms = 0, .detail = {}, .facts = {}});
}

// The probe's own numbers, for results whose definition this session did not assign: those that are new. They
// become known only with a batch that is good as a whole.
Result<BatchDecoder::Numbers> BatchDecoder::new_names(const proto::Batch& batch) const {
  Numbers fresh;
  for (const auto& named : batch.named()) {
    if (named.number() < kFirstNamedNumber)
      return failure(fmt::format("the number {} is ours to give", named.number()));
    if (named.check_id().empty() || named.check_id().size() > kMostIdBytes)
      return failure(fmt::format("a check id of {} bytes", named.check_id().size()));
    Known meaning{.check_id = named.check_id(),
                  .definition = named.definition(),
                  .every_ms = named.every_ms(),
                  .detail = {},
                  .facts = {}};
    const auto before = known_.find(named.number());
    const Known& known = before != known_.end()
                             ? before->second
                             : fresh.try_emplace(named.number(), std::move(meaning)).first->second;
    if (known.check_id != named.check_id() || known.definition != named.definition())
      return failure(fmt::format("the number {} stood for {} before", named.number(), known.check_id));
    if (!fresh.empty() && known_.size() + fresh.size() > kMostNames)
      return failure(fmt::format("more than {} numbers in one session", kMostNames));
  }
  return fresh;
}

void BatchDecoder::read_row(const proto::Batch& batch, int row, int first_phase, Known& known,
                            proto::RunResult& result) const {
  result.set_check_id(known.check_id);
  result.set_definition(known.definition);
  result.set_every_ms(known.every_ms);
  result.set_duration_ns(static_cast<std::int64_t>(batch.duration_ns(row)));
  result.set_lateness_us(batch.lateness_us(row));
  result.set_state(static_cast<proto::State>(batch.state(row)));
  result.set_reason(static_cast<proto::Reason>(batch.reason(row)));
  result.set_phase(static_cast<proto::Phase>(batch.phase(row)));
  result.set_attempts(batch.attempts(row));
  result.mutable_phases()->Reserve(static_cast<int>(batch.phase_count(row)));
  for (int i = first_phase; i < first_phase + static_cast<int>(batch.phase_count(row)); ++i) {
    auto* phase = result.add_phases();
    phase->set_phase(static_cast<proto::Phase>(batch.phase_kind(i)));
    phase->set_nanoseconds(static_cast<std::int64_t>(batch.phase_ns(i)));
  }
  if (!known.detail.empty()) result.set_detail(known.detail);
  if (known.facts) show_facts(result, *known.facts);
}

Result<void> BatchDecoder::decode(const proto::Batch& batch, Results& results, std::vector<SharedFacts>& facts) {
  if (auto good = check_shape(batch); !good) return std::unexpected(good.error());
  auto told_facts = facts_in(batch);
  if (!told_facts) return std::unexpected(told_facts.error());
  auto fresh = new_names(batch);
  if (!fresh) return std::unexpected(fresh.error());
  for (const std::uint32_t number : batch.check_number())
    if (!known_.contains(number) && !fresh->contains(number))
      return failure(fmt::format("nobody said what the number {} stands for", number));
  known_.merge(*fresh);

  results.Reserve(results.size() + batch.check_number_size());
  facts.reserve(facts.size() + static_cast<std::size_t>(batch.check_number_size()));
  std::int64_t slot = 0;
  std::int64_t started = 0;
  int next_phase = 0;
  int next_facts = 0;
  int next_detail = 0;
  for (int row = 0; row < batch.check_number_size(); ++row) {
    Known& known = known_.at(batch.check_number(row));
    const auto is_of_row = [row](const auto& rows, int next) {
      return next < rows.size() && rows[next] == static_cast<std::uint32_t>(row);
    };
    if (is_of_row(batch.facts_row(), next_facts))
      known.facts = std::move((*told_facts)[static_cast<std::size_t>(next_facts++)]);
    if (is_of_row(batch.detail_row(), next_detail)) known.detail = batch.detail(next_detail++);
    slot += batch.slot(row);
    started += batch.started_us(row);
    auto& result = *results.Add();
    result.set_slot(slot);
    result.set_started_us(started);
    read_row(batch, row, next_phase, known, result);
    facts.push_back(known.facts);
    next_phase += static_cast<int>(batch.phase_count(row));
  }
  return {};
}

void BatchDecoder::unreadable(const proto::Batch& batch, Results& results) const {
  for (const std::uint32_t number : batch.check_number()) {
    auto& result = *results.Add();
    const auto known = known_.find(number);
    if (known == known_.end()) continue;
    result.set_check_id(known->second.check_id);
    result.set_definition(known->second.definition);
  }
}

}  // namespace parallax
