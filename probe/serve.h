// `parallax-probe serve`: measure and report until told to stop.
#pragma once

#include <filesystem>

#include "base/log.h"
#include "base/time.h"

namespace parallax {

// Returns the exit status: 0 after SIGTERM or SIGINT, 4 for an invalid configuration.
int serve(const std::filesystem::path& config, Log& log, const Clock& clock);

}  // namespace parallax
