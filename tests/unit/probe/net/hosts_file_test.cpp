#include "probe/net/hosts_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace parallax {
namespace {

using testing::ElementsAre;

class HostsFileTest : public testing::Test {
 protected:
  HostsFileTest() {
    char path[] = "/tmp/parallax-hosts-XXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~HostsFileTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& text) { std::ofstream(path()) << text; }
  std::string path() const { return directory_ + "/hosts"; }

 private:
  std::string directory_;
};

TEST_F(HostsFileTest, ForRunsAChangeMayBe100MsOldBeforeItIsSeen) {
  const auto one = boost::asio::ip::make_address("192.0.2.1");
  const auto other = boost::asio::ip::make_address("192.0.2.22");
  const Instant now{std::chrono::hours(1)};
  write("192.0.2.1 shop.example\n");
  HostsFile hosts(path());
  EXPECT_THAT(hosts.find("shop.example", now), ElementsAre(one));
  write("192.0.2.22 Shop.Example # moved\n");
  EXPECT_THAT(hosts.find("shop.example", now + Milliseconds(99)), ElementsAre(one));
  EXPECT_THAT(hosts.find("shop.example", now + Milliseconds(100)), ElementsAre(other));
}

TEST_F(HostsFileTest, WhoWantsItAsItIsNowGetsIt) {
  const Instant now{std::chrono::hours(1)};
  write("");
  HostsFile hosts(path());
  EXPECT_TRUE(hosts.find("shop.example", now).empty());
  write("192.0.2.22 shop.example\n");
  EXPECT_EQ(hosts.find("SHOP.example").size(), 1U);
}

TEST_F(HostsFileTest, EveryAddressOfANameComesInTheOrderOfTheFile) {
  write("192.0.2.22 shop.example\n192.0.2.7 other.example\n192.0.2.1 SHOP.example\n");
  HostsFile hosts(path());
  EXPECT_THAT(hosts.find("shop.example"), ElementsAre(boost::asio::ip::make_address("192.0.2.22"),
                                                      boost::asio::ip::make_address("192.0.2.1")));
}

TEST_F(HostsFileTest, LocalhostIsLoopbackWithoutAnyFile) {
  HostsFile hosts(path());
  EXPECT_EQ(hosts.find("a.LocalHost").size(), 2U);
}

}  // namespace
}  // namespace parallax
