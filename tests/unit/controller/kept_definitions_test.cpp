#include "controller/kept_definitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>

#include "tests/unit/controller/shop.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class KeptDefinitionsTest : public ::testing::Test {
 protected:
  std::string content() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder.path()))
      all.push_back(entry.path().filename().string());
    return all;
  }
  // What reading says of the file: "none", "a set" or the error.
  std::string said() const {
    const auto read = kept.read();
    if (!read) return read.error().what;
    return *read ? "a set" : "none";
  }

  Folder folder;
  const fs::path file = folder.path() / "definitions.kept";
  KeptDefinitions kept{folder.path()};
  const Definitions shop = set_of({http_check("shop", "health", {"a", "b"}), ping_check("crm", "edge", {"c"})});
};

TEST_F(KeptDefinitionsTest, ComeBackAsTheyWere) {
  const Loaded loaded = load_definitions(SOURCE_DIR "/checks");
  ASSERT_TRUE(loaded.definitions.has_value());
  const Definitions& written = *loaded.definitions;
  ASSERT_TRUE(kept.keep(written, kStart).has_value());
  const auto read = kept.read();
  ASSERT_TRUE(read.has_value() && *read != nullptr);
  const Definitions& back = **read;
  EXPECT_EQ(back.revision, written.revision);
  const auto same = [](const auto& a, const auto& b) { return a.SerializeAsString() == b.SerializeAsString(); };
  EXPECT_TRUE(std::ranges::equal(back.locations, written.locations, same));
  EXPECT_TRUE(std::ranges::equal(back.services, written.services, same));
  ASSERT_EQ(back.checks.size(), written.checks.size());
  for (std::size_t i = 0; i < back.checks.size(); ++i) {
    EXPECT_TRUE(same(back.checks[i].check, written.checks[i].check));
    EXPECT_EQ(back.checks[i].fingerprint, written.checks[i].fingerprint);  // or the last results would be dropped
    EXPECT_EQ(back.checks[i].locations, written.checks[i].locations);
    EXPECT_EQ(back.checks[i].file, written.checks[i].file);
    EXPECT_EQ(back.checks[i].line, written.checks[i].line);
  }
}

TEST_F(KeptDefinitionsTest, AreNoneBeforeTheFirstSet) { EXPECT_EQ(said(), "none"); }

TEST_F(KeptDefinitionsTest, AreNeverASmallerSetBecauseTheFileWasCutOff) {
  ASSERT_TRUE(kept.keep(shop, kStart).has_value());
  const std::string whole = content();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    folder.write("definitions.kept", whole.substr(0, size));
    ASSERT_EQ(said(), file.string() + " is damaged; remove it and give a valid checks_dir") << size << " bytes";
  }
  folder.write("definitions.kept", whole);
  EXPECT_EQ(said(), "a set");
}

TEST_F(KeptDefinitionsTest, SayThatTheFileIsDamagedWhenOneBitOfItChanged) {
  ASSERT_TRUE(kept.keep(shop, kStart).has_value());
  const std::string whole = content();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    folder.write("definitions.kept", changed);
    ASSERT_THAT(said(), HasSubstr("is damaged; remove it")) << "byte " << at;
  }
}

TEST_F(KeptDefinitionsTest, RefuseAFileThatIsNotTheirs) {
  for (const std::string& foreign : {std::string("[service]\nname = \"shop\"\n"), std::string(1000, '\0'),
                                     std::string("\xff\xff\xff\xff"), std::string(64, '0') + "\x0a\x02r1"}) {
    folder.write("definitions.kept", foreign);
    EXPECT_THAT(said(), HasSubstr("definitions.kept is damaged; remove it"));
  }
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_THAT(said(), HasSubstr("definitions.kept is not a regular file"));
}

TEST_F(KeptDefinitionsTest, ReplaceTheSetBeforeAndLeaveNothingElseBehind) {
  ASSERT_TRUE(kept.keep(shop, kStart).has_value());
  Definitions smaller = set_of({http_check("shop", "health", {"a"})});
  smaller.revision = "r2";
  ASSERT_TRUE(kept.keep(smaller, kStart).has_value());
  EXPECT_THAT(names(), ElementsAre("definitions.kept"));
  const auto read = kept.read();
  ASSERT_TRUE(read.has_value() && *read != nullptr);
  EXPECT_EQ((*read)->revision, "r2");
  EXPECT_EQ((*read)->checks.size(), 1u);
  struct stat found{};
  ASSERT_EQ(::stat(file.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600);
}

TEST_F(KeptDefinitionsTest, PassOverWhatACrashLeftHalfWritten) {
  folder.write("definitions.kept.new", "half a fi");
  EXPECT_EQ(said(), "none");
  ASSERT_TRUE(kept.keep(shop, kStart).has_value());
  EXPECT_EQ(said(), "a set");
  EXPECT_THAT(names(), ElementsAre("definitions.kept"));
}

TEST_F(KeptDefinitionsTest, SayWhatToDoWhenTheyCannotBeWrittenAndLeaveNoHalfFile) {
  folder.write("definitions.kept/in_the_way", "");
  const auto failed = kept.keep(shop, kStart);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().what,
            "cannot write " + file.string() + ": Is a directory; look at the directory and the space on its disk");
  EXPECT_THAT(names(), ElementsAre("definitions.kept"));
  const KeptDefinitions nowhere(folder.path() / "missing");
  EXPECT_THAT(nowhere.keep(shop, kStart).error().what, HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace parallax
