#include "base/settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "proto/settings.pb.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;

// A settings file of one test, in a folder of its own.
class SettingsFile {
 public:
  explicit SettingsFile(const std::string& content) {
    std::string name = (fs::temp_directory_path() / "parallax-settings-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    folder_ = name;
    std::ofstream(path(), std::ios::binary) << content;
  }
  ~SettingsFile() { fs::remove_all(folder_); }
  SettingsFile(const SettingsFile&) = delete;
  SettingsFile& operator=(const SettingsFile&) = delete;

  fs::path path() const { return folder_ / "probe.toml"; }
  std::string in_folder(const std::string& name) const { return (folder_ / name).string(); }

 private:
  fs::path folder_;
};

std::string problems_of(const std::string& content, google::protobuf::Message&& message) {
  const SettingsFile file(content);
  Problems problems;
  read_settings(file.path(), message, problems);
  std::string text;
  for (Problem problem : problems) {
    problem.file = fs::path(problem.file).filename().string();
    text += to_text(problem) + "\n";
  }
  return text;
}

TEST(Settings, FillInEveryDefaultAlsoInTablesThatAreNotWritten) {
  const SettingsFile file("");
  proto::ControllerSettings settings;
  Problems problems;
  ASSERT_TRUE(read_settings(file.path(), settings, problems));
  EXPECT_EQ(settings.fleet().listen(), "0.0.0.0:7443");
  EXPECT_EQ(settings.fleet().trust_domain(), "parallax");
  EXPECT_EQ(settings.web().listen(), "127.0.0.1:9877");
  EXPECT_FALSE(settings.web().allow_plain_http());
  EXPECT_EQ(settings.log().format(), "logfmt");
  EXPECT_EQ(settings.checks_dir(), file.in_folder("checks"));
  EXPECT_EQ(settings.state_dir(), "/var/lib/parallax-controller");
  EXPECT_EQ(settings.fleet().key_file(), file.in_folder("controller.key"));
}

TEST(Settings, AreTakenAsWritten) {
  const SettingsFile file(R"(controllers = ["a.example:7443", "b.example:7443"]
state_dir = "state"
cert_file = "/etc/probe.crt"
[guard]
allow = ["10.0.0.0/8"]
[secrets]
dirs = ["secrets", "/run/secrets"]
env = ["TOKEN"]
[spool]
max_bytes = "1GiB"
[log]
level = "debug"
)");
  proto::ProbeSettings settings;
  Problems problems;
  ASSERT_TRUE(read_settings(file.path(), settings, problems));
  ASSERT_EQ(settings.controllers_size(), 2);
  EXPECT_EQ(settings.controllers(1), "b.example:7443");
  EXPECT_EQ(settings.state_dir(), file.in_folder("state"));
  EXPECT_EQ(settings.cert_file(), "/etc/probe.crt");
  EXPECT_EQ(settings.secrets().dirs(0), file.in_folder("secrets"));
  EXPECT_EQ(settings.secrets().dirs(1), "/run/secrets");
  EXPECT_EQ(settings.secrets().env(0), "TOKEN");
  EXPECT_EQ(settings.guard().allow(0), "10.0.0.0/8");
  EXPECT_EQ(settings.spool().max_bytes(), 1LL << 30);
  EXPECT_EQ(settings.log().level(), "debug");
}

TEST(Settings, TellEveryMistakeAtItsPlace) {
  EXPECT_EQ(problems_of("stat_dir = \"x\"\n[log]\nlevel = \"loud\"\n[guard]\nallow = \"10.0.0.0/8\"\n",
                        proto::ProbeSettings()),
            "probe.toml:1:1: unknown key \"stat_dir\"; did you mean \"state_dir\"?\n"
            "probe.toml:1:1: missing key \"controllers\" in probe.toml\n"
            "probe.toml:3:9: \"level\" is \"loud\"; expected one of debug, info, warn, error\n"
            "probe.toml:5:9: \"allow\" is \"10.0.0.0/8\"; expected a list\n");
  EXPECT_EQ(problems_of("controllers = []\n", proto::ProbeSettings()),
            "probe.toml:1:15: \"controllers\" is an empty list; expected at least one value\n");
  EXPECT_EQ(problems_of("controllers = [\"a:1\"]\n[spool]\nmax_bytes = 1\n", proto::ProbeSettings()),
            "probe.toml:3:13: \"max_bytes\" is 1; expected at least 64KiB\n");
  EXPECT_EQ(problems_of("web = 1\n", proto::ControllerSettings()),
            "probe.toml:1:7: \"web\" is a number; expected a table with listen, allow_plain_http\n");
}

TEST(Settings, SayThatTheFileIsNotThere) {
  proto::ProbeSettings settings;
  Problems problems;
  EXPECT_FALSE(read_settings("/nowhere/probe.toml", settings, problems));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(to_text(problems[0]), "/nowhere/probe.toml: cannot be read: No such file or directory");
  problems.clear();
  EXPECT_FALSE(read_settings("/", settings, problems));
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(to_text(problems[0]), "/: is not a regular file");
}

}  // namespace
}  // namespace parallax
