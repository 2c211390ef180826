// What the disk below the spool should hold: MemorySpool's restore() and writes.
#include "probe/memory_spool.h"
#include "probe/spool_record.h"

namespace parallax {
namespace {

constexpr std::size_t kGapIsWrittenAfter = 64;  // evictions

// How long ago a restored record was made, as far as the wall clock can tell.
Nanoseconds age_of(const SpoolRecord& record, WallTime wall) {
  constexpr Nanoseconds kOldest = std::chrono::hours(24 * 366);
  const auto* result = std::get_if<proto::RunResult>(&record);
  if (!result || result->started_us() <= 0) return Nanoseconds(0);
  const WallTime started = from_unix_us(result->started_us());
  if (started >= wall) return Nanoseconds(0);
  return wall - started > kOldest ? kOldest : Nanoseconds(wall - started);
}

}  // namespace

void MemorySpool::restore(SpoolFound found, Instant now, WallTime wall) {
  const bool is_all_on_disk = written_ + 1 == next_ && !found.must_be_written;
  for (auto& row : found.rows) {
    const auto record = from_bytes(row.bytes);
    if (!record) continue;
    std::uint64_t key = row.key;
    if (key >= first_key_ && next_key_ == first_key_)
      first_key_ = next_key_ = key + 1;
    else if (key >= first_key_)
      key = next_key_++;
    if (is_all_on_disk) touched_ = written_ = next_;  // before it may be evicted
    push(std::move(row.bytes), now - age_of(*record, wall), key);
  }
}

void MemorySpool::for_each(const std::function<void(const SpoolRecord&)>& each) const {
  for (const Held& held : held_) each(*from_bytes(held.bytes));
}

bool MemorySpool::is_due(const KeptGap& kept, bool everything) const {
  const bool is_closed = &kept != &gaps_.back();
  return kept.unwritten > 0 && (everything || is_closed || kept.is_urgent || kept.unwritten >= kGapIsWrittenAfter);
}

SpoolWrite MemorySpool::begin_write(std::size_t most_bytes, bool everything) {
  SpoolWrite write;
  for (KeptGap& kept : gaps_) {
    if (!is_due(kept, everything)) continue;
    write.put.push_back({kept.key, to_bytes(kept.gap)});
    for (const auto& [first, last] : std::exchange(kept.covers, {})) add(removals_, first, last);
    kept.writing = kept.unwritten;
    kept.has_row = true;
    kept.is_urgent = false;
  }
  removing_ = std::exchange(removals_, {});
  write.remove = removing_;

  std::size_t bytes = 0;
  writing_ = std::max(written_, first_held() - 1);
  while (writing_ + 1 < next_ && bytes < most_bytes) {
    const Held& held = held_[++writing_ - first_held()];
    write.put.push_back({held.key, held.bytes});
    bytes += held.bytes.size();
  }
  touched_ = std::max(touched_, writing_);
  return write;
}

void MemorySpool::wrote() {
  written_ = writing_;
  removing_.clear();
  for (KeptGap& kept : gaps_) kept.unwritten -= std::exchange(kept.writing, 0);
}

void MemorySpool::did_not_write() {
  for (const auto& [first, last] : std::exchange(removals_, std::exchange(removing_, {})))
    add(removals_, first, last);
  for (KeptGap& kept : gaps_)
    if (std::exchange(kept.writing, 0) > 0) kept.is_urgent = true;
  writing_ = written_;
}

void MemorySpool::write_all_again() {
  for (KeptGap& kept : gaps_) {
    kept.is_urgent = true;
    kept.unwritten = std::max<std::size_t>(kept.unwritten, 1);
  }
  writing_ = written_ = 0;
}

std::optional<Instant> MemorySpool::unwritten_since() const {
  const std::uint64_t oldest = std::max({written_ + 1, writing_ + 1, first_held()});
  if (oldest >= next_) return std::nullopt;
  return held_[oldest - first_held()].since;
}

void MemorySpool::add(Keys& keys, std::uint64_t first, std::uint64_t last) {
  if (!keys.empty() && keys.back().second + 1 == first)
    keys.back().second = last;
  else
    keys.emplace_back(first, last);
}

}  // namespace parallax
