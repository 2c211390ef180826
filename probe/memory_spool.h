// The spool: all of its records in memory, as bytes, and the book of what a disk below it should hold. Pure: no
// file, no clock, no thread.
//
// The disk: each record has a key for life, over restarts. begin_write() says what makes the disk hold what memory
// holds; a record that is freed before a write took it never gets there. Evicted records stay on the disk as they
// are until the gap that tells of them is written: now and then, not for each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "probe/spool.h"
#include "probe/spool_disk.h"

namespace parallax {

// Bounded by the serialized size of its records and what is around them.
class MemorySpool final : public Spool {
 public:
  // `first_key` is the disk's key of the first record; keys that the disk has already are avoided.
  MemorySpool(std::string id, std::size_t max_bytes, std::uint64_t first_key = 1);

  const std::string& id() const override { return id_; }
  void append(SpoolRecord&& record, Instant now) override;
  void append(const proto::RunResult& result, Instant now) override;
  std::vector<std::pair<std::uint64_t, SpoolRecord>> read(std::uint64_t from, std::size_t most) const override;
  std::optional<std::string_view> result_at(std::uint64_t sequence) const override;
  std::vector<proto::RunResult> newest_of_each_check(std::size_t most_looked_at) const override;
  const proto::Gap* gap_at(std::uint64_t sequence) const override;
  void note_sent(std::uint64_t sequence) override { sent_ = std::max(sent_, sequence); }
  void free_up_to(std::uint64_t sequence) override;
  std::uint64_t first_sequence() const override;
  std::uint64_t next_sequence() const override { return next_; }
  std::uint64_t results_held() const override { return held_.size(); }
  Nanoseconds oldest_age(Instant now) const override;

  // --- The disk's side ---

  // Puts what a disk held behind what there is, as new records. `now` and `wall` are the same moment.
  void restore(SpoolFound found, Instant now, WallTime wall);

  // All records held, oldest first.
  void for_each(const std::function<void(const SpoolRecord&)>& each) const;

  // Begins a write of what the disk lacks: at most about `most_bytes`, the rest is for the next one. With
  // `everything` also what could wait. Ends with wrote() or did_not_write(). Requires: none is under way.
  SpoolWrite begin_write(std::size_t most_bytes, bool everything);
  void wrote();
  void did_not_write();
  // The disk may have lost what was written before. Requires: no write is under way.
  void write_all_again();

  // When the oldest record was made that no write has taken yet.
  std::optional<Instant> unwritten_since() const;

 private:
  struct Held {
    std::string bytes;
    Instant since;
    std::uint64_t key = 0;
  };
  using Keys = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // first and last of each range
  // Evictions that are told together. The rows of the records it tells of stay on the disk until its own is
  // written.
  struct KeptGap {
    proto::Gap gap;
    std::uint64_t slots = 0;
    std::uint64_t key = 0;      // of its row
    bool has_row = false;       // perhaps an older one
    Keys covers;                // rows that go when it is written
    std::size_t unwritten = 0;  // records it tells of and its row does not
    std::size_t writing = 0;    // so many of them are in the write under way
    bool is_urgent = false;     // some of them were never on the disk
  };
  std::uint64_t first_held() const { return next_ - held_.size(); }
  bool is_on_disk(std::uint64_t sequence) const { return sequence <= std::max(written_, writing_); }
  void push(std::string bytes, Instant since, std::uint64_t key);
  void evict_oldest();
  KeptGap& new_gap(proto::Gap gap, std::uint64_t sequence, std::uint64_t key);
  KeptGap* gap_to_extend(proto::Gap::Cause cause, std::uint64_t slots);
  void fold(KeptGap& kept, const SpoolRecord& evicted);
  void fold_slots(KeptGap& kept, const MissedSlots& missed);
  proto::CheckGap& entry_of(proto::Gap& gap, const std::string& check_id, std::int64_t every_ms,
                            proto::State state);
  bool is_due(const KeptGap& kept, bool everything) const;
  static void add(Keys& keys, std::uint64_t first, std::uint64_t last);
  static void add(Keys& keys, std::uint64_t key) { add(keys, key, key); }

  std::string id_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::uint64_t next_ = 1;
  std::uint64_t sent_ = 0;
  std::deque<Held> held_;
  std::deque<KeptGap> gaps_;  // consecutive, and consecutive with held_
  // Where the newest gap has (check, every_ms, state); no state: slots without a run.
  std::map<std::tuple<std::string, std::int64_t, int>, int> entries_;

  std::uint64_t first_key_;
  std::uint64_t next_key_;
  std::uint64_t written_ = 0;  // records held up to here are on the disk
  std::uint64_t writing_ = 0;  // and up to here when the write under way ends well
  std::uint64_t touched_ = 0;  // beyond it, nothing was ever given to a write
  Keys removals_;              // rows that the disk may have and should not
  Keys removing_;              // the same, of the write under way
};

}  // namespace parallax
