// The spool's file on a thread of its own: a disk that hangs for seconds holds up no run.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <filesystem>

#include "base/task.h"
#include "base/time.h"
#include "probe/spool_file.h"

namespace parallax {

// Owned by main. `loop`, `clock` and `disk`, the thread that writes, outlive it; so does what a write calls back,
// or the loop has stopped before.
class SpoolThread final : public SpoolDisk {
 public:
  SpoolThread(Loop& loop, const Clock& clock, boost::asio::thread_pool& disk, std::filesystem::path file);
  ~SpoolThread() override;

  SpoolOpened open() override;  // here and now: nothing is measured yet
  void write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) override;

 private:
  std::int64_t unix_seconds() const;

  Loop& loop_;
  const Clock& clock_;
  boost::asio::thread_pool& disk_;
  SpoolFile file_;
};

}  // namespace parallax
