// `parallax-probe run`: checks run here and now, without a controller, for the person who asks.
#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

namespace parallax {

struct ByHand {
  enum class Output { table, json, jsonl };

  std::string what;                  // a file or directory of definitions, or a URL
  std::optional<std::string> check;  // only the check with this id
  Output output = Output::table;
  unsigned repeat = 1;                          // rounds, a second apart
  std::optional<std::filesystem::path> config;  // a probe.toml whose guard and secret limits apply
};

// Runs the checks that are not disabled, 16 at once, and shows each in the order of the files as soon as all
// before it are shown: results on `out`, problems on `err`. Returns the exit status: 0 all up or degraded, 1
// something is down, else 3 something is unknown; 2 bad usage (a missing file, an unknown check or scheme), 4
// invalid definitions.
int run_by_hand(const ByHand& request, std::FILE* out = stdout, std::FILE* err = stderr);

}  // namespace parallax
