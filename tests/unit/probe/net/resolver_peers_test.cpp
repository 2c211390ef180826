// Look-ups of servers that lie, stumble, stall or have more to say than fits: what the target's trouble is called,
// and that none of it is taken for an answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "probe/net/resolver.h"
#include "tests/unit/probe/dns_server.h"
#include "tests/unit/probe/loopback.h"

namespace parallax {
namespace {

using testing::ElementsAre;
using Tcp = DnsServer::Tcp;

class ResolverPeersTest : public testing::Test {
 protected:
  ~ResolverPeersTest() override { std::filesystem::remove_all(directory); }

  ResolverOptions options() {
    std::ofstream(directory + "/resolv.conf") << "nameserver 127.0.0.1\n" << more_of_resolv_conf;
    return {.server = dns.where(), .resolv_conf = directory + "/resolv.conf", .hosts = directory + "/none"};
  }
  Step<Addresses> resolve(const std::string& host, int ms = 5000, Family family = Family::v4) {
    return run_task(loop, resolver.resolve(host, family, in_ms(ms)));
  }
  std::vector<std::string> addresses(const std::string& host, Family family = Family::v4) {
    const auto found = resolve(host, 5000, family);
    if (!found) return {"failed: " + found.error().detail};
    std::vector<std::string> texts;
    for (const auto& address : *found) texts.push_back(address.to_string());
    return texts;
  }
  proto::Reason reason_of(const std::string& host, int ms = 5000, Family family = Family::v4) {
    const auto found = resolve(host, ms, family);
    return found ? proto::REASON_OK : found.error().reason;
  }
  static std::vector<std::string> many(int count) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) texts.push_back("192.0.2." + std::to_string(i));
    return texts;
  }

  Loop loop;
  std::string more_of_resolv_conf;
  std::string directory = [] {
    char path[] = "/tmp/parallax-resolver-XXXXXX";
    return std::string(::mkdtemp(path));
  }();
  DnsServer dns{loop};
  Resolver resolver{loop, options()};
};

struct Lie {
  const char* name;
  std::function<void(std::string&)> tell;
};

