// The check types. Each is a function in a file of its own: it reads resolve, connect, handshake, request, judge,
// ends by `deadline` (steady; at most 250 ms after it), and keeps nothing for the next run.
#pragma once

#include <optional>

#include "base/task.h"
#include "probe/net/target.h"
#include "probe/outcome.h"
#include "probe/tools.h"
#include "proto/definition.pb.h"

namespace parallax {

// Runs one attempt of `check`, whatever its type. Requires: check has passed load_definitions() or
// check_from_url(). A type this program does not know is `unsupported`. `check` and `tools` outlive the task.
Task<Outcome> run_check(const proto::Check& check, Tools& tools, Instant deadline);

// The types. `pinned`: the address to take for the check's host, where each is checked by itself.
Task<Outcome> http(const proto::Check& check, Tools& tools, Instant deadline,
                   std::optional<Route::Pinned> pinned = {});
Task<Outcome> tls(const proto::Check& check, Tools& tools, Instant deadline,
                  std::optional<Route::Pinned> pinned = {});
Task<Outcome> ping(const proto::Check& check, Tools& tools, Instant deadline,
                   std::optional<Route::Pinned> pinned = {});

// One attempt of a check with `addresses = "each"`: every address of its host at once, judged by the worst.
Task<Outcome> each_address(const proto::Check& check, Tools& tools, Instant deadline);

}  // namespace parallax
