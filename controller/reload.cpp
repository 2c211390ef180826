#include "controller/reload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <vector>

namespace parallax {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFilesWatched = 20'000;
constexpr std::size_t kMostNamed = 20;
constexpr std::size_t kMostProblemLines = 50;

std::string stamp_of(const fs::path& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return fmt::format("{}:gone\n", path.string());
  return fmt::format("{}:{}:{}:{}.{}\n", path.string(), found.st_ino, found.st_size, found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec);
}

// The revision follows from the checkout's commit, so a commit that changes no file here counts as a change too.
std::string stamp_of_checkout(const fs::path& folder) {
  std::error_code error;
  fs::path above = fs::weakly_canonical(folder, error);
  for (; !above.empty() && above != above.root_path(); above = above.parent_path())
    if (fs::exists(above / ".git", error))
      return stamp_of(above / ".git" / "HEAD") + stamp_of(above / ".git/logs/HEAD");
  return {};
}

std::string some_of(const char* what, const std::vector<std::string>& ids) {
  if (ids.empty()) return {};
  const std::vector<std::string> shown(ids.begin(), ids.begin() + std::min(ids.size(), kMostNamed));
  const std::string more = ids.size() > kMostNamed ? fmt::format(" and {} more", ids.size() - kMostNamed) : "";
  return fmt::format("{} {}{}", what, fmt::join(shown, ", "), more);
}

}  // namespace

std::string difference(const Definitions& before, const Definitions& after) {
  std::map<std::string, const DefinedCheck*> old;
  for (const auto& check : before.checks) old[check.check.id()] = &check;
  std::vector<std::string> added;
  std::vector<std::string> changed;
  std::vector<std::string> removed;
  for (const auto& check : after.checks) {
    const auto found = old.find(check.check.id());
    if (found == old.end()) {
      added.push_back(check.check.id());
      continue;
    }
    const bool same =
        check.fingerprint == found->second->fingerprint && check.locations == found->second->locations;
    if (!same) changed.push_back(check.check.id());
    old.erase(found);
  }
  for (const auto& [id, check] : old) removed.push_back(id);
  std::vector<std::string> parts = {some_of("added", added), some_of("changed", changed),
                                    some_of("removed", removed)};
  std::erase(parts, "");
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, "; "));
}

Reload::Reload(fs::path checks_dir, const fs::path& state_dir, Log& log, const Clock& clock, Apply apply)
    : checks_dir_(std::move(checks_dir)), kept_(state_dir), log_(log), clock_(clock), apply_(std::move(apply)) {}

bool Reload::start(Problems& problems) {
  read_stamp_ = latest_stamp_ = stamp();
  Loaded loaded = load_definitions(checks_dir_);
  auto kept = kept_.read();
  if (loaded.definitions) {
    if (kept && *kept) in_force_ = *kept;  // before: what changed since is told
    accept(std::make_shared<const Definitions>(std::move(*loaded.definitions)), "start");
    return true;
  }
  if (kept && *kept) {
    refuse(loaded.problems, "start");
    log_.warn("running on the last accepted definitions",
              {{"revision", (*kept)->revision},
               {"checks", std::to_string((*kept)->checks.size())},
               {"next", "mend the problems above: they are read again when the files change"}});
    put_in_force(std::move(*kept));
    return true;
  }
  problems = loaded.problems;
  if (!kept) problems.push_back({.file = checks_dir_.string(), .line = 0, .column = 0, .text = kept.error().what});
  return false;
}

Reload::Report Reload::reload(const std::string& why) {
  read_stamp_ = latest_stamp_ = stamp();
  Loaded loaded = load_definitions(checks_dir_);
  if (!loaded.definitions) {
    refuse(loaded.problems, why);
    std::string text;
    for (const auto& problem : loaded.problems) text += to_text(problem) + "\n";
    return {.ok = false, .text = text};
  }
  return accept(std::make_shared<const Definitions>(std::move(*loaded.definitions)), why);
}

void Reload::tick() {
  std::string now = stamp();
  const bool is_settled = now == latest_stamp_;
  latest_stamp_ = std::move(now);
  if (is_settled && latest_stamp_ != read_stamp_) reload("the files changed");
}

Reload::Report Reload::accept(std::shared_ptr<const Definitions> definitions, const std::string& why) {
  const std::string changes = difference(*in_force_, *definitions);
  const bool is_in_force = put_in_force(std::move(definitions));
  log_.info(is_in_force ? "definitions in force"
                        : "definitions accepted: in force once the journal can be written again",
            {{"revision", in_force_->revision},
             {"checks", std::to_string(in_force_->checks.size())},
             {"services", std::to_string(in_force_->services.size())},
             {"locations", std::to_string(in_force_->locations.size())},
             {"changes", changes},
             {"why", why}});
  last_ok_ = true;
  last_success_ = clock_.wall();
  const auto kept = kept_.keep(*in_force_, last_success_);
  log_.on_change("kept definitions", kept ? "" : kept.error().what, kept ? Log::Level::debug : Log::Level::error,
                 kept ? "definitions kept" : "definitions not kept: a start on an invalid checkout would fail",
                 {{"reason", kept ? "" : kept.error().what}});
  const char* when =
      is_in_force ? "is in force" : "is accepted, and in force once the journal can be written again";
  return {.ok = true, .text = fmt::format("revision {} {}; changes: {}\n", in_force_->revision, when, changes)};
}

bool Reload::put_in_force(std::shared_ptr<const Definitions> definitions) {
  std::map<std::string, std::pair<std::uint64_t, WallTime>> since;
  for (const auto& defined : definitions->checks) {
    const auto before = since_.find(defined.check.id());
    const bool same = before != since_.end() && before->second.first == defined.fingerprint;
    since[defined.check.id()] = {defined.fingerprint, same ? before->second.second : clock_.wall()};
  }
  since_ = std::move(since);
  in_force_ = std::move(definitions);
  return apply_(in_force_);
}

WallTime Reload::since(const std::string& check_id) const {
  const auto found = since_.find(check_id);
  return found == since_.end() ? WallTime{} : found->second.second;
}

void Reload::refuse(const Problems& problems, const std::string& why) {
  last_ok_ = false;
  log_.error("definitions refused: the set before stays in force",
             {{"problems", std::to_string(problems.size())},
              {"revision", in_force_->revision},
              {"why", why},
              {"next", "parallax-controller verify " + checks_dir_.string()}});
  for (std::size_t i = 0; i < std::min(problems.size(), kMostProblemLines); ++i)
    log_.error("problem in definitions", {{"text", to_text(problems[i])}});
}

// Every file below the directory: name, inode, size and time. A link is followed, so that swapping it shows.
std::string Reload::stamp() const {
  std::error_code error;
  std::vector<std::string> files;
  auto options = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator entry(checks_dir_, options, error);
  while (!error && entry != fs::recursive_directory_iterator() && files.size() < kMostFilesWatched) {
    if (entry->path().filename() == ".git")
      entry.disable_recursion_pending();
    else
      files.push_back(stamp_of(entry->path()));
    entry.increment(error);
  }
  std::sort(files.begin(), files.end());
  return fmt::format("{}{}{}{}", fs::weakly_canonical(checks_dir_, error).string(), error.message(),
                     fmt::join(files, ""), stamp_of_checkout(checks_dir_));
}

}  // namespace parallax
