// When the disk below the spool is written. What finished within 100 ms goes together, without waiting for the
// platter: that survives a kill. Only while something stays unacknowledged is the disk told to sync, so that a
// probe that is connected hardly does. A disk that fails is tried again, ever less often, and never stops the
// probe.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/time.h"
#include "probe/memory_spool.h"
#include "probe/spool_disk.h"

namespace parallax {

// Pure but for the disk it is given. Everything by reference outlives it.
class SpoolShadow {
 public:
  // `changed` is called when a write has ended: wake() is another then, and maybe trouble().
  SpoolShadow(MemorySpool& spool, SpoolDisk& disk, const Clock& clock, std::function<void()> changed);

  // Takes what the disk held into the spool. Once, before anything else.
  void open();

  // Writes what is due. At wake(), or at any time.
  void tick();
  Instant wake() const;

  // Writes all there is, soon; settled() when that has ended, well or not.
  void flush();
  bool is_settled() const { return !flushing_ && !is_writing_; }

  // Empty while the disk does what it should, else why not.
  const std::string& trouble() const { return trouble_; }
  bool is_taken_by_another() const { return is_taken_; }
  bool lost_some() const { return lost_some_; }  // a damaged file did not give back all that was in it
  std::uint32_t damaged_files() const { return damaged_files_; }

 private:
  void begin(bool sync);
  void ended(SpoolWritten written);
  void take(SpoolFound found);
  std::optional<Instant> sync_due() const;

  MemorySpool& spool_;
  SpoolDisk& disk_;
  const Clock& clock_;
  std::function<void()> changed_;
  std::string trouble_;
  bool is_taken_ = false;
  bool lost_some_ = false;
  std::uint32_t damaged_files_ = 0;
  bool is_writing_ = false;
  bool flushing_ = false;
  bool flush_is_written_ = false;          // the write under way is the flush's
  bool syncing_ = false;                   // the write under way
  Nanoseconds back_off_{0};                // 0: the disk works
  Instant retry_at_{};                     // not before
  std::optional<Instant> unsynced_since_;  // when the first write ended that no sync came after
};

}  // namespace parallax
