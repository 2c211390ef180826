#include "controller/rules_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include <fstream>
#include <iterator>

#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::Not;

// What print_rules() says.
struct Said {
  int status = -1;
  std::string out;
  std::string err;
};

Said printed(const std::string& path, const std::string& compare = "", bool json = false) {
  Said said;
  char* texts[2] = {};
  std::size_t sizes[2] = {};
  std::FILE* out = ::open_memstream(&texts[0], &sizes[0]);
  std::FILE* err = ::open_memstream(&texts[1], &sizes[1]);
  said.status = print_rules(path, json, compare, out, err);
  std::fclose(out);
  std::fclose(err);
  said.out.assign(texts[0], sizes[0]);
  said.err.assign(texts[1], sizes[1]);
  ::free(texts[0]);
  ::free(texts[1]);
  return said;
}

std::string service(const std::string& name, const std::string& objective) {
  return "[service]\nname = \"" + name + "\"\n" + objective +
         "\n[[http]]\nname = \"health\"\nurl = \"https://shop.example/\"\n";
}
constexpr const char* kObjective = "objective = { availability = 99.9, latency = \"300ms\" }";

class RulesCommand : public testing::Test {
 protected:
  RulesCommand() {
    folder.write("checks/locations.toml", kThreeLocations);
    folder.write("checks/shop.toml", service("shop", kObjective));
    folder.write("checks/crm.toml", service("crm", kObjective));
  }
  std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  Folder folder;
};

TEST_F(RulesCommand, PrintsTheSameBytesEachTimeAndNothingElse) {
  const Said said = printed(path("checks"));
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.err, "");
  EXPECT_TRUE(said.out.starts_with("# Burn rates")) << said.out.substr(0, 80);
  EXPECT_THAT(said.out, Not(HasSubstr(folder.path().string()))) << "the file must not depend on where it was made";
  EXPECT_EQ(said.out, printed(path("checks")).out);
}

TEST_F(RulesCommand, TakesOneFile) {
  const Said said = printed(path("checks/shop.toml"));
  EXPECT_THAT(said.out, HasSubstr("objective-shop-latency"));
  EXPECT_THAT(said.out, Not(HasSubstr("crm")));
}

TEST_F(RulesCommand, PrintsJsonForWhoWantsIt) {
  const Said said = printed(path("checks"), "", true);
  EXPECT_EQ(said.status, 0);
  EXPECT_TRUE(said.out.starts_with("{\"groups\": [{\"name\": \"objective-crm-availability-days\", \"interval\": "))
      << said.out.substr(0, 200);
}

TEST_F(RulesCommand, PrintsNoRulesOfInvalidDefinitionsAndSaysWhere) {
  folder.write("checks/shop.toml", service("shop", "objective = { availability = 101 }"));
  const Said said = printed(path("checks"));
  EXPECT_EQ(said.status, 4);
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err, path("checks/shop.toml") + ":3:30: \"availability\" is 101; expected 0 to 100\n" +
                          path("checks") + ": no rules come of definitions with errors\n");
}

TEST_F(RulesCommand, PrintsAnEmptyFileWhereNothingIsPromisedAndSaysSo) {
  folder.write("checks/shop.toml", service("shop", ""));
  const Said said = printed(path("checks/shop.toml"));
  EXPECT_EQ(said.status, 0);
  EXPECT_TRUE(said.out.ends_with("\ngroups: []\n")) << said.out;
  EXPECT_THAT(said.err, HasSubstr("no service has an objective; write objective = { availability = 99.9 }"));
}

TEST_F(RulesCommand, IsUsageWhenAPathIsNotThere) {
  EXPECT_EQ(printed(path("nowhere")).status, 2);
  const Said said = printed(path("checks"), path("nowhere.yml"));
  EXPECT_EQ(said.status, 2);
  EXPECT_EQ(said.err, path("nowhere.yml") + ": cannot be read: No such file or directory\n");
}

TEST_F(RulesCommand, FindsNoDifferenceInWhatItPrinted) {
  folder.write("objectives.yml", printed(path("checks")).out);
  const Said said = printed(path("checks"), path("objectives.yml"));
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, path("objectives.yml") + ": as " + path("checks") + " has it\n");
}

TEST_F(RulesCommand, FindsWhatIsStaleMissingAndChanged) {
  folder.write("objectives.yml", printed(path("checks")).out);
  std::filesystem::remove(folder.path() / "checks/crm.toml");
  folder.write("checks/mes.toml", service("mes", "objective = { availability = 99 }"));
  folder.write("checks/shop.toml", service("shop", "objective = { availability = 99.9, latency = \"200ms\" }"));
  const Said said = printed(path("checks"), path("objectives.yml"));
  EXPECT_EQ(said.status, 1);
  const std::string file = path("objectives.yml") + ": ";
  for (const char* line :
       {"group objective-crm-availability is stale: no objective in the definitions leads to it\n",
        "group objective-mes-availability is missing\n",
        "group objective-shop-latency is not what the definitions say now\n"})
    EXPECT_THAT(said.out, HasSubstr(file + line));
  EXPECT_THAT(said.out, Not(HasSubstr("objective-shop-availability ")));
  EXPECT_TRUE(said.out.ends_with("differs; write it anew: parallax-controller rules " + path("checks") + " > " +
                                 path("objectives.yml") + "\n"))
      << said.out;
}

TEST_F(RulesCommand, FindsAnEditedComment) {
  folder.write("objectives.yml", "# mine\n" + printed(path("checks")).out);
  EXPECT_EQ(printed(path("checks"), path("objectives.yml")).status, 1);
}

TEST(CommittedRules, AreWhatTheProgramPrintsOfTheSampleDefinitions) {
  const std::string root = SOURCE_DIR;
  const Said said = printed(root + "/checks", root + "/deploy/prometheus/rules/objectives.yml");
  EXPECT_EQ(said.status, 0) << said.out << said.err;
}

}  // namespace
}  // namespace parallax
