#include "probe/spool_thread.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace parallax {

SpoolThread::SpoolThread(Loop& loop, const Clock& clock, boost::asio::thread_pool& disk,
                         std::filesystem::path file)
    : loop_(loop), clock_(clock), disk_(disk), file_(std::move(file)) {}

SpoolThread::~SpoolThread() { disk_.join(); }

std::int64_t SpoolThread::unix_seconds() const { return unix_ms(clock_.wall()) / 1000; }

SpoolOpened SpoolThread::open() { return file_.open(unix_seconds()); }

void SpoolThread::write(SpoolWrite write, std::move_only_function<void(SpoolWritten)> done) {
  boost::asio::post(disk_, [this, write = std::move(write), done = std::move(done)]() mutable {
    SpoolWritten written = file_.write(write, unix_seconds());
    boost::asio::post(
        loop_, [written = std::move(written), done = std::move(done)]() mutable { done(std::move(written)); });
  });
}

}  // namespace parallax
