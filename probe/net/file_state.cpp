#include "probe/net/file_state.h"

#include <sys/stat.h>

namespace parallax {

FileState file_state(const std::string& path) {
  struct stat s{};
  if (::stat(path.c_str(), &s) != 0) return {};
  return {s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec};
}

}  // namespace parallax
