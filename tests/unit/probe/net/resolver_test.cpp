#include "probe/net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/probe/dns_server.h"
#include "tests/unit/probe/loopback.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() {
    write("hosts", "192.0.2.10 listed.example Listed2.example # comment\n2001:db8::10 listed.example\n");
    write("resolv.conf", "nameserver 127.0.0.1\n");
  }
  ~ResolverTest() override { std::filesystem::remove_all(directory); }

  void write(const std::string& name, const std::string& text) { std::ofstream(directory + "/" + name) << text; }

  Resolver made() { return Resolver(loop, options()); }
  ResolverOptions options() {
    return {.server = dns.where(), .resolv_conf = directory + "/resolv.conf", .hosts = directory + "/hosts"};
  }

  std::vector<std::string> addresses(const std::string& host, Family family = Family::any) {
    const auto found = run_task(loop, resolver.resolve(host, family, in_ms(5000)));
    if (!found) return {std::string("failed: ") + found.error().detail};
    std::vector<std::string> texts;
    for (const auto& address : *found) texts.push_back(address.to_string());
    return texts;
  }
  Failure failure(const std::string& host, Family family = Family::any, int ms = 5000) {
    const auto found = run_task(loop, resolver.resolve(host, family, in_ms(ms)));
    EXPECT_FALSE(found);
    return found ? Failure{} : found.error();
  }

  Loop loop;
  std::string directory = [] {
    char path[] = "/tmp/parallax-hosts-XXXXXX";
    return std::string(::mkdtemp(path));
  }();
  DnsServer dns{loop};
  Resolver resolver{loop, options()};
};

TEST_F(ResolverTest, TakesLiteralsWithoutAskingAnybody) {
  EXPECT_THAT(addresses("192.0.2.7"), ElementsAre("192.0.2.7"));
  EXPECT_THAT(addresses("2001:db8::7"), ElementsAre("2001:db8::7"));
  EXPECT_THAT(addresses("[2001:db8::7]"), ElementsAre("2001:db8::7"));
  EXPECT_THAT(addresses("[fe80::1%lo]"), ElementsAre("fe80::1%lo"));
  EXPECT_EQ(dns.asked, 0);
}

TEST_F(ResolverTest, RefusesALiteralOfTheOtherFamily) {
  EXPECT_EQ(failure("192.0.2.7", Family::v6).reason, proto::REASON_RESOLVE_NOT_FOUND);
  EXPECT_EQ(failure("[::1]", Family::v4).reason, proto::REASON_RESOLVE_NOT_FOUND);
}

TEST_F(ResolverTest, HonoursTheHostsFileAndItsChange) {
  EXPECT_THAT(addresses("listed.example"), ElementsAre("2001:db8::10", "192.0.2.10"));
  EXPECT_THAT(addresses("LISTED2.example"), ElementsAre("192.0.2.10"));
  EXPECT_THAT(addresses("localhost", Family::v4), ElementsAre("127.0.0.1"));
  EXPECT_EQ(dns.asked, 0);
  write("hosts", "192.0.2.11 listed.example\n");
  EXPECT_THAT(addresses("listed.example"), ElementsAre("192.0.2.11"));
}

TEST_F(ResolverTest, KeepsTheOrderOfTheAnswerWithinAFamily) {
  dns.zones["shop.example"].addresses = {"192.0.2.9", "192.0.2.1", "2001:db8::9", "2001:db8::1"};
  EXPECT_THAT(addresses("shop.example"), ElementsAre("2001:db8::9", "2001:db8::1", "192.0.2.9", "192.0.2.1"));
  EXPECT_THAT(addresses("shop.example", Family::v4), ElementsAre("192.0.2.9", "192.0.2.1"));
  EXPECT_THAT(addresses("shop.example", Family::v6), ElementsAre("2001:db8::9", "2001:db8::1"));
}

TEST_F(ResolverTest, TellsAMissingNameFromAFailingServerAndFromSilence) {
  dns.zones["empty.example"] = {};
  dns.zones["broken.example"].rcode = 2;
  dns.zones["silent.example"].silent = true;
  EXPECT_EQ(failure("missing.example").reason, proto::REASON_RESOLVE_NOT_FOUND);
  EXPECT_EQ(failure("missing.example").detail, "missing.example does not exist");
  EXPECT_EQ(failure("empty.example").reason, proto::REASON_RESOLVE_NOT_FOUND);
  EXPECT_EQ(failure("empty.example").detail, "empty.example has no address");
  EXPECT_EQ(failure("broken.example").reason, proto::REASON_RESOLVE_FAILED);
  EXPECT_EQ(failure("silent.example", Family::any, 100).reason, proto::REASON_RESOLVE_TIMEOUT);
}

TEST_F(ResolverTest, DoesNotCallANameMissingWhenOneFamilyCouldNotBeAsked) {
  dns.zones["half.example"].aaaa_rcode = 2;
  EXPECT_EQ(failure("half.example").reason, proto::REASON_RESOLVE_FAILED);
  dns.zones["half.example"].addresses = {"192.0.2.1"};
  EXPECT_THAT(addresses("half.example"), ElementsAre("192.0.2.1")) << "one family with an address is enough";
}

