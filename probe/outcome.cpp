#include "probe/outcome.h"

namespace parallax {

proto::State state_of(proto::Reason reason) {
  switch (reason) {
    case proto::REASON_OK:
      return proto::STATE_UP;
    case proto::REASON_UNSPECIFIED:
    case proto::REASON_BLOCKED_BY_POLICY:
    case proto::REASON_PROBE_FAULT:
    case proto::REASON_PROBE_ISOLATED:
    case proto::REASON_PROBE_OVERLOADED:
    case proto::REASON_UNSUPPORTED:
      return proto::STATE_UNKNOWN;
    default:
      return proto::STATE_DOWN;
  }
}

void Phases::enter(proto::Phase phase, Instant now) {
  leave(now);
  last_ = phase;
  entered_ = now;
  add(phase, Nanoseconds(0));  // listed from the moment it is entered, so that a phase cut short shows
}

void Phases::leave(Instant now) {
  if (!entered_) return;
  add(last_, now - *entered_);
  entered_.reset();
}

void Phases::add(proto::Phase phase, Nanoseconds duration) {
  std::size_t i = 0;
  while (i < size_ && entries_[i] != phase) ++i;
  if (i == size_) entries_[size_++] = static_cast<std::uint8_t>(phase);
  durations_[i] += duration;
  if (!entered_) last_ = phase;
}

std::optional<Nanoseconds> Phases::of(proto::Phase phase) const {
  for (std::size_t i = 0; i < size_; ++i)
    if (entries_[i] == phase) return durations_[i];
  return std::nullopt;
}

Phases::All Phases::all() const {
  All all;
  for (std::size_t i = 0; i < size_; ++i) all.emplace_back(static_cast<proto::Phase>(entries_[i]), durations_[i]);
  return all;
}

void Outcome::die(Failure failure, Instant now) {
  phases.leave(now);
  state = state_of(failure.reason);
  reason = failure.reason;
  phase = phases.last();
  detail = std::move(failure.detail);
}

void Outcome::fail_rule(Failure failure, proto::State worse) {
  state = worse;
  reason = failure.reason;
  phase = proto::PHASE_UNSPECIFIED;
  detail = std::move(failure.detail);
}

void Outcome::succeed(std::string words) {
  state = proto::STATE_UP;
  reason = proto::REASON_OK;
  phase = proto::PHASE_UNSPECIFIED;
  detail = std::move(words);
}

}  // namespace parallax
