// `parallax-controller explain ID`: why a check runs where it runs, and since when.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "controller/fleet.h"
#include "controller/ledger.h"
#include "definitions/definitions.h"

namespace parallax {

struct ExplainedPlace {
  std::string location;
  std::string probe;  // that has the check; empty: no probe of the location is connected
  std::string peer;
  WallTime connected{};  // since when
  std::string state;     // "up", ..., "no_data"
  std::string why;       // one sentence
  std::optional<WallTime> last_run;
  WallTime next_due{};
};

struct Explanation {
  std::string id;
  std::string type;
  std::string target;
  std::string file;  // "checks/shop-api.toml:14"
  std::string revision;
  WallTime since{};  // in force as it is
  bool enabled = true;
  Milliseconds every{};
  Milliseconds timeout{};
  std::vector<std::string> globs;      // as the definition has them
  std::vector<ExplainedPlace> places;  // where they lead to
};

// Nothing when no check has that id.
std::optional<Explanation> explain(std::string_view id, const Definitions& definitions, WallTime in_force_since,
                                   const Ledger& ledger, const std::vector<Fleet::Connected>& connected,
                                   WallTime now);

std::string to_table(const Explanation& explanation, WallTime now);
std::string to_json(const Explanation& explanation);

// `there is no check "shop-api/helth"; did you mean "shop-api/health"?`
std::string no_such_check(std::string_view id, const Definitions& definitions);

}  // namespace parallax
