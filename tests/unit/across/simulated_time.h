// Time, chance and memory of a simulated world: moments are numbers, nothing sleeps, and all that happens follows
// from one seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"

namespace parallax {

// The one source of chance in a world: the same seed gives the same world.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  bool one_in(std::uint64_t times) { return below(times) == 0; }
  double share() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }
  Nanoseconds between(Nanoseconds least, Nanoseconds most) {
    return least + Nanoseconds(static_cast<std::int64_t>(share() * static_cast<double>((most - least).count())));
  }
  // Mostly short, seldom long: half of what comes is within `twice_as_much` of `least` on a scale of doublings.
  Nanoseconds mostly_short(Nanoseconds least, Nanoseconds most);
  template <class Things>
  auto& one_of(Things& things) {
    return things[below(things.size())];
  }

 private:
  std::mt19937_64 random_;
};

class Timetable;

// A machine with a process on it: its clocks, whether it stands still, and which of its processes lives.
class Host final : public Clock {
 public:
  explicit Host(const Timetable& time) : time_(time) {}

  Instant now() const override;
  WallTime wall() const override;

  // Somebody sets the wall clock.
  void set_clock_by(Nanoseconds step);
  Nanoseconds clock_is_off_by() const { return off_by_; }
  // Whether it was set since `moment`.
  bool clock_was_set_since(Nanoseconds moment) const { return clock_was_set_ >= moment; }
  // SIGSTOP: nothing happens on it until then.
  void stand_still_until(Nanoseconds moment) { still_until_ = moment; }
  Nanoseconds still_until() const { return still_until_; }
  // The process is gone: nothing that was planned for it happens any more.
  void end_process() { ++process_; }
  unsigned process() const { return process_; }

 private:
  const Timetable& time_;
  Nanoseconds off_by_{0};
  Nanoseconds clock_was_set_{-1};
  Nanoseconds still_until_{0};
  unsigned process_ = 0;
};

// What is to happen, in order of its moments. Hosts outlive it.
class Timetable {
 public:
  using Act = std::move_only_function<void()>;

  Nanoseconds now() const { return now_; }
  // `host` is whose process does it; null for the world itself.
  void at(Nanoseconds moment, const Host* host, Act act);
  void after(Nanoseconds wait, const Host* host, Act act) { at(now_ + wait, host, std::move(act)); }
  // Lets the next thing happen.
  void step();

 private:
  struct Event {
    Nanoseconds at;
    std::uint64_t order;
    const Host* host;
    unsigned process;
    Act act;
  };
  static bool is_later(const Event& a, const Event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  void put(Event event);
  Event take();

  Nanoseconds now_{0};
  std::uint64_t next_order_ = 0;
  std::vector<Event> heap_;
};

// What happened last, and the first promise that was broken.
class Chronicle {
 public:
  explicit Chronicle(const Timetable& time) : time_(time) {}

  // `what` and `who` outlive the chronicle.
  void note(const char* what, const std::string& who, std::int64_t first = 0, std::int64_t second = 0);
  void broken(const std::string& promise);
  bool is_broken() const { return !broken_.empty(); }
  const std::string& what_broke() const { return broken_; }
  // The last events, one a line, oldest first.
  std::string last_events() const;

 private:
  struct Entry {
    Nanoseconds at{0};
    const char* what = nullptr;
    const std::string* who = nullptr;
    std::int64_t first = 0;
    std::int64_t second = 0;
  };
  const Timetable& time_;
  std::array<Entry, 60> entries_{};
  std::size_t next_ = 0;
  std::string broken_;
};

struct World {
  explicit World(std::uint64_t seed) : dice(seed), chronicle(time) {}
  Dice dice;
  Timetable time;
  Chronicle chronicle;
};

}  // namespace parallax
