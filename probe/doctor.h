// `parallax-probe doctor`: what this host can do for a probe, and how to mend what it cannot.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>

namespace parallax {

struct Doctor {
  std::optional<std::filesystem::path> config;  // without it the usual probe.toml, where there is one
  bool json = false;
};

// Looks at everything, then shows it on `out`. Returns the exit status: 0 all well, or warnings only; 1 something
// is missing that a probe needs; 4 the settings are invalid (the host is looked at all the same).
int examine(const Doctor& request, const std::filesystem::path& usual_config, std::FILE* out = stdout);

}  // namespace parallax
