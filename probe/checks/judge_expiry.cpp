#include "probe/checks/judge_expiry.h"

#include <fmt/format.h>

#include "probe/net/tls_facts.h"

namespace parallax {

std::optional<Failure> judge_expiry(std::int64_t least_ms, const proto::TlsFacts& facts, WallTime now) {
  if (!facts.has_chain_expiry() && !facts.has_earliest_expiry())
    return Failure{proto::REASON_EXPIRES_SOON, "there is no certificate whose expiry could be looked at"};
  const double expiry = facts.has_chain_expiry() ? facts.chain_expiry() : facts.earliest_expiry();
  const Nanoseconds left = left_until(expiry, now);
  const Nanoseconds least = Milliseconds(least_ms);
  if (left >= least) return std::nullopt;
  const std::string& name = facts.certificates().empty() ? "" : facts.certificates(0).subject();
  if (left < Nanoseconds(0))
    return Failure{proto::REASON_EXPIRES_SOON,
                   fmt::format("the certificate ({}) expired {} ago, wanted at least {} left", name,
                               to_text(-left), to_text(least))};
  return Failure{proto::REASON_EXPIRES_SOON, fmt::format("the certificate ({}) expires in {}, wanted at least {}",
                                                         name, to_text(left), to_text(least))};
}

}  // namespace parallax
