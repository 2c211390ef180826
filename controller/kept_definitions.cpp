#include "controller/kept_definitions.h"

#include <fmt/format.h>

#include "base/kept_file.h"

namespace parallax {
namespace {

constexpr std::size_t kMostBytes = 256 << 20;

}  // namespace

proto::KeptDefinitions to_kept(const Definitions& definitions) {
  proto::KeptDefinitions kept;
  kept.set_revision(definitions.revision);
  for (const auto& location : definitions.locations) *kept.add_location() = location;
  for (const auto& service : definitions.services) *kept.add_service() = service;
  for (const auto& defined : definitions.checks) {
    auto* check = kept.add_check();
    *check->mutable_check() = defined.check;
    check->mutable_location()->Add(defined.locations.begin(), defined.locations.end());
    check->set_file(defined.file);
    check->set_line(defined.line);
  }
  return kept;
}

std::shared_ptr<const Definitions> from_kept(const proto::KeptDefinitions& kept) {
  const auto set = std::make_shared<Definitions>();
  Definitions& definitions = *set;
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
  return set;
}

KeptDefinitions::KeptDefinitions(const std::filesystem::path& state_dir) : file_(state_dir / "definitions.kept") {}

Result<void> KeptDefinitions::keep(const Definitions& definitions, WallTime accepted) const {
  proto::KeptDefinitions kept = to_kept(definitions);
  kept.set_accepted_us(unix_us(accepted));
  return write_kept_file(file_, kept.SerializeAsString());
}

Result<std::shared_ptr<const Definitions>> KeptDefinitions::read() const {
  const auto content = read_kept_file(file_, kMostBytes);
  if (!content) return failure(content.error().what + "; remove it and give a valid checks_dir");
  if (!*content) return nullptr;
  proto::KeptDefinitions kept;
  if (!kept.ParseFromString(**content))
    return failure(fmt::format("{} is damaged; remove it and give a valid checks_dir", file_.string()));
  return from_kept(kept);
}

}  // namespace parallax
