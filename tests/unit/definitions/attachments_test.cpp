#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "definitions/definitions.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string http_with(const std::string& line) {
  return "[service]\nname = \"shop\"\n[[http]]\nname = \"order\"\nurl = \"shop.example\"\n" + line + "\n";
}

// What is wrong with a check that holds `line`; the first problem, or nothing.
std::string problem_with(const Folder& folder, const std::string& line) {
  folder.write("checks/locations.toml", kThreeLocations);
  folder.write("checks/shop.toml", http_with(line));
  const Loaded loaded = load_definitions(folder.path() / "checks");
  return loaded.problems.empty() ? "" : loaded.problems.front().text;
}

TEST(Attachments, TravelWithTheCheck) {
  const Folder folder;
  folder.write("checks/bodies/order.json", "{\"n\": 1}\n");
  folder.write("checks/locations.toml", kThreeLocations);
  folder.write("checks/shop.toml", http_with("body_file = \"bodies/order.json\""));
  const Loaded loaded = load_definitions(folder.path() / "checks");
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_EQ(loaded.definitions->checks[0].check.http().body(), "{\"n\": 1}\n");
}

TEST(Attachments, AChangeOfTheFileIsAChangeOfTheCheckAndOfTheRevision) {
  const Folder folder;
  folder.write("checks/body", "1");
  EXPECT_EQ(problem_with(folder, "body_file = \"body\""), "");
  const auto before = load_definitions(folder.path() / "checks").definitions.value();
  folder.write("checks/body", "2");
  const auto after = load_definitions(folder.path() / "checks").definitions.value();
  EXPECT_NE(before.checks[0].fingerprint, after.checks[0].fingerprint);
  EXPECT_NE(before.revision, after.revision);
}

TEST(Attachments, MayBeLinksThatStayInside) {
  const Folder folder;
  folder.write("checks/data/body", "x");
  fs::create_symlink("data/body", folder.path() / "checks/body");
  EXPECT_EQ(problem_with(folder, "body_file = \"body\""), "");
}

TEST(Attachments, AreRefusedOutsideOfTheDirectoryByWhateverWay) {
  const Folder folder;
  folder.write("secret", "x");
  folder.write("checks/x", "x");
  fs::create_symlink("../secret", folder.path() / "checks/link");
  fs::create_directory_symlink("..", folder.path() / "checks/up");
  EXPECT_THAT(problem_with(folder, "body_file = \"link\""), HasSubstr("link that leads out"));
  EXPECT_THAT(problem_with(folder, "body_file = \"up/secret\""), HasSubstr("link that leads out"));
  EXPECT_THAT(problem_with(folder, "body_file = \"../secret\""), HasSubstr("by .."));
  EXPECT_THAT(problem_with(folder, "body_file = \"" + (folder.path() / "secret").string() + "\""),
              HasSubstr("absolute"));
}

TEST(Attachments, ByHandMayLieAnywhere) {
  const Folder folder;
  folder.write("secret", "x");
  folder.write("checks/shop.toml", http_with("body_file = \"../secret\""));
  const Loaded loaded = load_definitions(folder.path() / "checks/shop.toml", {.by_hand = true});
  ASSERT_TRUE(loaded.definitions.has_value());
  EXPECT_EQ(loaded.definitions->checks[0].check.http().body(), "x");
}

TEST(Attachments, HaveBounds) {
  const Folder folder;
  folder.write("checks/fits", std::string(64 << 10, 'x'));
  folder.write("checks/big", std::string((64 << 10) + 1, 'x'));
  folder.write("checks/big.pem", std::string((1 << 20) + 1, '\n'));
  EXPECT_EQ(problem_with(folder, "body_file = \"fits\""), "");
  EXPECT_THAT(problem_with(folder, "body_file = \"big\""), HasSubstr("larger than 64KiB"));
  EXPECT_THAT(problem_with(folder, "tls = { ca_file = \"big.pem\" }"), HasSubstr("larger than 1MiB"));
}

}  // namespace
}  // namespace parallax
