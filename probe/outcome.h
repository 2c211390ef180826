// What a check says of its target: a state, a reason, the phase it died in, timed phases and facts.
//
// A target's failure is an Outcome. Our own failure is one too, with the state unknown: it is never the target's
// downtime.
#pragma once

#include <array>
#include <boost/container/static_vector.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "base/time.h"
#include "proto/result.pb.h"

namespace parallax {

// Why a step of a run failed. The reason alone decides whether the run is down or unknown.
struct Failure {
  proto::Reason reason = proto::REASON_UNSPECIFIED;
  std::string detail;  // one sentence for people
};

// What a step of a run gives.
template <class T>
using Step = std::expected<T, Failure>;

// unknown for our own trouble, down for the target's, up for ok.
proto::State state_of(proto::Reason reason);

// The phases of a run as they pass: disjoint, in the order entered, a phase entered again (a redirect) adds up.
class Phases {
 public:
  // Ends the phase under way, if any, and starts `phase`.
  void enter(proto::Phase phase, Instant now);
  // Ends the phase under way.
  void leave(Instant now);
  // For phases measured elsewhere (the kernel's).
  void add(proto::Phase phase, Nanoseconds duration);

  // The one under way or, after leave(), the last one.
  proto::Phase last() const { return last_; }
  std::optional<Nanoseconds> of(proto::Phase phase) const;
  using All = boost::container::static_vector<std::pair<proto::Phase, Nanoseconds>, proto::Phase_ARRAYSIZE>;
  All all() const;

 private:
  // Each at most once. Without memory of its own and small: the frames of a run's coroutines hold some of these.
  std::array<Nanoseconds, proto::Phase_ARRAYSIZE> durations_{};
  std::array<std::uint8_t, proto::Phase_ARRAYSIZE> entries_{};  // a proto::Phase each
  std::uint8_t size_ = 0;
  proto::Phase last_ = proto::PHASE_UNSPECIFIED;
  std::optional<Instant> entered_;
};

struct Outcome {
  proto::State state = proto::STATE_UNKNOWN;
  proto::Reason reason = proto::REASON_PROBE_FAULT;
  proto::Phase phase = proto::PHASE_UNSPECIFIED;  // where it died; unspecified when a rule failed or nothing did
  std::string detail;
  Phases phases;
  proto::Facts facts;

  // The run died in the phase under way.
  void die(Failure failure, Instant now);
  // A rule failed: state is down (expect) or degraded (warn); there is no phase.
  void fail_rule(Failure failure, proto::State worse);
  // Everything held.
  void succeed(std::string detail);
};

}  // namespace parallax
