#include "probe/checks/checks.h"

namespace parallax {

Task<Outcome> run_check(const proto::Check& check, Tools& tools, Instant deadline) {
  if (check.addresses() == "each" && check.type_case() != proto::Check::TYPE_NOT_SET)
    co_return co_await each_address(check, tools, deadline);
  // The registry of types: under -Werror the build fails until a new one has its case.
  switch (check.type_case()) {
    case proto::Check::kHttp:
      co_return co_await http(check, tools, deadline);
    case proto::Check::kTls:
      co_return co_await tls(check, tools, deadline);
    case proto::Check::kPing:
      co_return co_await ping(check, tools, deadline);
    case proto::Check::TYPE_NOT_SET:
      break;
  }
  Outcome outcome;
  Failure failure{proto::REASON_UNSUPPORTED, "this probe does not know the type of this check; update the probe"};
  outcome.die(std::move(failure), tools.clock.now());
  co_return outcome;
}

}  // namespace parallax
