#include "probe/checks/ping_judge.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <iterator>

namespace parallax {
namespace {

Nanoseconds from_seconds(double s) { return Nanoseconds(static_cast<std::int64_t>(s * 1e9)); }

std::string share(double ratio) { return fmt::format("{:.3g} %", ratio * 100); }

std::string counts(const proto::PingFacts& facts) {
  auto text = fmt::format(FMT_COMPILE("{} of {} replies"), facts.received(), facts.sent());
  if (facts.late() > 0) text += fmt::format(", {} came too late", facts.late());
  return text;
}

std::optional<Failure> loss_rule(const proto::PingExpect& rules, const proto::PingFacts& facts) {
  if (!rules.has_max_loss() || facts.loss() <= rules.max_loss()) return std::nullopt;
  return Failure{proto::REASON_PACKET_LOSS, fmt::format("{} ({} lost, at most {} allowed)", counts(facts),
                                                        share(facts.loss()), share(rules.max_loss()))};
}

// `what` took longer than `most_ms` (0: no such rule).
std::optional<Failure> time_rule(const char* what, double took, std::int64_t most_ms) {
  if (most_ms == 0 || took * 1e3 <= static_cast<double>(most_ms)) return std::nullopt;
  return Failure{proto::REASON_TOO_SLOW, fmt::format("{} is {}, at most {} allowed", what,
                                                     to_text(from_seconds(took)), to_text(Milliseconds(most_ms)))};
}

bool has_rule(const proto::PingExpect& rules) {
  return rules.has_max_loss() || rules.max_rtt_ms() != 0 || rules.max_jitter_ms() != 0 ||
         rules.has_max_duplicates();
}

std::string success_text(const proto::PingFacts& facts) {
  if (facts.received() == 0) return counts(facts);
  const std::string mean = to_text(from_seconds(facts.mean()));
  if (facts.late() > 0) return counts(facts) + ", mean round trip " + mean;
  // Nearly every ping says this: it is written at once, without its parts.
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), FMT_COMPILE("{} of {} replies, mean round trip {}"), facts.received(),
                 facts.sent(), mean);
  return fmt::to_string(text);
}

}  // namespace

std::optional<Failure> broken_rule(const proto::PingExpect& rules, const proto::PingFacts& facts) {
  if (auto failure = loss_rule(rules, facts)) return failure;
  const bool times_asked = rules.max_rtt_ms() != 0 || rules.max_jitter_ms() != 0;
  if (times_asked && facts.received() == 0)
    return Failure{proto::REASON_PACKET_LOSS, counts(facts) + ": there is no round trip to judge"};
  if (auto failure = time_rule("mean round trip", facts.mean(), rules.max_rtt_ms())) return failure;
  if (auto failure = time_rule("jitter", facts.jitter(), rules.max_jitter_ms())) return failure;
  if (rules.has_max_duplicates() && facts.duplicates() > rules.max_duplicates())
    return Failure{proto::REASON_PACKET_LOSS, fmt::format("{} duplicate replies, at most {} allowed",
                                                          facts.duplicates(), rules.max_duplicates())};
  return std::nullopt;
}

void judge_ping(const proto::PingCheck& check, const proto::PingFacts& facts, Outcome& outcome) {
  if (!has_rule(check.expect()) && facts.received() == 0) {
    Failure failure{proto::REASON_PACKET_LOSS, counts(facts) + ", wanted at least one"};
    return outcome.fail_rule(std::move(failure), proto::STATE_DOWN);
  }
  if (auto failure = broken_rule(check.expect(), facts))
    return outcome.fail_rule(std::move(*failure), proto::STATE_DOWN);
  if (auto failure = broken_rule(check.warn(), facts))
    return outcome.fail_rule(std::move(*failure), proto::STATE_DEGRADED);
  outcome.succeed(success_text(facts));
}

}  // namespace parallax
