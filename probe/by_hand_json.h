// A result as JSON, for programs.
#pragma once

#include <string>

#include "proto/definition.pb.h"
#include "proto/result.pb.h"

namespace parallax {

// One object, without a newline: the check, what came of it, the phases it entered and its facts, by reflection (a
// new fact needs no line here). `location` and `slot` are null by hand; `service` and `check` are null where the
// check has none. A fact that could not be taken is null where its field says so, else absent; never 0.
// Well-formed whatever bytes a target sent.
std::string to_json(const proto::Check& check, const proto::RunResult& result);

}  // namespace parallax
