#include "probe/memory_spool.h"

#include <random>
#include <string_view>
#include <unordered_set>

#include "probe/spool_record.h"

namespace parallax {
namespace {

constexpr std::size_t kAroundARecord = 64;  // what its bytes cost beside themselves, near enough
constexpr int kMostEntriesInAGap = 1000;    // keeps a Gap message far below the limit of a message
constexpr std::size_t kMostGaps = 4096;     // beyond it, missed slots are folded into the ranges around them
constexpr std::uint64_t kMostFoldedSlots = 10'000;

void count(proto::CheckGap& entry, proto::State state) {
  switch (state) {
    case proto::STATE_UP:
      return entry.set_runs_up(entry.runs_up() + 1);
    case proto::STATE_DEGRADED:
      return entry.set_runs_degraded(entry.runs_degraded() + 1);
    case proto::STATE_DOWN:
      return entry.set_runs_down(entry.runs_down() + 1);
    default:
      return entry.set_runs_unknown(entry.runs_unknown() + 1);
  }
}

// Slots come in order, so nearly all of them make the last range longer.
void add_range(proto::CheckGap& entry, std::int64_t first, std::int64_t last) {
  const int size = entry.range_size();
  if (size > 0 && entry.range(size - 1) + 1 == first) return entry.set_range(size - 1, last);
  entry.add_range(first);
  entry.add_range(last);
}

std::uint64_t slots_of(const SpoolRecord& record) {
  std::uint64_t slots = 0;
  for_each_range(record, [&](const auto&, auto, std::int64_t first, std::int64_t last) {
    slots += static_cast<std::uint64_t>(last - first) + 1;
  });
  return slots;
}

}  // namespace

MemorySpool::MemorySpool(std::string id, std::size_t max_bytes, std::uint64_t first_key)
    : id_(std::move(id)), max_bytes_(max_bytes), first_key_(first_key), next_key_(first_key) {}

void MemorySpool::append(SpoolRecord&& record, Instant now) { push(to_bytes(record), now, next_key_++); }

void MemorySpool::append(const proto::RunResult& result, Instant now) { push(to_bytes(result), now, next_key_++); }

void MemorySpool::push(std::string bytes, Instant since, std::uint64_t key) {
  bytes_ += kAroundARecord + bytes.size();
  held_.push_back(Held{std::move(bytes), since, key});
  ++next_;
  while (bytes_ > max_bytes_ && held_.size() > 1) evict_oldest();
}

// --- Eviction ---

void MemorySpool::evict_oldest() {
  const std::uint64_t sequence = first_held();
  const bool has_row = is_on_disk(sequence);
  const Held oldest = std::move(held_.front());
  held_.pop_front();
  bytes_ -= kAroundARecord + oldest.bytes.size();

  const SpoolRecord record = *from_bytes(oldest.bytes);
  if (const auto* told_already = std::get_if<proto::Gap>(&record)) {
    KeptGap& kept = new_gap(*told_already, sequence, oldest.key);
    kept.has_row = has_row;
    kept.is_urgent = !has_row;
    kept.unwritten = has_row ? 0 : 1;
    return;
  }
  const auto* missed = std::get_if<MissedSlots>(&record);
  const proto::Gap::Cause cause = missed ? missed->cause : proto::Gap::EVICTED;
  KeptGap* kept = gap_to_extend(cause, slots_of(record));
  if (!kept) {
    proto::Gap gap;
    gap.set_cause(cause);
    kept = &new_gap(std::move(gap), sequence, oldest.key);
  }
  kept->gap.set_last_sequence(sequence);
  fold(*kept, record);
  ++kept->unwritten;
  if (has_row)
    add(kept->covers, oldest.key);
  else
    kept->is_urgent = true;
}

MemorySpool::KeptGap& MemorySpool::new_gap(proto::Gap gap, std::uint64_t sequence, std::uint64_t key) {
  KeptGap& kept = gaps_.emplace_back();
  kept.gap = std::move(gap);
  kept.gap.set_first_sequence(sequence);
  kept.gap.set_last_sequence(sequence);
  kept.key = key;
  kept.slots = slots_of(kept.gap);
  entries_.clear();
  return kept;
}

// The newest gap when the oldest record held may join it: nobody else has seen either, so they can only be counted
// together.
MemorySpool::KeptGap* MemorySpool::gap_to_extend(proto::Gap::Cause cause, std::uint64_t slots) {
  if (gaps_.empty() || gaps_.back().gap.first_sequence() <= sent_) return nullptr;
  KeptGap& newest = gaps_.back();
  if (newest.gap.cause() != proto::Gap::EVICTED || entries_.empty()) return nullptr;
  if (newest.gap.check_size() >= kMostEntriesInAGap || newest.slots + slots > kMostFoldedSlots) return nullptr;
  if (cause != proto::Gap::EVICTED && gaps_.size() < kMostGaps) return nullptr;
  return &newest;
}

void MemorySpool::fold(KeptGap& kept, const SpoolRecord& evicted) {
  kept.slots += slots_of(evicted);
  if (const auto* missed = std::get_if<MissedSlots>(&evicted)) return fold_slots(kept, *missed);
  const auto& result = std::get<proto::RunResult>(evicted);
  auto& entry = entry_of(kept.gap, result.check_id(), result.every_ms(), result.state());
  add_range(entry, result.slot(), result.slot());  // the ledger counts by slots: one that was counted is not lost
  count(entry, result.state());
}

void MemorySpool::fold_slots(KeptGap& kept, const MissedSlots& missed) {
  auto& entry = entry_of(kept.gap, missed.check_id, missed.every_ms, proto::STATE_UNSPECIFIED);
  for (const std::int64_t slot : missed.slots) add_range(entry, slot, slot);
  for (std::size_t i = 0; i + 1 < missed.ranges.size(); i += 2)
    add_range(entry, missed.ranges[i], missed.ranges[i + 1]);
}

// Runs of one state each: where the controller has counted some of the slots, it knows which runs are left.
proto::CheckGap& MemorySpool::entry_of(proto::Gap& gap, const std::string& check_id, std::int64_t every_ms,
                                       proto::State state) {
  const auto [known, is_new] = entries_.try_emplace({check_id, every_ms, state}, gap.check_size());
  if (!is_new) return *gap.mutable_check(known->second);
  auto& entry = *gap.add_check();
  entry.set_check_id(check_id);
  entry.set_every_ms(every_ms);
  return entry;
}

// --- What the link asks ---

std::vector<std::pair<std::uint64_t, SpoolRecord>> MemorySpool::read(std::uint64_t from, std::size_t most) const {
  std::vector<std::pair<std::uint64_t, SpoolRecord>> records;
  const std::uint64_t begin = std::max(from, first_held());
  const std::uint64_t stop = begin + std::min<std::uint64_t>(most, next_ - std::min(begin, next_));
  for (std::uint64_t sequence = begin; sequence < stop; ++sequence) {
    const std::string& bytes = held_[sequence - first_held()].bytes;
    if (kind_of(bytes) != kind_of(held_[begin - first_held()].bytes)) break;
    records.emplace_back(sequence, *from_bytes(bytes));
  }
  return records;
}

std::optional<std::string_view> MemorySpool::result_at(std::uint64_t sequence) const {
  if (sequence < first_held() || sequence >= next_) return std::nullopt;
  const std::string_view bytes = held_[sequence - first_held()].bytes;
  return kind_of(bytes) == 'R' ? std::optional(bytes.substr(1)) : std::nullopt;
}

std::vector<proto::RunResult> MemorySpool::newest_of_each_check(std::size_t most_looked_at) const {
  std::vector<proto::RunResult> newest;
  std::unordered_set<std::string_view> seen;
  std::size_t looked_at = 0;
  for (auto held = held_.rbegin(); held != held_.rend() && looked_at < most_looked_at; ++held, ++looked_at) {
    if (kind_of(held->bytes) != 'R' || !seen.insert(check_id_of(held->bytes)).second) continue;
    newest.push_back(std::get<proto::RunResult>(*from_bytes(held->bytes)));
  }
  return newest;
}

const proto::Gap* MemorySpool::gap_at(std::uint64_t sequence) const {
  const auto gap = std::lower_bound(
      gaps_.begin(), gaps_.end(), sequence,
      [](const KeptGap& kept, std::uint64_t wanted) { return kept.gap.first_sequence() < wanted; });
  return gap != gaps_.end() && gap->gap.first_sequence() == sequence ? &gap->gap : nullptr;
}

void MemorySpool::free_up_to(std::uint64_t sequence) {
  while (!gaps_.empty() && gaps_.front().gap.last_sequence() <= sequence) {
    const KeptGap& freed = gaps_.front();
    if (freed.has_row) add(removals_, freed.key);
    for (const auto& [first, last] : freed.covers) add(removals_, first, last);
    gaps_.pop_front();
  }
  // A range is only ever sent whole, so it is never counted in part; were it, its counts are kept rather than
  // lost.
  if (!gaps_.empty() && gaps_.front().gap.first_sequence() <= sequence)
    gaps_.front().gap.set_first_sequence(sequence + 1);
  while (!held_.empty() && first_held() <= sequence) {
    if (first_held() <= touched_) add(removals_, held_.front().key);
    bytes_ -= kAroundARecord + held_.front().bytes.size();
    held_.pop_front();
  }
}

std::uint64_t MemorySpool::first_sequence() const {
  return gaps_.empty() ? first_held() : gaps_.front().gap.first_sequence();
}

Nanoseconds MemorySpool::oldest_age(Instant now) const {
  return held_.empty() ? Nanoseconds(0) : now - held_.front().since;
}

std::string random_spool_id() {
  std::random_device random;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t word = random();
    for (int shift = 0; shift < 32; shift += 8) id += static_cast<char>(word >> shift);
  }
  return id;
}

}  // namespace parallax
