#include "probe/attempts.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "probe/checks/checks.h"

namespace parallax {
namespace {

Outcome could_not_run(const boost::system::system_error& error, Instant now) {
  Outcome outcome;
  outcome.die({proto::REASON_PROBE_FAULT, fmt::format("the probe could not run the check: {}", error.what())},
              now);
  return outcome;
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
    try {
      run.outcome = co_await run_check(check, tools, deadline);
    } catch (const boost::system::system_error& error) {
      // Being asked to stop passes through; any other exception would end the whole probe for one check.
      if (error.code() == boost::asio::error::operation_aborted) throw;
      run.outcome = could_not_run(error, tools.clock.now());
    }
    run.duration = tools.clock.now() - start;
  } while (run.outcome.state == proto::STATE_DOWN && run.attempts < most);
  co_return run;
}

}  // namespace parallax
