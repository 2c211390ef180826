#include "probe/net/guard.h"

#include <gtest/gtest.h>

namespace parallax {
namespace {

using boost::asio::ip::make_address;

Guard guard(std::vector<std::string> allow = {}) {
  auto made = Guard::from_prefixes(allow);
  EXPECT_TRUE(made) << (made ? "" : made.error().what);
  return *made;
}

bool refuses(const Guard& g, const char* address, std::uint16_t port = 443) {
  return g.refuses(make_address(address), port).has_value();
}

constexpr const char* kPublic[] = {"1.1.1.1",         "9.255.255.255",    "11.0.0.0",         "100.63.255.255",
                                   "100.128.0.0",     "126.255.255.255",  "128.0.0.1",        "168.63.129.15",
                                   "169.253.255.255", "169.255.0.0",      "172.15.255.255",   "172.32.0.0",
                                   "192.0.2.7",       "192.167.255.255",  "192.169.0.0",      "198.17.255.255",
                                   "198.20.0.0",      "223.255.255.255",  "2001:db8::7",      "2606:4700::1111",
                                   "fbff::1",         "64:ff9b::1.1.1.1", "::ffff:192.0.2.7", "2002:c000:207::1"};

constexpr const char* kPrivate[] = {"10.0.0.0",
                                    "10.255.255.255",
                                    "100.64.0.0",
                                    "100.127.255.255",
                                    "127.0.0.1",
                                    "127.255.255.255",
                                    "172.16.0.0",
                                    "172.31.255.255",
                                    "192.168.0.0",
                                    "192.168.255.255",
                                    "198.18.0.1",
                                    "192.0.0.8",
                                    "::1",
                                    "fc00::1",
                                    "fdff:ffff::1",
                                    "fec0::1",
                                    "::ffff:10.0.0.1",
                                    "::ffff:127.0.0.1",
                                    "64:ff9b::10.0.0.1",
                                    "64:ff9b:1::1",
                                    "64:ff9b::7f00:1",
                                    "2002:a00:1::",
                                    "2002:7f00:1::5",
                                    "2002:c0a8:101:7::1",
                                    "::10.0.0.1",
                                    "::127.0.0.1",
                                    "::ffff:0:10.0.0.1"};

constexpr const char* kNever[] = {"0.0.0.0",
                                  "0.1.2.3",
                                  "169.254.0.1",
                                  "169.254.169.254",
                                  "169.254.170.2",
                                  "169.254.255.255",
                                  "224.0.0.1",
                                  "239.255.255.255",
                                  "240.0.0.1",
                                  "255.255.255.255",
                                  "100.100.100.200",
                                  "168.63.129.16",
                                  "192.0.0.192",
                                  "::",
                                  "fe80::1",
                                  "febf::1",
                                  "ff02::1",
                                  "fd00:ec2::254",
                                  "fd20:ce::254",
                                  "::ffff:169.254.169.254",
                                  "::ffff:0.0.0.0",
                                  "64:ff9b::a9fe:a9fe",
                                  "2002:a9fe:a9fe::",
                                  "::169.254.169.254",
                                  "64:ff9b::224.0.0.1",
                                  "2002:0:1::",
                                  "fe80::1%1"};

TEST(Guard, LetsPublicAddressesPass) {
  for (const char* address : kPublic) EXPECT_FALSE(refuses(guard(), address)) << address;
}

TEST(Guard, RefusesWhatIsNotPublicHoweverItIsWrapped) {
  for (const char* address : kPrivate) EXPECT_TRUE(refuses(guard(), address)) << address;
  for (const char* address : kNever) EXPECT_TRUE(refuses(guard(), address)) << address;
}

TEST(Guard, OpensPrivateRangesButNeverMetadataForOneWhoAllowsEverything) {
  for (const Guard& open : {guard({"0.0.0.0/0", "::/0"}), Guard::by_hand()}) {
    for (const char* address : kPublic) EXPECT_FALSE(refuses(open, address)) << address;
    for (const char* address : kPrivate) EXPECT_FALSE(refuses(open, address)) << address;
    for (const char* address : kNever) EXPECT_TRUE(refuses(open, address)) << address;
  }
}

TEST(Guard, OpensOnlyWhatThePrefixHolds) {
  const Guard ten = guard({"10.1.0.0/16"});
  EXPECT_FALSE(refuses(ten, "10.1.255.255"));
  EXPECT_FALSE(refuses(ten, "::ffff:10.1.2.3"));
  EXPECT_FALSE(refuses(ten, "64:ff9b::10.1.2.3"));
  EXPECT_TRUE(refuses(ten, "10.2.0.0"));
  EXPECT_TRUE(refuses(ten, "127.0.0.1"));
  EXPECT_TRUE(refuses(ten, "fd00::1"));
}

TEST(Guard, OpensLinkLocalOnlyForAPrefixInsideIt) {
  EXPECT_TRUE(refuses(guard({"169.0.0.0/8"}), "169.254.1.1"));
  EXPECT_FALSE(refuses(guard({"169.254.0.0/16"}), "169.254.1.1"));
  EXPECT_FALSE(refuses(guard({"fe80::/64"}), "fe80::1"));
  EXPECT_FALSE(refuses(guard({"224.0.0.0/24"}), "224.0.0.1"));
}

TEST(Guard, OpensMetadataOnlyForOneWhoNamesThatVeryAddress) {
  EXPECT_TRUE(refuses(guard({"169.254.0.0/16"}), "169.254.169.254"));
  EXPECT_TRUE(refuses(guard({"fd00::/8"}), "fd00:ec2::254"));
  EXPECT_FALSE(refuses(guard({"169.254.169.254"}), "169.254.169.254"));
  EXPECT_FALSE(refuses(guard({"169.254.169.254/32"}), "::ffff:169.254.169.254"));
  EXPECT_FALSE(refuses(guard({"fd00:ec2::254/128"}), "fd00:ec2::254"));
}

TEST(Guard, RefusesItsControllerByAddressAndPort) {
  Guard own = guard({"10.0.0.0/8"});
  own.deny_endpoint(make_address("10.0.0.7"), 7443);
  own.deny_endpoint(make_address("::ffff:192.0.2.9"), 7443);
  EXPECT_TRUE(refuses(own, "10.0.0.7", 7443));
  EXPECT_TRUE(refuses(own, "64:ff9b::10.0.0.7", 7443));
  EXPECT_TRUE(refuses(own, "192.0.2.9", 7443));
  EXPECT_FALSE(refuses(own, "10.0.0.7", 443));
  EXPECT_FALSE(refuses(own, "10.0.0.7", 0)) << "a ping has no port";
}

TEST(Guard, SaysWhatAnAddressIsAndWhatItStandsFor) {
  EXPECT_EQ(
      *guard().refuses(make_address("64:ff9b::a9fe:a9fe"), 80),
      "64:ff9b::a9fe:a9fe (stands for 169.254.169.254) is a cloud metadata address; the probe's [guard] allow "
      "does not open it");
}

TEST(Guard, NamesTheBadPrefix) {
  for (const char* bad : {"10.0.0.0/33", "10.0.0/8", "fd00::/129", "", "/8", "10.0.0.0/", "10.0.0.0/8x",
                          "10.0.0.0/-1", "fe80::%1/64", "localhost"}) {
    const auto made = Guard::from_prefixes({"192.168.0.0/16", bad});
    ASSERT_FALSE(made) << bad;
    EXPECT_NE(made.error().what.find('"' + std::string(bad) + '"'), std::string::npos) << made.error().what;
  }
  EXPECT_EQ(Guard::from_prefixes({"10.0.0.5/8"}).error().what,
            "\"10.0.0.5/8\" has bits behind its length; did you mean \"10.0.0.0/8\"?");
  EXPECT_EQ(Guard::from_prefixes({"::ffff:10.0.0.0/104"}).error().what,
            "\"::ffff:10.0.0.0/104\" carries IPv4 addresses; write the IPv4 prefix that it stands for");
}

}  // namespace
}  // namespace parallax
