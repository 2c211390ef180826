// Which version of the files a set of definitions is.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace parallax {

// A file that was read, and what it held then.
struct ReadFile {
  std::filesystem::path path;
  std::string content;
};

// The commit of the git checkout that holds `folder`, with "-dirty" when one of `files` is not as committed;
// outside of a checkout, or without git, "sha256:" and a hash of the files' names and contents.
std::string revision_of(const std::filesystem::path& folder, const std::vector<ReadFile>& files);

}  // namespace parallax
