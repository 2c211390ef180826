#include "tests/unit/across/simulated_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace parallax {
namespace {

constexpr std::int64_t kBeginUs = 1769853600LL * 1'000'000;  // 2026-01-31T10:00:00Z

}  // namespace

Nanoseconds Dice::mostly_short(Nanoseconds least, Nanoseconds most) {
  const double doublings = std::log2(static_cast<double>(most.count()) / static_cast<double>(least.count()));
  return Nanoseconds(
      static_cast<std::int64_t>(static_cast<double>(least.count()) * std::exp2(doublings * share())));
}

Instant Host::now() const { return Instant(std::chrono::hours(1)) + time_.now(); }

WallTime Host::wall() const {
  return from_unix_us(kBeginUs) + std::chrono::floor<std::chrono::microseconds>(time_.now() + off_by_);
}

void Host::set_clock_by(Nanoseconds step) {
  off_by_ += step;
  clock_was_set_ = time_.now();
}

void Timetable::at(Nanoseconds moment, const Host* host, Act act) {
  put({std::max(moment, now_), next_order_++, host, host ? host->process() : 0, std::move(act)});
}

void Timetable::put(Event event) {
  heap_.push_back(std::move(event));
  std::push_heap(heap_.begin(), heap_.end(), is_later);
}

Timetable::Event Timetable::take() {
  std::pop_heap(heap_.begin(), heap_.end(), is_later);
  Event event = std::move(heap_.back());
  heap_.pop_back();
  return event;
}

void Timetable::step() {
  while (!heap_.empty()) {
    Event event = take();
    now_ = event.at;
    if (event.host && event.process != event.host->process()) continue;
    if (event.host && event.host->still_until() > now_) {  // it waits, in its order; somebody may end the wait
      event.at = std::min<Nanoseconds>(event.host->still_until(), now_ + std::chrono::seconds(1));
      put(std::move(event));
      continue;
    }
    return event.act();
  }
}

void Chronicle::note(const char* what, const std::string& who, std::int64_t first, std::int64_t second) {
  entries_[next_++ % entries_.size()] = {time_.now(), what, &who, first, second};
}

void Chronicle::broken(const std::string& promise) {
  if (broken_.empty()) broken_ = promise;
}

std::string Chronicle::last_events() const {
  std::string text;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry& entry = entries_[(next_ + i) % entries_.size()];
    if (entry.what)
      text += fmt::format("{:>14.6f} s  {:<12} {} {} {}\n", seconds(entry.at), *entry.who, entry.what, entry.first,
                          entry.second);
  }
  return text;
}

}  // namespace parallax
