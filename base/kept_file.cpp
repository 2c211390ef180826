#include "base/kept_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "base/file.h"

namespace parallax {
namespace {

constexpr std::size_t kDigestDigits = 64;

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t more = ::write(descriptor, bytes.data(), bytes.size());
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(more));
  }
  return true;
}

// Writes and syncs a file that only its owner may read.
bool write_file(const std::filesystem::path& file, std::string_view content) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  const bool synced =
      write_all(descriptor, sha256_hex(content)) && write_all(descriptor, content) && ::fsync(descriptor) == 0;
  const int cause = errno;
  ::close(descriptor);
  errno = cause;
  return synced;
}

// After a power cut the directory may still have the old name unless it was synced, too.
bool sync_directory(const std::filesystem::path& directory) {
  const int descriptor = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  const int cause = errno;
  ::close(descriptor);
  errno = cause;
  return synced;
}

}  // namespace

Result<void> write_kept_file(const std::filesystem::path& file, std::string_view content) {
  const std::filesystem::path fresh = file.string() + ".new";
  if (write_file(fresh, content) && ::rename(fresh.c_str(), file.c_str()) == 0 &&
      sync_directory(file.parent_path()))
    return {};
  const int cause = errno;
  ::unlink(fresh.c_str());  // half a file helps nobody on a disk that is full
  return failure(fmt::format("cannot write {}: {}; look at the directory and the space on its disk", file.string(),
                             std::strerror(cause)));
}

Result<std::optional<std::string>> read_kept_file(const std::filesystem::path& file, std::size_t most) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::nullopt;
  auto bytes = read_whole_file(file, most);
  if (!bytes) return failure(fmt::format("{} {}", file.string(), bytes.error().what));
  const std::string_view whole(*bytes);
  const std::string_view content = whole.substr(std::min(whole.size(), kDigestDigits));
  if (whole.substr(0, kDigestDigits) != sha256_hex(content))
    return failure(fmt::format("{} is damaged", file.string()));
  bytes->erase(0, kDigestDigits);
  return std::optional(std::move(*bytes));
}

}  // namespace parallax
