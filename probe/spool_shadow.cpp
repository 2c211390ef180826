#include "probe/spool_shadow.h"

#include <algorithm>
#include <utility>

namespace parallax {
namespace {

constexpr Milliseconds kTogether(100);
// A batch waits a second for company: what is older has not been acknowledged for another reason.
constexpr Milliseconds kSyncedAfter(2000);
constexpr Milliseconds kSyncWaitsForAWrite(2000);
constexpr std::size_t kMostBytesOfAWrite = 1 << 20;
constexpr std::size_t kMostBytesOfATry = 64 << 10;  // of a disk that failed
constexpr Nanoseconds kFirstBackOff = std::chrono::seconds(1);
constexpr Nanoseconds kLongestBackOff = std::chrono::seconds(60);

}  // namespace

SpoolShadow::SpoolShadow(MemorySpool& spool, SpoolDisk& disk, const Clock& clock, std::function<void()> changed)
    : spool_(spool), disk_(disk), clock_(clock), changed_(std::move(changed)) {}

void SpoolShadow::open() {
  SpoolOpened opened = disk_.open();
  trouble_ = std::move(opened.trouble);
  is_taken_ = opened.is_taken;
  damaged_files_ = opened.damaged_files;
  if (!trouble_.empty()) {
    back_off_ = kFirstBackOff;
    retry_at_ = clock_.now() + back_off_;
  }
  take(std::move(opened.found));
}

void SpoolShadow::take(SpoolFound found) {
  lost_some_ = lost_some_ || found.lost_some;
  spool_.restore(std::move(found), clock_.now(), clock_.wall());
}

// When the disk has to sync; none while everything is synced, or nothing waits.
std::optional<Instant> SpoolShadow::sync_due() const {
  if (!unsynced_since_ || spool_.results_held() == 0) return std::nullopt;
  const Instant now = clock_.now();
  return std::max(*unsynced_since_, now - spool_.oldest_age(now)) + kSyncedAfter;
}

Instant SpoolShadow::wake() const {
  if (is_writing_) return Instant::max();
  if (flushing_) return Instant::min();
  Instant wake = Instant::max();
  if (const auto since = spool_.unwritten_since()) wake = *since + kTogether;
  if (const auto due = sync_due()) wake = std::min(wake, *due + kSyncWaitsForAWrite);
  if (wake == Instant::max()) return wake;
  return std::max(wake, retry_at_);
}

void SpoolShadow::tick() {
  const Instant now = clock_.now();
  if (wake() > now) return;
  const auto due = sync_due();
  begin(flushing_ || (due && *due <= now));
}

void SpoolShadow::flush() {
  flushing_ = true;
  tick();
}

void SpoolShadow::begin(bool sync) {
  const std::size_t most = flushing_                    ? SIZE_MAX
                           : back_off_ > Nanoseconds(0) ? kMostBytesOfATry
                                                        : kMostBytesOfAWrite;
  SpoolWrite write = spool_.begin_write(most, flushing_);
  write.sync = syncing_ = sync;
  is_writing_ = true;
  flush_is_written_ = flushing_;
  disk_.write(std::move(write), [this](SpoolWritten written) { ended(std::move(written)); });
}

void SpoolShadow::ended(SpoolWritten written) {
  const Instant now = clock_.now();
  is_writing_ = false;
  damaged_files_ = written.damaged_files;
  trouble_ = std::move(written.trouble);
  if (trouble_.empty()) {
    spool_.wrote();
    if (written.may_have_lost_all) spool_.write_all_again();
    back_off_ = Nanoseconds(0);
    retry_at_ = Instant::min();
    if (syncing_)
      unsynced_since_.reset();
    else
      unsynced_since_ = unsynced_since_.value_or(now);
  } else {
    spool_.did_not_write();
    if (written.may_have_lost_all) spool_.write_all_again();
    back_off_ = std::clamp(back_off_ * 2, kFirstBackOff, kLongestBackOff);
    retry_at_ = now + back_off_;
  }
  if (flush_is_written_) flushing_ = false;
  take(std::move(written.found));
  changed_();
}

}  // namespace parallax
