// probe.toml, read and checked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/problem.h"
#include "base/result.h"
#include "proto/settings.pb.h"

namespace parallax {

// A controller as it is written: "controller.example:7443", "192.0.2.7:7443", "[2001:db8::7]:7443".
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(const std::string& text);

// Reads the file with every default filled in; nothing when a problem is an error.
std::optional<proto::ProbeSettings> read_probe_settings(const std::filesystem::path& file, Problems& problems);

}  // namespace parallax
