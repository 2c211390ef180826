// A file that is replaced as a whole and never read half: what a program keeps for its next start.
//
// The file is the SHA-256 of what follows in 64 hex digits, then the content. A protobuf message that was cut off
// between two of its fields still parses: without the digest such a file would say less, and nobody would see it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parallax {

// Written beside `file`, synced and renamed: a reader, or the next start after a crash, finds the old content or
// the new one. Only its owner may read it.
Result<void> write_kept_file(const std::filesystem::path& file, std::string_view content);

// Nothing when there is no such file; the error says why one that is there is of no use.
Result<std::optional<std::string>> read_kept_file(const std::filesystem::path& file, std::size_t most);

}  // namespace parallax
