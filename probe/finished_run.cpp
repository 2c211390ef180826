#include "probe/finished_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace parallax {
namespace {

bool depends_on_our_speed(const FinishedRun& run, Milliseconds timeout) {
  switch (run.outcome.reason) {
    case proto::REASON_TOO_SLOW:
    case proto::REASON_RESOLVE_TIMEOUT:
    case proto::REASON_CONNECT_TIMEOUT:
    case proto::REASON_TLS_TIMEOUT:
    case proto::REASON_SEND_TIMEOUT:
    case proto::REASON_RESPONSE_TIMEOUT:
      return true;
    // Replies and a proxy are waited for: our lateness counts where the deadline cut that wait short.
    case proto::REASON_PACKET_LOSS:
    case proto::REASON_PROXY:
      return run.duration >= timeout;
    default:
      return false;
  }
}

}  // namespace

void mark_overload(FinishedRun& run, const proto::Check& check, Nanoseconds loop_lag) {
  const Milliseconds timeout(check.timeout_ms());
  const Nanoseconds bearable = std::min<Nanoseconds>(Milliseconds(100), timeout / 10);
  if (loop_lag <= bearable || !depends_on_our_speed(run, timeout)) return;
  run.outcome.state = proto::STATE_UNKNOWN;
  run.outcome.reason = proto::REASON_PROBE_OVERLOADED;
  run.outcome.detail = fmt::format("the probe itself was {} late, so this may be its own doing: {}",
                                   to_text(loop_lag), run.outcome.detail);
}

void tell_run(const proto::Check& check, FinishedRun& run, proto::RunResult& result) {
  result.set_check_id(check.id());
  result.set_started_us(unix_us(run.started));
  result.set_duration_ns(run.duration.count());
  result.set_state(run.outcome.state);
  result.set_reason(run.outcome.reason);
  result.set_phase(run.outcome.phase);
  result.set_attempts(run.attempts);
  result.set_detail(std::move(run.outcome.detail));
  for (const auto& [phase, duration] : run.outcome.phases.all()) {
    auto* time = result.add_phases();
    time->set_phase(phase);
    time->set_nanoseconds(duration.count());
  }
}

proto::RunResult to_result(const proto::Check& check, FinishedRun run) {
  proto::RunResult result;
  tell_run(check, run, result);
  *result.mutable_facts() = std::move(run.outcome.facts);
  return result;
}

}  // namespace parallax
