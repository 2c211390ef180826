#include "definitions/revision.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "base/digest.h"

namespace parallax {
namespace {

constexpr int kGitTimeoutMs =
    5000;  // of silence: a checkout on a dead network disk must not hold a reload for ever
constexpr std::size_t kMostOutput = 1 << 20;

// What a child writes until it closes its end; nothing when it stays silent for too long.
std::optional<std::string> read_output(int descriptor) {
  std::string output;
  char block[4096];
  while (output.size() < kMostOutput) {
    pollfd waiting = {descriptor, POLLIN, 0};
    if (::poll(&waiting, 1, kGitTimeoutMs) <= 0) return std::nullopt;
    const ssize_t got = ::read(descriptor, block, sizeof block);
    if (got < 0) return std::nullopt;
    if (got == 0) return output;
    output.append(block, static_cast<std::size_t>(got));
  }
  return std::nullopt;
}

// Starts git with its output into `write_end`; 0 when there is no git.
pid_t start_git(const std::vector<std::string>& arguments, int write_end) {
  std::vector<std::string> words = {"git", "-c", "core.fsmonitor=false"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  // Its own variables only: a GIT_DIR of ours must not lead it elsewhere. HOME has the list of trusted checkouts.
  std::vector<std::string> variables = {"GIT_OPTIONAL_LOCKS=0", "LC_ALL=C"};
  for (const char* name : {"PATH", "HOME"})
    if (const char* value = std::getenv(name)) variables.push_back(fmt::format("{}={}", name, value));
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  };
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, write_end, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error =
      ::posix_spawnp(&child, "git", &actions, nullptr, pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? child : 0;
}

// What git prints, when it succeeds.
std::optional<std::string> git(const std::vector<std::string>& arguments) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const pid_t child = start_git(arguments, ends[1]);
  ::close(ends[1]);
  auto output = child > 0 ? read_output(ends[0]) : std::nullopt;
  ::close(ends[0]);
  if (child <= 0) return std::nullopt;
  if (!output) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? output : std::nullopt;
}

std::optional<std::string> commit_of(const std::filesystem::path& folder, const std::vector<ReadFile>& files) {
  auto commit = git({"-C", folder.string(), "rev-parse", "--verify", "HEAD"});
  if (!commit) return std::nullopt;
  while (!commit->empty() && commit->back() == '\n') commit->pop_back();
  std::vector<std::string> arguments = {"-C", folder.string(), "status", "--porcelain", "--ignored", "--"};
  for (const ReadFile& file : files)
    arguments.push_back(":(literal)" + std::filesystem::absolute(file.path).string());
  const auto differing = git(arguments);
  if (!differing) return std::nullopt;
  return differing->empty() ? *commit : *commit + "-dirty";
}

std::string hash_of(const std::filesystem::path& folder, const std::vector<ReadFile>& files) {
  std::string all;
  for (const ReadFile& file : files)
    all +=
        fmt::format("{} {}\n{}", file.path.lexically_relative(folder).string(), file.content.size(), file.content);
  return "sha256:" + sha256_hex(all);
}

}  // namespace

std::string revision_of(const std::filesystem::path& folder, const std::vector<ReadFile>& files) {
  return commit_of(folder.empty() ? "." : folder, files).value_or(hash_of(folder, files));
}

}  // namespace parallax
