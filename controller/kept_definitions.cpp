#include "controller/kept_definitions.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "proto/kept.pb.h"

namespace parallax {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

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
  if (!write_file(fresh, kept.SerializeAsString()) || ::rename(fresh.c_str(), file_.c_str()) != 0)
    return failure(fmt::format("cannot write {}: {}; look at the directory and the space on its disk",
                               file_.string(), std::strerror(errno)));
  return {};
}

Result<std::optional<Definitions>> KeptDefinitions::read() const {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return std::nullopt;
  const auto bytes = read_whole_file(file_, kMostBytes);
  if (!bytes) return failure(fmt::format("{} {}", file_.string(), bytes.error().what));
  proto::KeptDefinitions kept;
  if (!kept.ParseFromString(*bytes))
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
