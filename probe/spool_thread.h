// The spool's file on a thread of its own: a disk that hangs for seconds holds up no run.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <filesystem>

#include "base/task.h"
#include "base/time.h"
#include "probe/spool_file.h"

namespace parallax {

// Owned by main. `loop` and `clock` outlive it; what a write calls back does, or the loop has stopped before.
class SpoolThread final : public SpoolDisk {
 public:
  SpoolThread(Loop& loop, const Clock& clock, std::filesystem::path file);
  ~SpoolThread() override;

  SpoolOpened open() override;  // here and now: nothing is measured yet
  void write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) override;

 private:
  std::int64_t unix_seconds() const;

  Loop& loop_;
  const Clock& clock_;
  SpoolFile file_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace parallax
