#include "definitions/revision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "definitions/definitions.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

using testing::MatchesRegex;

constexpr const char* kShop = "[service]\nname = \"shop\"\n[[ping]]\nname = \"edge\"\nhost = \"shop.example\"\n";

// Runs git in `folder` with an identity of its own.
void git(const Folder& folder, const std::string& arguments) {
  const std::string command = "cd '" + folder.path().string() +
                              "' && git -c user.name=t -c user.email=t@example -c init.defaultBranch=main "
                              "-c commit.gpgsign=false " +
                              arguments + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

std::string revision(const Folder& folder) {
  return load_definitions(folder.path() / "checks").definitions.value().revision;
}

TEST(Revision, OutsideOfACheckoutIsAHashOfWhatWasRead) {
  const Folder one;
  const Folder other;
  for (const Folder* folder : {&one, &other}) {
    folder->write("checks/locations.toml", kThreeLocations);
    folder->write("checks/shop.toml", kShop);
    folder->write("checks/README.md", folder->path().string());
  }
  EXPECT_THAT(revision(one), MatchesRegex("sha256:[0-9a-f]{64}"));
  EXPECT_EQ(revision(one), revision(other));
  other.write("checks/shop.toml", std::string(kShop) + "# a comment\n");
  EXPECT_NE(revision(one), revision(other));
}

TEST(Revision, IsTheCommitAndSaysWhenFilesDifferFromIt) {
  const Folder folder;
  folder.write("checks/locations.toml", kThreeLocations);
  folder.write("checks/shop.toml", kShop);
  git(folder, "init");
  EXPECT_THAT(revision(folder), MatchesRegex("sha256:[0-9a-f]{64}")) << "no commit yet";
  git(folder, "add .");
  git(folder, "commit -m first");
  const std::string commit = revision(folder);
  EXPECT_THAT(commit, MatchesRegex("[0-9a-f]{40}"));

  folder.write("README.md", "elsewhere in the checkout");
  folder.write("checks/notes.txt", "not read");
  EXPECT_EQ(revision(folder), commit);

  folder.write("checks/shop.toml", std::string(kShop) + "every = \"15s\"\n");
  EXPECT_EQ(revision(folder), commit + "-dirty");
  git(folder, "commit -a -m second");
  EXPECT_THAT(revision(folder), MatchesRegex("[0-9a-f]{40}"));
  EXPECT_NE(revision(folder), commit);

  folder.write("checks/crm.toml",
               "[service]\nname = \"crm\"\n[[ping]]\nname = \"edge\"\nhost = \"crm.example\"\n");
  EXPECT_THAT(revision(folder), MatchesRegex("[0-9a-f]{40}-dirty")) << "an untracked file";
  folder.write(".gitignore", "crm.toml\n");
  EXPECT_THAT(revision(folder), MatchesRegex("[0-9a-f]{40}-dirty")) << "an ignored one";
}

TEST(Revision, NeedsNoGit) {
  const Folder folder;
  folder.write("checks/locations.toml", kThreeLocations);
  folder.write("checks/shop.toml", kShop);
  git(folder, "init");
  git(folder, "add .");
  git(folder, "commit -m first");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const std::string without = revision(folder);
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(without, MatchesRegex("sha256:[0-9a-f]{64}"));
}

}  // namespace
}  // namespace parallax
