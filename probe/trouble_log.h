// Tells the person on call when the probe cannot measure, and when it can again: one line a change, not one a run.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/log.h"
#include "proto/result.pb.h"

namespace parallax {

// Owned by main; `log` outlives it.
class TroubleLog {
 public:
  explicit TroubleLog(Log& log) : log_(log) {}

  void note(const proto::RunResult& result);
  // The check does not run here any more.
  void forget(const std::string& check_id);

 private:
  void recover(const std::string& check_id, proto::Reason but);

  Log& log_;
  std::map<proto::Reason, std::set<std::string>> troubled_;  // checks by the reason they cannot be measured for
};

}  // namespace parallax