// The lie comes first and says 6.6.6.6 (or nothing); the right answer comes behind it.
TEST_F(ResolverPeersTest, ALieIsPassedOverAndTheRightAnswerTaken) {
  const Lie lies[] = {
      {"another id", [](std::string& reply) { reply[1] ^= 1; }},
      {"another name", [](std::string& reply) { reply[13] ^= 1; }},
      {"another type", [](std::string& reply) { reply[reply.find('\0', 12) + 2] = 16; }},
      {"no question", [](std::string& reply) { reply[5] = 0; }},
      {"garbage", [](std::string& reply) { reply = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"; }},
      {"a header cut short", [](std::string& reply) { reply.resize(11); }},
      {"nothing at all", [](std::string& reply) { reply.clear(); }},
  };
  for (const auto& lie : lies) {
    dns.zones["shop.example"] = {.addresses = {"192.0.2.1"}, .instead = [&](const std::string& right) {
                                   std::string wrong = right;
                                   wrong.replace(wrong.size() - 4, 4, "\x06\x06\x06\x06");
                                   lie.tell(wrong);
                                   return std::vector{wrong, right};
                                 }};
    EXPECT_THAT(addresses("shop.example"), ElementsAre("192.0.2.1")) << lie.name;
    dns.zones["shop.example"].instead = [&](const std::string& right) {
      std::string wrong = right;
      lie.tell(wrong);
      return std::vector{wrong};
    };
    EXPECT_EQ(reason_of("shop.example", 40), proto::REASON_RESOLVE_TIMEOUT) << lie.name << ", and nothing else";
  }
}

TEST_F(ResolverPeersTest, AnAnswerThatCannotBeReadIsAFailureOfTheServer) {
  const Lie lies[] = {
      {"a record longer than the packet", [](std::string& reply) { reply[reply.size() - 5] = 40; }},
      {"more records than there are", [](std::string& reply) { reply[7] = 9; }},
      {"a name that points to itself",
       [](std::string& reply) { reply[reply.size() - 15] = static_cast<char>(reply.size() - 16); }},
  };
  for (const auto& lie : lies) {
    dns.zones["shop.example"] = {.addresses = {"192.0.2.1"}, .instead = [&](const std::string& right) {
                                   std::string wrong = right;
                                   lie.tell(wrong);
                                   return std::vector{wrong};
                                 }};
    const Instant start = std::chrono::steady_clock::now();
    EXPECT_EQ(reason_of("shop.example"), proto::REASON_RESOLVE_FAILED) << lie.name;
    EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(2000)) << lie.name;
  }
}

TEST_F(ResolverPeersTest, EveryRcodeHasItsReason) {
  const std::pair<int, proto::Reason> rcodes[] = {
      {0, proto::REASON_RESOLVE_NOT_FOUND}, {1, proto::REASON_RESOLVE_FAILED}, {2, proto::REASON_RESOLVE_FAILED},
      {3, proto::REASON_RESOLVE_NOT_FOUND}, {4, proto::REASON_RESOLVE_FAILED}, {5, proto::REASON_RESOLVE_FAILED}};
  for (const auto& [rcode, reason] : rcodes)
    for (const auto family : {Family::any, Family::v4, Family::v6}) {
      dns.zones["shop.example"] = {.rcode = rcode};
      EXPECT_EQ(reason_of("shop.example", 5000, family), reason) << rcode;
    }
}

// What two families say together: an address wins; else trouble, for then nobody knows; else there is none.
TEST_F(ResolverPeersTest, TroubleWithOneFamilyIsNeverANameThatDoesNotExist) {
  dns.zones["shop.example"] = {.aaaa_rcode = 2, .a_rcode = 3};
  EXPECT_EQ(reason_of("shop.example", 5000, Family::any), proto::REASON_RESOLVE_FAILED);
  dns.zones["shop.example"] = {.aaaa_rcode = 3, .a_rcode = 5};
  EXPECT_EQ(reason_of("shop.example", 5000, Family::any), proto::REASON_RESOLVE_FAILED);
  dns.zones["shop.example"] = {.aaaa_rcode = 3, .a_silent = true};
  EXPECT_EQ(reason_of("shop.example", 60, Family::any), proto::REASON_RESOLVE_TIMEOUT);
  dns.zones["shop.example"] = {.aaaa_silent = true, .a_rcode = 3};
  EXPECT_EQ(reason_of("shop.example", 60, Family::any), proto::REASON_RESOLVE_TIMEOUT);
  dns.zones["shop.example"] = {.aaaa_rcode = 3};
  EXPECT_EQ(reason_of("shop.example", 5000, Family::any), proto::REASON_RESOLVE_NOT_FOUND);
}

// A search domain that answers "no such name" does not make up for the server that failed on the name itself.
TEST_F(ResolverPeersTest, ASearchDomainDoesNotTurnAFailureIntoAMissingName) {
  more_of_resolv_conf = "search corp.example\n";
  Resolver searching(loop, options());
  dns.zones["shop.example"] = {.rcode = 2};
  const auto failed = run_task(loop, searching.resolve("shop.example", Family::v4, in_ms(5000)));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().reason, proto::REASON_RESOLVE_FAILED) << failed.error().detail;
  dns.zones.clear();
  dns.zones["shop.corp.example"] = {.addresses = {"192.0.2.3"}};
  const auto found = run_task(loop, searching.resolve("shop", Family::v4, in_ms(5000)));
  ASSERT_TRUE(found) << found.error().detail;
}

TEST_F(ResolverPeersTest, WhatDoesNotFitIsFetchedByTcp) {
  for (const Tcp how : {Tcp::answers, Tcp::drips}) {
    dns.tcp = how;
    dns.zones["shop.example"] = {.addresses = many(how == Tcp::drips ? 2 : 40), .truncated = true};
    EXPECT_THAT(addresses("shop.example"), testing::ElementsAreArray(dns.zones["shop.example"].addresses));
  }
  EXPECT_EQ(dns.asked_by_tcp, 2);
}

TEST_F(ResolverPeersTest, TcpThatComesToNothingIsTheServersTrouble) {
  dns.zones["shop.example"] = {.addresses = many(40), .truncated = true};
  dns.zones["quick.example"] = {.addresses = {"192.0.2.7"}};
  dns.tcp = Tcp::closes;
  EXPECT_EQ(reason_of("shop.example"), proto::REASON_RESOLVE_FAILED);
  dns.tcp = Tcp::is_silent;
  const Instant start = std::chrono::steady_clock::now();
  EXPECT_EQ(reason_of("shop.example", 60), proto::REASON_RESOLVE_TIMEOUT);
  EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(60 + 1000));
  EXPECT_THAT(addresses("quick.example"), ElementsAre("192.0.2.7")) << "others are asked as ever";
}

