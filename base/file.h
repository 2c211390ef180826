// Reading a file whole.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/result.h"

namespace parallax {

// The content of a regular file of at most `most` bytes. The error says why not, without the file's name:
// "cannot be read: No such file or directory", "is larger than 1MiB".
Result<std::string> read_whole_file(const std::filesystem::path& file, std::size_t most);

}  // namespace parallax
