// What a process costs its host, as the kernel tells it.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace parallax {

struct ProcessFigures {
  double cpu_seconds = 0;  // user and system
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint32_t open_fds = 0;     // the one that counted them is not among them
  std::uint64_t max_fds = 0;      // the soft limit
  double start_time_seconds = 0;  // Unix time, by the host's idea of its boot
};

// Of this process. Cheap enough for every scrape and heartbeat. Fails where /proc is not mounted.
Result<ProcessFigures> read_process_figures(const std::string& proc = "/proc");

}  // namespace parallax
