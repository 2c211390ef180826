#include "probe/runner.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "probe/bounded_result.h"

namespace parallax {

Runner::Runner(RunnerTools& tools, proto::AssignedCheck assigned, Schedule schedule)
    : tools_(tools),
      assigned_(std::make_shared<const proto::AssignedCheck>(std::move(assigned))),
      schedule_(std::move(schedule)),
      wake_(tools.loop),
      tasks_(tools.loop) {}

bool Runner::runnable(const proto::AssignedCheck& assigned) {
  return assigned.check().every_ms() > 0 && assigned.location_index() < assigned.location_count();
}

SlotGrid Runner::grid_of(const proto::AssignedCheck& assigned) {
  return SlotGrid(assigned.check().id(), Milliseconds(assigned.check().every_ms()), assigned.location_index(),
                  assigned.location_count());
}

void Runner::start() { tasks_.spawn("check " + assigned_->check().id(), live(shared_from_this())); }

void Runner::stop() { tasks_.stop(); }

void Runner::finish() {
  finishing_ = true;
  if (!in_run_) stop();
}

void Runner::change(proto::AssignedCheck assigned) {
  if (assigned.location_index() != assigned_->location_index() ||
      assigned.location_count() != assigned_->location_count())
    schedule_.change_grid(grid_of(assigned), tools_.clock.wall());
  if (assigned.definition() != assigned_->definition()) last_state_.reset();
  assigned_ = std::make_shared<const proto::AssignedCheck>(std::move(assigned));
  wake_.notify();
}

Task<> Runner::live(std::shared_ptr<Runner> self) {
  auto since = Schedule::Since::waiting;
  while (!self->finishing_) {
    const bool is_first_look = !self->schedule_.first();
    Schedule::Next next = self->schedule_.next(self->tools_.clock.wall(), since);
    if (is_first_look) self->tools_.began(*self->assigned_, *self->schedule_.first());
    if (!next.missed.empty()) {
      self->declare(next.cause, std::move(next.missed), *self->assigned_);
    }
    since = next.run ? Schedule::Since::running : Schedule::Since::waiting;
    if (next.run) {
      co_await self->run_slot(std::move(next));
      continue;
    }
    const Instant look_again = self->tools_.clock.now() + next.wait;
    co_await self->wake_.wait_until(look_again);
  }
}

Task<> Runner::run_slot(Schedule::Next next) {
  const auto assigned = assigned_;  // stays what it is, whatever comes meanwhile
  const Instant asked = tools_.clock.now();
  auto place = tools_.places.take_now();
  if (!place) place = co_await tools_.places.take(asked + next.patience);
  if (!place) {
    declare(proto::Gap::OVERLOAD, std::vector<std::int64_t>(1, *next.run), *assigned);
    co_return;
  }
  const Instant start = tools_.clock.now();
  const Nanoseconds lateness = tools_.clock.wall() - next.due;
  tools_.lag.add(next.lag + (start - asked));
  in_run_ = true;
  FinishedRun run = co_await tools_.run(assigned->check());
  in_run_ = false;
  mark_overload(run, assigned->check(), tools_.watch.worst(start, tools_.clock.now()));
  report(run, *assigned, *next.run, lateness);
}

void Runner::declare(proto::Gap::Cause cause, std::vector<std::int64_t> slots,
                     const proto::AssignedCheck& assigned) {
  MissedSlots missed{assigned.check().id(), cause, std::move(slots)};
  missed.every_ms = assigned.check().every_ms();
  tools_.declare(std::move(missed));
}

// The result lives in a piece of the stack and borrows the run's facts: it becomes bytes at once, and memory for
// each of its parts would cost more than they do.
void Runner::report(FinishedRun& run, const proto::AssignedCheck& assigned, std::int64_t slot,
                    Nanoseconds lateness) {
  alignas(std::max_align_t) std::array<char, 1024> piece;
  google::protobuf::Arena arena(piece.data(), piece.size());
  auto& result = *google::protobuf::Arena::CreateMessage<proto::RunResult>(&arena);
  tell_run(assigned.check(), run, result);
  result.unsafe_arena_set_allocated_facts(&run.outcome.facts);
  result.set_definition(assigned.definition());
  result.set_every_ms(assigned.check().every_ms());
  result.set_slot(slot);
  result.set_lateness_us(std::max<std::int64_t>(lateness / std::chrono::microseconds(1), 0));
  bound(result);
  const bool is_current = assigned.definition() == assigned_->definition();
  const bool changed = is_current && last_state_ != result.state();
  if (is_current) last_state_ = result.state();
  tools_.record(result, changed);
}

}  // namespace parallax
