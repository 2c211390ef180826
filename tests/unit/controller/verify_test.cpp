#include "controller/verify.h"

#include <gtest/gtest.h>
#include <stdio.h>

#include <memory>

#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

// What verify() says of a path.
struct Said {
  int status = -1;
  std::string out;
  std::string err;
};

Said verified(const std::string& path, bool json = false) {
  Said said;
  char* texts[2] = {};
  std::size_t sizes[2] = {};
  std::FILE* out = ::open_memstream(&texts[0], &sizes[0]);
  std::FILE* err = ::open_memstream(&texts[1], &sizes[1]);
  said.status = verify(path, json, out, err);
  std::fclose(out);
  std::fclose(err);
  said.out.assign(texts[0], sizes[0]);
  said.err.assign(texts[1], sizes[1]);
  ::free(texts[0]);
  ::free(texts[1]);
  return said;
}

constexpr const char* kShop = "[service]\nname = \"shop\"\n[[ping]]\nname = \"edge\"\nhost = \"shop.example\"\n";

TEST(Verify, SaysWhatAGoodDirectoryHolds) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", kShop);
  const Said said = verified(folder.path());
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, folder.path().string() + ": 1 service, 1 check at 3 locations: ok\n");
  EXPECT_EQ(said.err, "");
}

TEST(Verify, LetsWarningsPassAndTellsThem) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", std::string(kShop) + "locations = [\"*\", \"us-*\"]\n");
  const Said said = verified(folder.path());
  EXPECT_EQ(said.status, 0);
  EXPECT_TRUE(said.out.ends_with(": ok with 1 warning\n")) << said.out;
  EXPECT_NE(said.err.find("shop.toml:6:19: warning: \"us-*\" matches no location"), std::string::npos) << said.err;
}

TEST(Verify, TellsEveryErrorOnALineOfItsOwnAndCountsThem) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", std::string(kShop) + "packets = 0\nttl = 0\n");
  const Said said = verified(folder.path());
  const std::string file = (folder.path() / "shop.toml").string();
  EXPECT_EQ(said.status, 4);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err, file + ":6:11: \"packets\" is 0; expected 1 to 100\n" + file +
                          ":7:7: \"ttl\" is 0; expected 1 to 255\n" + folder.path().string() +
                          ": 2 errors; nothing of it would be served\n");
}

TEST(Verify, IsUsageWhenThereIsNoSuchPath) {
  const Said said = verified("/nowhere/checks");
  EXPECT_EQ(said.status, 2);
  EXPECT_EQ(said.err, "/nowhere/checks: no such file or directory\n");
}

TEST(Verify, AnswersMachinesInOneObject) {
  const Folder folder;
  folder.write("locations.toml", kThreeLocations);
  folder.write("shop.toml", std::string(kShop) + "packets = 0\n");
  const Said bad = verified(folder.path(), true);
  EXPECT_EQ(bad.status, 4);
  EXPECT_EQ(bad.err, "");
  EXPECT_EQ(bad.out, "{\"valid\": false, \"problems\": [{\"file\": \"" + (folder.path() / "shop.toml").string() +
                         "\", \"line\": 6, \"column\": 11, \"warning\": false, "
                         "\"text\": \"\\\"packets\\\" is 0; expected 1 to 100\"}]}\n");
  folder.write("shop.toml", kShop);
  const Said good = verified(folder.path(), true);
  EXPECT_EQ(good.status, 0);
  EXPECT_TRUE(good.out.starts_with("{\"valid\": true, \"revision\": \"sha256:")) << good.out;
  EXPECT_TRUE(good.out.ends_with("\"services\": 1, \"checks\": 1, \"locations\": 3, \"problems\": []}\n"))
      << good.out;
}

}  // namespace
}  // namespace parallax
