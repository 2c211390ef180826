// A link in simulated time: what tests of it share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "probe/link.h"
#include "probe/memory_spool.h"
#include "tests/unit/probe/batch_decoder.h"

namespace parallax {

using Seconds = std::chrono::seconds;

inline proto::RunResult run_of(std::int64_t slot, proto::State state = proto::STATE_UP) {
  proto::RunResult result;
  result.set_check_id("shop/health");
  result.set_definition(1);
  result.set_slot(slot);
  result.set_state(state);
  result.set_detail("200 OK");
  return result;
}

struct LinkTest : testing::Test {
  explicit LinkTest(std::size_t spool_bytes = 1 << 24) : spool("0123456789abcdef", spool_bytes) {}

  MemorySpool spool;
  double dice = 0.5;
  Link link{spool, Link::Settings{.controllers = 2,
                                  .hello = {},
                                  .random = [this] { return dice; },
                                  .figures = [] { return proto::Heartbeat(); }}};
  Moment now{Instant(Seconds(1000)), from_unix_us(1'790'000'000'000'000)};
  std::vector<proto::FromProbe> sent;
  std::vector<std::size_t> dialled;
  std::vector<LinkActions::Disconnected> disconnected;
  std::vector<proto::Assignment> assignments;
  int closes = 0;
  int odd = 0;

  void keep(LinkActions actions) {
    if (actions.close) ++closes;
    if (actions.disconnected) disconnected.push_back(*actions.disconnected);
    if (actions.dial) {
      dialled.push_back(*actions.dial);
      sent.clear();
    }
    for (auto& message : actions.send) sent.push_back(std::move(message));
    for (auto& assignment : actions.assignments) assignments.push_back(std::move(assignment));
    odd += static_cast<int>(actions.odd.size());
  }
  void pass(Nanoseconds time) {
    now.steady += time;
    now.wall += std::chrono::duration_cast<std::chrono::microseconds>(time);
  }
  void record(std::int64_t slot, bool changed = false, proto::State state = proto::STATE_UP) {
    spool.append(run_of(slot, state), now.steady);
    keep(link.recorded(changed, now));
  }
  void welcome(std::uint64_t applied, std::uint32_t window = 0) {
    proto::FromController message;
    message.mutable_welcome()->set_applied_sequence(applied);
    message.mutable_welcome()->set_window_bytes(window);
    keep(link.received(message, now));
  }
  void assign(bool whole = true, bool complete = true) {
    proto::FromController message;
    auto& assignment = *message.mutable_assignment();
    assignment.set_whole(whole);
    assignment.set_complete(complete);
    assignment.set_revision("r1");
    auto& check = *assignment.add_check();
    check.mutable_check()->set_id("shop/health");
    check.set_definition(1);
    check.set_number(1);
    keep(link.received(message, now));
  }
  void ack(std::uint64_t applied) {
    proto::FromController message;
    message.mutable_ack()->set_applied_sequence(applied);
    keep(link.received(message, now));
  }
  void heartbeat() {
    proto::FromController message;
    message.mutable_heartbeat();
    keep(link.received(message, now));
  }
  void dial() {
    if (link.wake() > now.steady) pass(link.wake() - now.steady);
    keep(link.tick(now));
  }
  void open(std::uint64_t applied = 0, std::uint32_t window = 0) {
    dial();
    welcome(applied, window);
    assign();
  }
  std::vector<proto::Batch> batches() const {
    std::vector<proto::Batch> found;
    for (const auto& message : sent)
      if (message.has_batch()) found.push_back(message.batch());
    return found;
  }
};

}  // namespace parallax
