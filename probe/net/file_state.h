// Whether a file is another than it was when we read it.
#pragma once

#include <cstdint>
#include <string>

namespace parallax {

// Differs whenever somebody has written or replaced the file; all of it 0 when there is none.
struct FileState {
  std::uint64_t device = 0, inode = 0;
  std::int64_t size = 0, seconds = 0, nanoseconds = 0;

  bool exists() const { return inode != 0; }
  bool operator==(const FileState&) const = default;
};

// One system call.
FileState file_state(const std::string& path);

}  // namespace parallax
