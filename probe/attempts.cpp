#include "probe/attempts.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "probe/checks/checks.h"

namespace parallax {
namespace {

// One attempt. Being asked to stop passes through; any other exception would end the whole probe for one check.
Task<Outcome> attempt(const proto::Check& check, Tools& tools, Instant deadline) {
  Failure failure{proto::REASON_PROBE_FAULT, {}};
  try {
    co_return co_await run_check(check, tools, deadline);
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    failure.detail = fmt::format("the probe could not run the check: {}", error.what());
  }
  Outcome outcome;
  outcome.die(std::move(failure), tools.clock.now());
  co_return outcome;
}

}  // namespace

Task<FinishedRun> run_attempts(const proto::Check& check, Tools& tools) {
  const auto most = std::max(1u, check.attempts());
  FinishedRun run;
  do {
    ++run.attempts;
    run.started = tools.clock.wall();
    const Instant start = tools.clock.now();
    const Instant deadline = start + Milliseconds(check.timeout_ms());
    run.outcome = co_await attempt(check, tools, deadline);
    run.duration = tools.clock.now() - start;
  } while (run.outcome.state == proto::STATE_DOWN && run.attempts < most);
  co_return run;
}

}  // namespace parallax
