// A probe's end of the protocol for tests, without a network: a clock that is set by hand, a stream that
// remembers, messages as a probe would make them.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/log.h"
#include "controller/fleet.h"
#include "tests/unit/controller/shop.h"

namespace parallax {

class HandClock final : public Clock {
 public:
  Instant now() const override { return Instant(std::chrono::hours(1)) + passed_; }
  WallTime wall() const override {
    return kStart + std::chrono::duration_cast<std::chrono::microseconds>(passed_);
  }
  void pass(Nanoseconds d) { passed_ += d; }

 private:
  Nanoseconds passed_{0};
};

class RememberingStream final : public SessionStream {
 public:
  void send(Outgoing message) override { sent.push_back(*message); }
  void close(const std::string& why) override { closed = why; }

  std::uint64_t acknowledged() const {
    std::uint64_t sequence = 0;
    for (const auto& message : sent)
      if (message.has_ack()) sequence = message.ack().applied_sequence();
    return sequence;
  }
  const proto::Welcome& welcome() const { return sent.at(0).welcome(); }
  // The newest whole assignment.
  const proto::Assignment& assignment() const {
    const proto::Assignment* newest = nullptr;
    for (const auto& message : sent)
      if (message.has_assignment()) newest = &message.assignment();
    return *newest;
  }
  std::vector<proto::Reject> rejects() const {
    std::vector<proto::Reject> all;
    for (const auto& message : sent)
      if (message.has_reject()) all.push_back(message.reject());
    return all;
  }

  std::vector<proto::FromController> sent;
  std::string closed;
};

inline proto::FromProbe hello(char spool, std::uint64_t first, std::uint64_t next) {
  proto::FromProbe message;
  message.mutable_hello()->set_version("test");
  message.mutable_hello()->set_spool_id(std::string(16, spool));
  message.mutable_hello()->set_first_sequence(first);
  message.mutable_hello()->set_next_sequence(next);
  message.mutable_hello()->set_clock_us(unix_us(kStart));
  return message;
}

// Adds a row for one run; `number` as the assignment gave it.
inline void add_row(proto::Batch& batch, std::uint32_t number, const proto::RunResult& run) {
  std::int64_t slot = 0;
  std::int64_t started = 0;
  for (int i = 0; i < batch.slot_size(); ++i) {
    slot += batch.slot(i);
    started += batch.started_us(i);
  }
  batch.add_check_number(number);
  batch.add_slot(run.slot() - slot);
  batch.add_started_us(run.started_us() - started);
  batch.add_duration_ns(static_cast<std::uint64_t>(run.duration_ns()));
  batch.add_lateness_us(0);
  batch.add_state(run.state());
  batch.add_reason(run.reason());
  batch.add_phase(run.phase());
  batch.add_attempts(run.attempts());
  batch.add_phase_count(0);
}

}  // namespace parallax
