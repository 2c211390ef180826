#include "probe/secrets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/file.h"

namespace fs = std::filesystem;

namespace parallax {
namespace {

constexpr std::size_t kMostBytes = 64 << 10;

std::unexpected<Failure> blocked(std::string detail) {
  return std::unexpected(Failure{proto::REASON_BLOCKED_BY_POLICY, std::move(detail)});
}

std::unexpected<Failure> missing(std::string detail) {
  return std::unexpected(Failure{proto::REASON_PROBE_FAULT, std::move(detail)});
}

bool climbs(const fs::path& path) { return std::find(path.begin(), path.end(), "..") != path.end(); }

// Both as the kernel sees them: no "..", no symbolic link left.
bool lies_below(const fs::path& path, const fs::path& dir) {
  const auto [in_dir, in_path] = std::mismatch(dir.begin(), dir.end(), path.begin(), path.end());
  return in_dir == dir.end() && in_path != path.end();
}

std::string without_final_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

Step<std::string> content_of(const std::string& name, const fs::path& file) {
  auto content = read_whole_file(file, kMostBytes);
  if (!content) return missing(fmt::format("secret file \"{}\" {}", name, content.error().what));
  return without_final_newline(std::move(*content));
}

}  // namespace

Secrets::Secrets(std::vector<std::string> dirs, std::vector<std::string> env)
    : dirs_(std::move(dirs)), env_(std::move(env)) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");  // systemd.exec(5), LoadCredential=
  if (dirs_.empty() && credentials != nullptr) dirs_.emplace_back(credentials);
}

Secrets Secrets::by_hand(std::string base_dir) {
  Secrets secrets({}, {});
  secrets.unlimited_ = true;
  secrets.base_dir_ = std::move(base_dir);
  return secrets;
}

Step<std::string> Secrets::read(const proto::Secret& secret) const {
  return secret.file().empty() ? read_env(secret.env()) : read_file(secret.file());
}

Step<std::string> Secrets::read(const proto::Value& value) const {
  switch (value.from_case()) {
    case proto::Value::kFile:
      return read_file(value.file());
    case proto::Value::kEnv:
      return read_env(value.env());
    case proto::Value::kText:
    case proto::Value::FROM_NOT_SET:
      break;
  }
  return value.text();
}

Step<std::string> Secrets::read_file(const std::string& name) const {
  if (unlimited_) return content_of(name, fs::path(base_dir_) / name);
  if (dirs_.empty())
    return blocked(fmt::format(
        "secret file \"{}\": this probe has no directory of secrets; name one in [secrets] dirs", name));
  if (climbs(name)) return blocked(fmt::format("secret file \"{}\" may not climb with \"..\"", name));

  bool leads_out = fs::path(name).is_absolute();
  for (const auto& dir : dirs_) {
    std::error_code error;
    const auto allowed = fs::canonical(dir, error);
    if (error) continue;
    const auto named = allowed / name;  // an absolute name stays itself
    const auto file = fs::canonical(named, error);
    if (!error && lies_below(file, allowed)) return content_of(name, file);
    if (!error)
      leads_out = true;
    else if (lies_below(named, allowed))
      leads_out = false;
  }
  if (leads_out)
    return blocked(fmt::format("secret file \"{}\" lies outside of this probe's [secrets] dirs", name));
  return missing(fmt::format("secret file \"{}\" is not there", name));
}

Step<std::string> Secrets::read_env(const std::string& name) const {
  if (!unlimited_ && std::find(env_.begin(), env_.end(), name) == env_.end())
    return blocked(fmt::format("variable {} is not in this probe's [secrets] env", name));
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return missing(fmt::format("variable {} is not set on this probe", name));
  return std::string(value);
}

}  // namespace parallax
