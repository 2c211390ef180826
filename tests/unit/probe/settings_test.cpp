#include "probe/settings.h"

#include <gtest/gtest.h>

#include <fstream>

namespace parallax {
namespace {

TEST(HostPort, TakesNamesAddressesAndBracketedAddresses) {
  const auto name = parse_host_port("controller.example:7443");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "controller.example");
  EXPECT_EQ(name->port, 7443);
  EXPECT_EQ(parse_host_port("192.0.2.7:1")->host, "192.0.2.7");
  EXPECT_EQ(parse_host_port("[2001:db8::7]:65535")->host, "2001:db8::7");
}

TEST(HostPort, SaysWhatIsWantedOfAnythingElse) {
  for (const char* wrong : {"", ":", "controller", "controller:", ":7443", "controller:0", "controller:70000",
                            "controller:74x", "2001:db8::7:7443", "https://controller:7443", "[]:7443", "a b:1"}) {
    const auto parsed = parse_host_port(wrong);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_NE(parsed.error().what.find("controller.example:7443"), std::string::npos);
  }
}

struct ProbeSettings : testing::Test {
  std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "probe.toml";
  Problems problems;
  std::optional<proto::ProbeSettings> read(const std::string& text) {
    std::ofstream(file) << text;
    return read_probe_settings(file, problems);
  }
};

TEST_F(ProbeSettings, NeedNothingButAController) {
  const auto settings = read("controllers = [\"controller.example:7443\"]\n");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->spool().max_bytes(), 64 << 20);
  EXPECT_EQ(settings->cert_file(), (file.parent_path() / "probe.crt").string());
}

TEST_F(ProbeSettings, AreRefusedWithEveryMistakeTheyHave) {
  EXPECT_FALSE(read("controllers = [\"controller\"]\n[guard]\nallow = [\"10.0.0.0/40\"]\n"));
  EXPECT_EQ(problems.size(), 2U);
}

TEST_F(ProbeSettings, AreRefusedWithoutAController) { EXPECT_FALSE(read("state_dir = \"/tmp\"\n")); }

}  // namespace
}  // namespace parallax
