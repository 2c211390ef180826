// probe.toml and controller.toml into their messages (proto/settings.proto).
#pragma once

#include <google/protobuf/message.h>

#include <filesystem>

#include "base/problem.h"

namespace parallax {

// Reads `file` into `settings`, with the strictness of definitions: every mistake becomes a problem with
// file:line:column. Every default is filled in. Keys whose names end in `_file`, `_dir` or `dirs` come out
// relative to the folder of `file`, those with a default too; absolute paths stay as they are.
// False when a problem is an error, an unreadable file among them; `settings` is then of no use.
bool read_settings(const std::filesystem::path& file, google::protobuf::Message& settings, Problems& problems);

}  // namespace parallax
