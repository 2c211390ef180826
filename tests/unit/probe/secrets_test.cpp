#include "probe/secrets.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

namespace parallax {
namespace {

// A directory of secrets, a file beside it that is none of the definitions' business, and links.
class SecretsOnDisk : public ::testing::Test {
 protected:
  SecretsOnDisk() {
    std::string pattern = (fs::temp_directory_path() / "secrets-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    fs::create_directories(dir() / "nested");
    write(dir() / "token", "s3cret\n");
    write(dir() / "nested/token", "deeper");
    write(root_ / "private", "not yours");
    fs::create_symlink("nested/token", dir() / "link-inside");
    fs::create_symlink("../private", dir() / "link-outside");
    fs::create_directory_symlink(root_, dir() / "way-out");
  }
  ~SecretsOnDisk() override { fs::remove_all(root_); }

  fs::path dir() const { return root_ / "allowed"; }
  static void write(const fs::path& file, const std::string& content) { std::ofstream(file) << content; }

  static Step<std::string> read_file(const Secrets& secrets, const std::string& name) {
    proto::Secret secret;
    secret.set_file(name);
    return secrets.read(secret);
  }
  static Step<std::string> read_env(const Secrets& secrets, const std::string& name) {
    proto::Secret secret;
    secret.set_env(name);
    return secrets.read(secret);
  }

  fs::path root_;
};

TEST_F(SecretsOnDisk, AreReadFromBelowTheAllowedDirectories) {
  const Secrets secrets({(root_ / "nowhere").string(), dir().string()}, {});
  EXPECT_EQ(read_file(secrets, "token").value(), "s3cret") << "without the final newline";
  EXPECT_EQ(read_file(secrets, "nested/token").value(), "deeper");
  EXPECT_EQ(read_file(secrets, (dir() / "token").string()).value(), "s3cret");
  EXPECT_EQ(read_file(secrets, "link-inside").value(), "deeper") << "a link that stays inside is fine";
}

TEST_F(SecretsOnDisk, OnlyOneFinalNewlineIsDropped) {
  const Secrets secrets({dir().string()}, {});
  write(dir() / "two", "a\n\n");
  write(dir() / "dos", "a\r\n");
  write(dir() / "empty", "");
  EXPECT_EQ(read_file(secrets, "two").value(), "a\n");
  EXPECT_EQ(read_file(secrets, "dos").value(), "a");
  EXPECT_EQ(read_file(secrets, "empty").value(), "");
}

TEST_F(SecretsOnDisk, ADefinitionCannotReadTheProbesOtherFiles) {
  const Secrets secrets({dir().string()}, {});
  for (const std::string name : {"../private", "nested/../../private", "link-outside", "way-out/private",
                                 "/etc/passwd", "/nonexistent", "way-out/allowed-not-there/../private"}) {
    const auto secret = read_file(secrets, name);
    ASSERT_FALSE(secret.has_value()) << name;
    EXPECT_EQ(secret.error().reason, proto::REASON_BLOCKED_BY_POLICY) << name;
    EXPECT_NE(secret.error().detail.find(name), std::string::npos) << secret.error().detail;
  }
  EXPECT_EQ(read_file(secrets, root_.string() + "/allowed-too").error().reason, proto::REASON_BLOCKED_BY_POLICY)
      << "a name that only begins like an allowed directory";
}

TEST_F(SecretsOnDisk, WhatIsNotThereIsTheProbesFault) {
  const Secrets secrets({dir().string()}, {});
  for (const auto& name : {std::string("absent"), (dir() / "absent").string()}) {
    const auto secret = read_file(secrets, name);
    ASSERT_FALSE(secret.has_value());
    EXPECT_EQ(secret.error().reason, proto::REASON_PROBE_FAULT);
    EXPECT_EQ(secret.error().detail, "secret file \"" + name + "\" is not there");
  }
  EXPECT_EQ(read_file(secrets, "nested").error().reason, proto::REASON_PROBE_FAULT) << "a directory holds no text";
}

TEST_F(SecretsOnDisk, WithoutADirectorySystemdsIsTakenAndElseNone) {
  setenv("CREDENTIALS_DIRECTORY", dir().c_str(), 1);
  EXPECT_EQ(read_file(Secrets({}, {}), "token").value(), "s3cret");
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(read_file(Secrets({}, {}), "token").error().reason, proto::REASON_BLOCKED_BY_POLICY);
}

TEST_F(SecretsOnDisk, OnlyListedVariablesAreRead) {
  setenv("PARALLAX_TEST_SECRET", "from the environment", 1);
  const Secrets secrets({}, {"PARALLAX_TEST_SECRET", "PARALLAX_TEST_UNSET"});
  EXPECT_EQ(read_env(secrets, "PARALLAX_TEST_SECRET").value(), "from the environment");
  EXPECT_EQ(read_env(secrets, "PARALLAX_TEST_UNSET").error().reason, proto::REASON_PROBE_FAULT);
  EXPECT_EQ(read_env(secrets, "HOME").error().reason, proto::REASON_BLOCKED_BY_POLICY);
  unsetenv("PARALLAX_TEST_SECRET");
}

TEST_F(SecretsOnDisk, ByHandHasNoLimitsAndStartsAtTheDefinition) {
  setenv("PARALLAX_TEST_SECRET", "mine", 1);
  const auto secrets = Secrets::by_hand(dir().string());
  EXPECT_EQ(read_file(secrets, "token").value(), "s3cret");
  EXPECT_EQ(read_file(secrets, "../private").value(), "not yours");
  EXPECT_EQ(read_file(secrets, (root_ / "private").string()).value(), "not yours");
  EXPECT_EQ(read_env(secrets, "PARALLAX_TEST_SECRET").value(), "mine");
  EXPECT_EQ(read_file(secrets, "absent").error().reason, proto::REASON_PROBE_FAULT);
  unsetenv("PARALLAX_TEST_SECRET");
}

TEST_F(SecretsOnDisk, PlainTextPassesThrough) {
  proto::Value value;
  value.set_text("application/json");
  EXPECT_EQ(Secrets({}, {}).read(value).value(), "application/json");
}

}  // namespace
}  // namespace parallax
