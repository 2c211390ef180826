#include "probe/trouble_log.h"

#include "proto/names.h"

namespace parallax {
namespace {

// Trouble of the probe as a whole is told once for all checks; the rest is one check's own.
bool is_of_the_whole_probe(proto::Reason reason) {
  return reason == proto::REASON_PROBE_FAULT || reason == proto::REASON_PROBE_ISOLATED ||
         reason == proto::REASON_PROBE_OVERLOADED;
}

}  // namespace

void TroubleLog::note(const proto::RunResult& result) {
  const bool in_trouble = result.state() == proto::STATE_UNKNOWN;
  recover(result.check_id(), in_trouble ? result.reason() : proto::REASON_UNSPECIFIED);
  if (!in_trouble) return;
  auto& checks = troubled_[result.reason()];
  const bool is_first = checks.empty();
  const bool is_new = checks.insert(result.check_id()).second;
  if (!is_new || (!is_first && is_of_the_whole_probe(result.reason()))) return;
  log_.warn(
      "a check could not be measured",
      {{"check", result.check_id()}, {"reason", std::string(name(result.reason()))}, {"detail", result.detail()}});
}

void TroubleLog::forget(const std::string& check_id) { recover(check_id, proto::REASON_UNSPECIFIED); }

// The check is not in any trouble but this one.
void TroubleLog::recover(const std::string& check_id, proto::Reason but) {
  for (auto& [reason, checks] : troubled_) {
    if (reason == but || checks.erase(check_id) == 0) continue;
    if (is_of_the_whole_probe(reason) && !checks.empty()) continue;
    log_.info("measuring again", {{"check", check_id}, {"was", std::string(name(reason))}});
  }
}

}  // namespace parallax
