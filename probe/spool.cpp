#include "probe/spool.h"

#include <algorithm>
#include <random>

namespace parallax {
namespace {

constexpr int kMostChecksInAGap = 1000;  // keeps a Gap message far below the limit of a message
constexpr std::size_t kMostGaps = 4096;  // beyond it, missed slots are folded into the ranges around them
constexpr int kMostFoldedSlots = 10'000;

// What a record takes in memory, near enough: its bytes on the wire and the containers around them.
std::size_t size_of(const SpoolRecord& record) {
  constexpr std::size_t kAround = 128;
  if (const auto* result = std::get_if<proto::RunResult>(&record)) return kAround + result->ByteSizeLong();
  const auto& missed = std::get<MissedSlots>(record);
  return kAround + missed.check_id.size() + missed.slots.size() * sizeof(std::int64_t);
}

// The entry of `check_id` in `gap`, new when there is none. Runs come in turn, so it is near the front of the
// list.
proto::CheckGap& entry_of(proto::Gap& gap, const std::string& check_id) {
  for (auto& entry : *gap.mutable_check())
    if (entry.check_id() == check_id) return entry;
  auto* entry = gap.add_check();
  entry->set_check_id(check_id);
  return *entry;
}

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

bool has_room(const proto::Gap& gap) {
  int slots = 0;
  for (const auto& entry : gap.check()) slots += entry.slot_size();
  return gap.check_size() < kMostChecksInAGap && slots < kMostFoldedSlots;
}

}  // namespace

MemorySpool::MemorySpool(std::string id, std::size_t max_bytes) : id_(std::move(id)), max_bytes_(max_bytes) {}

void MemorySpool::append(SpoolRecord&& record, Instant now) {
  const std::size_t bytes = size_of(record);
  bytes_ += bytes;
  held_.push_back(Held{std::move(record), bytes, now});
  ++next_;
  while (bytes_ > max_bytes_ && held_.size() > 1) evict_oldest();
}

// The newest gap when the oldest record held may join it: nobody else has seen either, so they can only be counted
// together.
proto::Gap* MemorySpool::gap_to_extend(proto::Gap::Cause cause) {
  if (gaps_.empty() || gaps_.back().first_sequence() <= sent_) return nullptr;
  proto::Gap& newest = gaps_.back();
  if (newest.cause() != proto::Gap::EVICTED || !has_room(newest)) return nullptr;
  if (cause != proto::Gap::EVICTED && gaps_.size() < kMostGaps) return nullptr;
  return &newest;
}

void MemorySpool::evict_oldest() {
  const std::uint64_t sequence = first_held();
  const Held oldest = std::move(held_.front());
  held_.pop_front();
  bytes_ -= oldest.bytes;

  const auto* missed = std::get_if<MissedSlots>(&oldest.record);
  const proto::Gap::Cause cause = missed ? missed->cause : proto::Gap::EVICTED;
  proto::Gap* gap = gap_to_extend(cause);
  if (!gap) {
    gap = &gaps_.emplace_back();
    gap->set_first_sequence(sequence);
    gap->set_cause(cause);
  }
  gap->set_last_sequence(sequence);
  if (missed) {
    auto& entry = entry_of(*gap, missed->check_id);
    entry.mutable_slot()->Add(missed->slots.begin(), missed->slots.end());
    return;
  }
  const auto& result = std::get<proto::RunResult>(oldest.record);
  auto& entry = entry_of(*gap, result.check_id());
  entry.add_slot(result.slot());  // the ledger counts by slots: one that another probe ran is not lost
  count(entry, result.state());
}

std::vector<std::pair<std::uint64_t, const SpoolRecord*>> MemorySpool::read(std::uint64_t from,
                                                                            std::size_t most) const {
  std::vector<std::pair<std::uint64_t, const SpoolRecord*>> records;
  const std::uint64_t begin = std::max(from, first_held());
  const std::uint64_t stop = begin + std::min<std::uint64_t>(most, next_ - std::min(begin, next_));
  for (std::uint64_t sequence = begin; sequence < stop; ++sequence)
    records.emplace_back(sequence, &held_[sequence - first_held()].record);
  return records;
}

const proto::Gap* MemorySpool::gap_at(std::uint64_t sequence) const {
  const auto gap =
      std::lower_bound(gaps_.begin(), gaps_.end(), sequence,
                       [](const proto::Gap& g, std::uint64_t wanted) { return g.first_sequence() < wanted; });
  return gap != gaps_.end() && gap->first_sequence() == sequence ? &*gap : nullptr;
}

void MemorySpool::note_sent(std::uint64_t sequence) { sent_ = std::max(sent_, sequence); }

void MemorySpool::free_up_to(std::uint64_t sequence) {
  while (!gaps_.empty() && gaps_.front().last_sequence() <= sequence) gaps_.pop_front();
  // A range is only ever sent whole, so it is never counted in part; were it, its counts are kept rather than
  // lost.
  if (!gaps_.empty() && gaps_.front().first_sequence() <= sequence) gaps_.front().set_first_sequence(sequence + 1);
  while (!held_.empty() && first_held() <= sequence) {
    bytes_ -= held_.front().bytes;
    held_.pop_front();
  }
}

std::uint64_t MemorySpool::first_sequence() const {
  return gaps_.empty() ? first_held() : gaps_.front().first_sequence();
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
