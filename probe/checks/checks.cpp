#include "probe/checks/checks.h"

namespace parallax {

namespace {

Task<Outcome> unsupported(Tools& tools) {
  Outcome outcome;
  Failure failure{proto::REASON_UNSUPPORTED, "this probe does not know the type of this check; update the probe"};
  outcome.die(std::move(failure), tools.clock.now());
  co_return outcome;
}

}  // namespace

// Starts the type's own coroutine and is none itself: every run comes through here.
Task<Outcome> run_check(const proto::Check& check, Tools& tools, Instant deadline) {
  if (check.addresses() == "each" && check.type_case() != proto::Check::TYPE_NOT_SET)
    return each_address(check, tools, deadline);
  // The registry of types: under -Werror the build fails until a new one has its case.
  switch (check.type_case()) {
    case proto::Check::kHttp:
      return http(check, tools, deadline);
    case proto::Check::kTls:
      return tls(check, tools, deadline);
    case proto::Check::kPing:
      return ping(check, tools, deadline);
    case proto::Check::TYPE_NOT_SET:
      break;
  }
  return unsupported(tools);
}

}  // namespace parallax
