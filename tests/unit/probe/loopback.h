// What the tests of checks share: a loop, a real resolver that asks nobody, a guard, and running one task.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <optional>
#include <utility>

#include "base/task.h"
#include "base/time.h"

namespace parallax {

inline Instant in_ms(int ms) { return std::chrono::steady_clock::now() + Milliseconds(ms); }

template <class T>
Task<> keep(Task<T> task, std::optional<T>& to) {
  to = co_await std::move(task);
}

// Runs `task` on `loop` until it has ended; fails the test when it does not end within 20 s.
template <class T>
T run_task(Loop& loop, Task<T> task) {
  std::optional<T> result;
  {
    TaskGroup group(loop);
    group.spawn("test", keep(std::move(task), result));
    const Instant end = in_ms(20000);
    while (!result && std::chrono::steady_clock::now() < end) {
      loop.restart();
      loop.run_one_for(Milliseconds(100));
    }
  }
  if (!result) {
    ADD_FAILURE() << "the task did not end";
    std::abort();
  }
  return std::move(*result);
}

}  // namespace parallax
