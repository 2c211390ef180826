// Coroutines on the one loop thread of a program.
//
// g++ 12 destroys some temporaries twice in a full expression with co_await: no braces and no capturing
// lambda in such a statement, name the value on the line above (tests/lint/coroutines finds offenders).
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/time.h"

namespace parallax {

using Loop = boost::asio::io_context;

template <class T = void>
using Task = boost::asio::awaitable<T>;

// Runs coroutines and knows which of them still run, so that an owner can stop and outlive them.
// Everything a task refers to must outlive the group, or stop() and drain() must come first.
// An exception that leaves a task is a bug: it is written to stderr with the task's name and aborts.
class TaskGroup {
 public:
  explicit TaskGroup(Loop& loop);
  ~TaskGroup();  // cancels what still runs; the frames are destroyed by the loop or with it
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Starts `task` on the loop, never before this call has returned.
  void spawn(std::string name, Task<> task);

  // Asks every task to end: its pending wait returns with operation_aborted.
  void stop();

  // Returns when no task runs any more.
  Task<> drained();

  std::size_t running() const;

 private:
  struct Members;
  std::shared_ptr<Members> members_;
};

// Waits until `moment`; false when the task was asked to stop first.
Task<bool> sleep_until(Instant moment);

// Lets everything that waits for the loop have its turn: between two parts of work that is long as a whole.
Task<> give_way();

// A moment something else can bring forward: a wait that ends at a deadline or at notify(), whichever is first.
// Lives on the loop thread; waiters must be gone before it is destroyed.
class Signal {
 public:
  explicit Signal(Loop& loop) : timer_(loop, Instant::max()) {}
  void notify() { timer_.cancel(); }
  // Returns when notified or timed out; look at the state that notify() announces. To be awaited at once. Each run
  // of a check waits some times: this is no coroutine, whose frame and start would cost more than the wait.
  auto wait_until(Instant deadline) {
    timer_.expires_at(deadline);
    return timer_.async_wait(boost::asio::as_tuple(boost::asio::deferred));
  }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace parallax
