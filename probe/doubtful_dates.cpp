#include "probe/doubtful_dates.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace parallax {
namespace {

constexpr std::chrono::minutes kClocksDiffer(1);  // and may both be right enough
constexpr std::chrono::hours kSoonDiffers(1);     // rules on how soon a certificate ends are about days

bool all_hold_at(const proto::TlsFacts& tls, double unix_time) {
  return std::ranges::all_of(tls.certificates(), [&](const proto::Certificate& certificate) {
    return certificate.not_before() <= unix_time && unix_time <= certificate.not_after();
  });
}

// Where the certificates are not known, any difference that is one is reason enough. Where all that were sent hold
// by our clock, it is the anchor that does not: its dates are not known here, and hardly lie within a small
// difference.
bool controller_would_differ(const proto::RunResult& result, Nanoseconds ahead) {
  const proto::TlsFacts& tls = result.facts().tls();
  const double our_time = static_cast<double>(result.started_us()) / 1e6;
  if (!all_hold_at(tls, our_time - std::chrono::duration<double>(ahead).count())) return false;
  const bool is_the_anchor = !tls.certificates().empty() && all_hold_at(tls, our_time);
  return !is_the_anchor || std::max(ahead, -ahead) > kSoonDiffers;
}

bool is_doubtful(const proto::RunResult& result, Nanoseconds ahead) {
  const Nanoseconds apart = std::max(ahead, -ahead);
  switch (result.reason()) {
    case proto::REASON_TLS_EXPIRED:
    case proto::REASON_TLS_NOT_YET_VALID:
      return apart > kClocksDiffer && controller_would_differ(result, ahead);
    case proto::REASON_EXPIRES_SOON:
      return apart > kSoonDiffers;
    default:
      return false;
  }
}

}  // namespace

void doubt_dates(proto::RunResult& result, std::optional<Nanoseconds> ahead) {
  if (!ahead || !is_doubtful(result, *ahead)) return;
  result.set_state(proto::STATE_UNKNOWN);
  result.set_reason(proto::REASON_PROBE_FAULT);
  result.set_detail(fmt::format("this host's clock is {} {} the controller's, so nobody knows whether: {}",
                                to_text(std::max(*ahead, -*ahead)),
                                *ahead > Nanoseconds(0) ? "ahead of" : "behind", result.detail()));
}

}  // namespace parallax
