// One file of a service: [service], [defaults] and its checks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"
#include "definitions/written_check.h"
#include "proto/definition.pb.h"

namespace parallax {

struct ServiceFile {
  std::string file;  // as problems name it
  proto::Service service;
  Place service_name;  // where its name is written
  std::vector<WrittenCheck> checks;
};

// Reads the content of one file; nothing when it is no TOML. What the file says for itself is checked here, what
// it says of other files is not.
std::optional<ServiceFile> read_service_file(const std::string& file, const std::string& content,
                                             const std::filesystem::path& folder, bool by_hand,
                                             Problems& problems);

}  // namespace parallax