TEST_F(ResolverPeersTest, ADrippingAnswerEndsAtTheDeadline) {
  dns.zones["shop.example"] = {.addresses = many(40), .truncated = true};  // 670 bytes, one a millisecond
  dns.tcp = Tcp::drips;
  const Instant start = std::chrono::steady_clock::now();
  EXPECT_EQ(reason_of("shop.example", 100), proto::REASON_RESOLVE_TIMEOUT);
  EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(100 + 1000));
}

TEST_F(ResolverPeersTest, FollowsAChainOfAliasesAndIsNotCaughtInALoop) {
  dns.zones["shop.example"] = {.addresses = {"192.0.2.1", "2001:db8::1"},
                               .aliases = {"a.example", "b.example", "c.example"}};
  EXPECT_THAT(addresses("shop.example", Family::any), ElementsAre("2001:db8::1", "192.0.2.1"));
  dns.zones["shop.example"] = {.aliases = {"a.example", "shop.example", "a.example"}};
  const Instant start = std::chrono::steady_clock::now();
  EXPECT_EQ(reason_of("shop.example"), proto::REASON_RESOLVE_NOT_FOUND);
  EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(2000));
}

TEST_F(ResolverPeersTest, ASlowAnswerIsWaitedForAndHoldsNoOther) {
  std::vector<std::optional<Step<Addresses>>> slow(50);
  TaskGroup group(loop);
  for (std::size_t i = 0; i < slow.size(); ++i) {
    const std::string name = "slow" + std::to_string(i) + ".example";
    dns.zones[name] = {.addresses = {"192.0.2.1"}, .delay = Milliseconds(400)};
    group.spawn(name, keep(resolver.resolve(name, Family::v4, in_ms(5000)), slow[i]));
  }
  dns.zones["quick.example"] = {.addresses = {"192.0.2.7"}};
  EXPECT_THAT(addresses("quick.example"), ElementsAre("192.0.2.7"));
  for (const auto& one : slow) EXPECT_FALSE(one) << "the quick one came before all of them";
  run_task(loop, [](TaskGroup& g) -> Task<bool> {
    co_await g.drained();
    co_return true;
  }(group));
  for (const auto& one : slow) EXPECT_TRUE(one && *one);
}

TEST_F(ResolverPeersTest, AsksAServerByItsIpv6AddressToo) {
  DnsServer v6(loop, "::1");
  v6.zones["shop.example"] = {.addresses = {"192.0.2.6"}, .truncated = true};
  const Query query{.host = "shop.example", .family = Family::v4, .server = v6.where()};
  const auto found = run_task(loop, resolver.resolve(query, in_ms(5000)));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->front().to_string(), "192.0.2.6");
  EXPECT_EQ(v6.asked_by_tcp, 1);
}

// A want of descriptors that is over is no excuse for what the server does later, however long the sockets live.
TEST_F(ResolverPeersTest, OwnTroubleThatIsOverIsNotToldAgain) {
  dns.zones["silent.example"].silent = true;  // keeps the channel's socket open meanwhile
  dns.zones["long.example"] = {.addresses = many(40), .truncated = true};
  dns.zones["broken.example"].rcode = 2;
  std::optional<Step<Addresses>> silent;
  TaskGroup group(loop);
  group.spawn("silent", keep(resolver.resolve("silent.example", Family::v4, in_ms(60000)), silent));
  dns.zones["quick.example"] = {.addresses = {"192.0.2.7"}};
  EXPECT_THAT(addresses("quick.example"), ElementsAre("192.0.2.7"));
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  rlimit none = old;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto own = reason_of("long.example");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(own, proto::REASON_PROBE_FAULT) << "no socket for TCP";
  EXPECT_EQ(reason_of("broken.example"), proto::REASON_RESOLVE_FAILED) << "the server's SERVFAIL";
  group.stop();
  run_task(loop, [](TaskGroup& g) -> Task<bool> {
    co_await g.drained();
    co_return true;
  }(group));
}

}  // namespace
}  // namespace parallax
