#include "base/task.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <cstdlib>
#include <list>

namespace asio = boost::asio;

namespace parallax {

struct TaskGroup::Members {
  struct Member {
    std::uint64_t number = 0;
    std::string name;
    asio::cancellation_signal cancel;
  };
  explicit Members(Loop& l) : loop(l), changed(l, Instant::max()) {}

  Loop& loop;
  std::list<Member> running;
  std::uint64_t started = 0;
  asio::steady_timer changed;
};

TaskGroup::TaskGroup(Loop& loop) : members_(std::make_shared<Members>(loop)) {}

TaskGroup::~TaskGroup() { stop(); }

void TaskGroup::spawn(std::string name, Task<> task) {
  auto members = members_;
  const auto member = members->running.emplace(members->running.end());
  member->number = ++members->started;
  member->name = std::move(name);
  const auto done = [members, member](std::exception_ptr thrown) {
    const bool stopped = [&] {
      try {
        if (thrown) std::rethrow_exception(thrown);
      } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
      } catch (...) {
      }
      return false;
    }();
    if (thrown && !stopped) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "bug: task \"%s\" ended with an exception: %s\n", member->name.c_str(), error.what());
      } catch (...) {
        std::fprintf(stderr, "bug: task \"%s\" ended with an exception\n", member->name.c_str());
      }
      std::abort();
    }
    // Asio looks at the signal once more when this returns: it goes with the loop's next turn.
    auto ended = std::make_shared<std::list<Members::Member>>();
    ended->splice(ended->end(), members->running, member);
    asio::post(members->loop, [ended] {});
    members->changed.cancel();
  };
  asio::co_spawn(members->loop, std::move(task), asio::bind_cancellation_slot(member->cancel.slot(), done));
}

void TaskGroup::stop() {
  // A cancelled task may start or end others at once: told by number and one a turn of the loop, so that the list
  // is not walked while it changes.
  for (const auto& member : members_->running) {
    asio::post(members_->loop, [members = members_, number = member.number] {
      for (auto& still : members->running)
        if (still.number == number) return still.cancel.emit(asio::cancellation_type::terminal);
    });
  }
}

Task<> TaskGroup::drained() {
  auto members = members_;
  boost::system::error_code error;
  while (!members->running.empty())
    co_await members->changed.async_wait(asio::redirect_error(asio::use_awaitable, error));
}

std::size_t TaskGroup::running() const { return members_->running.size(); }

Task<bool> sleep_until(Instant moment) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, moment);
  boost::system::error_code error;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

Task<> give_way() {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::post(executor, asio::use_awaitable);
}

}  // namespace parallax
