#include "controller/kept_definitions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/digest.h"
#include "base/file.h"
#include "proto/kept.pb.h"

namespace parallax {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

// The file is the SHA-256 of what follows in 64 hex digits, then a proto::KeptDefinitions. A message that was cut
// off between two of its fields still parses: without the digest such a file would be a smaller set of checks.
constexpr std::size_t kDigestDigits = 64;

// Writes and syncs a file that only its owner may read.
bool write_file(const std::filesystem::path& file, const std::string& bytes) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t more = ::write(descriptor, bytes.data() + written, bytes.size() - written);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) break;
    written += static_cast<std::size_t>(more);
  }
  const bool synced = written == bytes.size() && ::fsync(descriptor) == 0;
  const int cause = errno;
  ::close(descriptor);
  errno = cause;
  return synced;
}

}  // namespace

KeptDefinitions::KeptDefinitions(const std::filesystem::path& state_dir) : file_(state_dir / "definitions.kept") {}

Result<void> KeptDefinitions::keep(const Definitions& definitions, WallTime accepted) const {
  proto::KeptDefinitions kept;
  kept.set_revision(definitions.revision);
  kept.set_accepted_us(unix_us(accepted));
  for (const auto& location : definitions.locations) *kept.add_location() = location;
  for (const auto& service : definitions.services) *kept.add_service() = service;
  for (const auto& defined : definitions.checks) {
    auto* check = kept.add_check();
    *check->mutable_check() = defined.check;
    check->mutable_location()->Add(defined.locations.begin(), defined.locations.end());
    check->set_file(defined.file);
    check->set_line(defined.line);
  }
  const std::filesystem::path fresh = file_.string() + ".new";
  const std::string bytes = kept.SerializeAsString();
  if (write_file(fresh, sha256_hex(bytes) + bytes) && ::rename(fresh.c_str(), file_.c_str()) == 0) return {};
  const int cause = errno;
  ::unlink(fresh.c_str());  // half a file helps nobody on a disk that is full
  return failure(fmt::format("cannot write {}: {}; look at the directory and the space on its disk",
                             file_.string(), std::strerror(cause)));
}

Result<std::optional<Definitions>> KeptDefinitions::read() const {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return std::nullopt;
  const auto bytes = read_whole_file(file_, kMostBytes);
  if (!bytes) return failure(fmt::format("{} {}", file_.string(), bytes.error().what));
  proto::KeptDefinitions kept;
  const std::string_view content(*bytes);
  const std::string_view message = content.substr(std::min(content.size(), kDigestDigits));
  if (content.substr(0, kDigestDigits) != sha256_hex(message) ||
      !kept.ParseFromArray(message.data(), static_cast<int>(message.size())))
    return failure(fmt::format("{} is damaged; remove it and give a valid checks_dir", file_.string()));
  Definitions definitions;
  definitions.revision = kept.revision();
  definitions.locations.assign(kept.location().begin(), kept.location().end());
  definitions.services.assign(kept.service().begin(), kept.service().end());
  for (const auto& check : kept.check()) {
    auto& defined = definitions.checks.emplace_back();
    defined.check = check.check();
    defined.fingerprint = fingerprint(defined.check);
    defined.locations.assign(check.location().begin(), check.location().end());
    defined.file = check.file();
    defined.line = check.line();
  }
  return definitions;
}

}  // namespace parallax