TEST_F(ResolverTest, AServerThatDropsOneKindOfQuestionDelaysAndTakesNothingDown) {
  dns.zones["half.example"] = {.addresses = {"192.0.2.1"}, .aaaa_silent = true};
  Query query{"half.example"};
  query.v6_by = in_ms(50);
  const auto found = run_task(loop, resolver.resolve(query, in_ms(10000)));
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_THAT(*found, ElementsAre(asio::ip::make_address("192.0.2.1")));
}

TEST_F(ResolverTest, WaitsForBothFamiliesWhereBothAnswer) {
  dns.zones["shop.example"].addresses = {"192.0.2.9", "2001:db8::9"};
  Query query{"shop.example"};
  query.v6_by = query.v4_by = in_ms(5000);
  const auto found = run_task(loop, resolver.resolve(query, in_ms(10000)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 2U);
}

TEST_F(ResolverTest, AsksTheServerThatACheckNamesAndNotTheHostsFile) {
  DnsServer other(loop);
  dns.zones["shop.example"].addresses = {"192.0.2.1"};
  other.zones["shop.example"].addresses = {"192.0.2.2"};
  other.zones["listed.example"].addresses = {"192.0.2.3"};
  const auto asked_of = [&](const std::string& host) {
    const Query query{.host = host, .family = Family::v4, .server = other.where()};
    const auto found = run_task(loop, resolver.resolve(query, in_ms(5000)));
    return found ? found->front().to_string() : found.error().detail;
  };
  EXPECT_EQ(asked_of("shop.example"), "192.0.2.2");
  EXPECT_EQ(asked_of("listed.example"), "192.0.2.3");
  EXPECT_EQ(asked_of("gone.example"), "gone.example does not exist");
  EXPECT_THAT(addresses("shop.example"), ElementsAre("192.0.2.1")) << "the host's own servers are asked as before";
}

TEST_F(ResolverTest, EndsAtTheDeadlineAndLeavesNothingThatTouchesTheCaller) {
  dns.zones["silent.example"].silent = true;
  const Instant start = std::chrono::steady_clock::now();
  EXPECT_EQ(failure("silent.example", Family::any, 50).reason, proto::REASON_RESOLVE_TIMEOUT);
  EXPECT_LT(std::chrono::steady_clock::now() - start, Milliseconds(300));
  dns.zones["silent.example"] = {.addresses = {"192.0.2.1"}};
  EXPECT_THAT(addresses("silent.example"), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, ASlowNameHoldsNoOther) {
  dns.zones["silent.example"].silent = true;
  dns.zones["quick.example"].addresses = {"192.0.2.1"};
  std::optional<Step<Addresses>> slow;
  TaskGroup group(loop);
  group.spawn("slow", keep(resolver.resolve("silent.example", Family::any, in_ms(60000)), slow));
  EXPECT_THAT(addresses("quick.example"), ElementsAre("192.0.2.1"));
  EXPECT_FALSE(slow);
  group.stop();
  run_task(loop, [](TaskGroup& g) -> Task<bool> {
    co_await g.drained();
    co_return true;
  }(group));
  EXPECT_THAT(addresses("quick.example"), ElementsAre("192.0.2.1")) << "after a cancelled look-up";
}

TEST_F(ResolverTest, IsDestroyedWithALookUpUnderWay) {
  dns.zones["silent.example"].silent = true;
  auto short_lived = std::make_unique<Resolver>(loop, options());
  EXPECT_EQ(run_task(loop, short_lived->resolve("silent.example", Family::any, in_ms(20))).error().reason,
            proto::REASON_RESOLVE_TIMEOUT);
  short_lived.reset();
  EXPECT_THAT(addresses("listed.example"), ElementsAre("2001:db8::10", "192.0.2.10"));
}

TEST_F(ResolverTest, AsksTheServerThatResolvConfNamesNow) {
  // No port can be written in resolv.conf: nobody answers on port 53 of these, in a host that has no server there.
  ResolverOptions from_file = options();
  from_file.server.clear();
  write("resolv.conf", "nameserver 127.9.9.9\n");
  Resolver host(loop, from_file);
  EXPECT_EQ(run_task(loop, host.resolve("shop.example", Family::v4, in_ms(3000))).error().reason,
            proto::REASON_RESOLVE_FAILED);
  write("resolv.conf", "nameserver 127.9.9.8\n# changed\n");
  EXPECT_EQ(run_task(loop, host.resolve("shop.example", Family::v4, in_ms(3000))).error().reason,
            proto::REASON_RESOLVE_FAILED);
}

TEST_F(ResolverTest, CallsAFullDescriptorTableOurOwnFault) {
  dns.zones["shop.example"].addresses = {"192.0.2.1"};
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_THAT(addresses("shop.example", Family::v4), ElementsAre("192.0.2.1"));
  rlimit none = old;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Failure got = failure("shop.example");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_EQ(got.reason, proto::REASON_PROBE_FAULT) << got.detail;
  EXPECT_THAT(addresses("shop.example", Family::v4), ElementsAre("192.0.2.1")) << "and it recovers";
}

}  // namespace
}  // namespace parallax
