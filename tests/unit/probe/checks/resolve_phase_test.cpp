// A check's host becomes an address: whose trouble it is when it does not, how long that may take, and what the
// guard says of the answer. The same for every type.
#include <gmock/gmock.h>

#include "tests/unit/probe/checks/check_test.h"
#include "tests/unit/probe/dns_server.h"
#include "tests/unit/probe/next_host.h"
#include "tests/unit/probe/private_network.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class ResolvePhaseTest : public CheckTest {
 protected:
  // One check of each type of `host`, that asks `dns`.
  std::vector<proto::Check> checks_of(const std::string& host) {
    std::vector<proto::Check> checks(3);
    checks[0].mutable_ping()->set_host(host);
    checks[0].mutable_ping()->set_packets(1);
    checks[1].mutable_tls()->set_address(host + ":443");
    checks[2].mutable_http()->set_url("http://" + host + "/");
    for (auto& check : checks) {
      check.set_id("shop-api/health");
      check.set_ip("any");
      check.set_resolver(dns.where());
      check.set_timeout_ms(5000);
    }
    return checks;
  }

  DnsServer dns{loop};
};

TEST_F(ResolvePhaseTest, ASilentServerCostsTheTimeoutAndNoMoreAndThatTimeIsTold) {
  dns.zones["shop.test"].silent = true;
  for (auto check : checks_of("shop.test"))
    for (const char* addresses : {"first", "each"}) {
      check.set_addresses(addresses);
      const Instant start = clock.now();
      const Outcome outcome = run(check, 60);
      EXPECT_LT(clock.now() - start, Milliseconds(60 + 1000));
      EXPECT_EQ(reason(outcome), "resolve_timeout") << outcome.detail;
      EXPECT_EQ(phase(outcome), "resolve");
      // The deadline is counted from before the run; on a busy machine the phase begins some milliseconds later.
      EXPECT_GE(*outcome.phases.of(proto::PHASE_RESOLVE), Milliseconds(40));
      EXPECT_EQ(outcome.phases.all().size(), 1U) << "it got no further";
      EXPECT_EQ(outcome.facts.address(), "");
    }
}

TEST_F(ResolvePhaseTest, ANameThatLeadsWhereTheGuardForbidsIsBlockedNotDown) {
  guard = *Guard::from_prefixes({"127.0.0.0/8"});
  for (const char* forbidden : {"169.254.169.254", "::ffff:169.254.169.254", "10.0.0.1", "::1"}) {
    dns.zones["shop.test"] = {.addresses = {forbidden}};
    for (auto check : checks_of("shop.test"))
      for (const char* addresses : {"first", "each"}) {
        check.set_addresses(addresses);
        const Outcome outcome = run(check);
        EXPECT_EQ(reason(outcome), "blocked_by_policy") << forbidden << ": " << outcome.detail;
        EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN);
      }
  }
}

TEST_F(ResolvePhaseTest, OnlyTheFirstAnswerCountsUnlessEachIsWanted) {
  guard = *Guard::from_prefixes({"127.0.0.0/8"});
  auto check = checks_of("shop.test").front();
  check.set_addresses("first");
  dns.zones["shop.test"] = {.addresses = {"169.254.169.254", "127.0.0.1"}};
  EXPECT_EQ(reason(run(check)), "blocked_by_policy") << "no look for one that is allowed";
  dns.zones["shop.test"] = {.addresses = {"127.0.0.1", "169.254.169.254"}};
  EXPECT_EQ(reason(run(check)), "ok");
  check.set_addresses("each");
  const Outcome each = run(check);
  EXPECT_EQ(reason(each), "blocked_by_policy") << each.detail;
  ASSERT_EQ(each.facts.addresses_size(), 2);
  EXPECT_EQ(each.facts.addresses(0).state(), "up");
}

TEST_F(ResolvePhaseTest, OfVeryManyAddressesTheFirstSixteenAreChecked) {
  for (int i = 1; i <= 40; ++i) dns.zones["shop.test"].addresses.push_back("127.0.0." + std::to_string(i));
  dns.zones["shop.test"].truncated = true;
  auto check = checks_of("shop.test").front();
  check.set_addresses("each");
  const Outcome outcome = run(check);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  ASSERT_EQ(outcome.facts.addresses_size(), 16);
  EXPECT_EQ(outcome.facts.addresses(15).address(), "127.0.0.16");
}

TEST_F(ResolvePhaseTest, TakesTheFamilyOfTheDefinitionWhateverTheOtherDoes) {
  dns.zones["shop.test"] = {.addresses = {"127.0.0.1", "::1"}};
  auto check = checks_of("shop.test").front();
  const auto address_by = [&](const char* family) {
    check.set_ip(family);
    const Outcome outcome = run(check);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    return outcome.facts.address();
  };
  EXPECT_EQ(address_by("4"), "127.0.0.1");
  EXPECT_EQ(address_by("6"), "::1");
  dns.zones["shop.test"] = {.addresses = {"127.0.0.1", "::1"}, .aaaa_silent = true};
  EXPECT_EQ(address_by("4"), "127.0.0.1");
  dns.zones["shop.test"] = {.addresses = {"127.0.0.1", "::1"}, .a_silent = true};
  EXPECT_EQ(address_by("6"), "::1");
  dns.zones["shop.test"] = {.addresses = {"127.0.0.1"}};
  check.set_ip("6");
  EXPECT_EQ(reason(run(check)), "resolve_not_found");
}

struct Bench : ResolvePhaseTest {
  void TestBody() override {}
  using ResolvePhaseTest::checks_of;
  using ResolvePhaseTest::dns;
  using ResolvePhaseTest::loop;
  using ResolvePhaseTest::run;
};

const char* const kIpv4Only =
    "ip link add d0 type veth peer name d1 && ip link set d1 up && ip address add 10.9.9.1/24 dev d0 && ip link "
    "set d0 up && ip route add default "
    "via "
    "10.9.9.2";

// This host has no IPv6. That the name has such an address is no excuse for a server that fails on the other.
TEST(ResolvePhase, AFamilyThatIsSkippedDoesNotHideTheTroubleWithTheOther) {
  in_private_network([] {
    shell(kIpv4Only);
    Bench bench;
    for (const auto& check : bench.checks_of("shop.test")) {
      bench.dns.zones["shop.test"] = {.addresses = {"2001:db8::7"}, .a_rcode = 2};
      const auto failed = bench.run(check, 5000);
      EXPECT_EQ(reason(failed), "resolve_failed") << failed.detail;
      bench.dns.zones["shop.test"] = {.addresses = {"2001:db8::7"}, .a_silent = true};
      const auto silent = bench.run(check, 100);
      EXPECT_EQ(reason(silent), "resolve_timeout") << silent.detail;
      bench.dns.zones["shop.test"] = {.addresses = {"2001:db8::7"}};
      const auto isolated = bench.run(check, 5000);
      EXPECT_EQ(reason(isolated), "probe_isolated") << isolated.detail;
      EXPECT_EQ(isolated.state, proto::STATE_UNKNOWN);
    }
  });
}

TEST(ResolvePhase, ADnsServerThatThisHostHasNoWayToIsOurTrouble) {
  in_private_network([] {
    Bench bench;
    for (auto check : bench.checks_of("shop.test")) {
      check.set_resolver("192.0.2.53:53");
      const auto outcome = bench.run(check, 5000);
      EXPECT_EQ(reason(outcome), "probe_isolated") << outcome.detail;
      EXPECT_EQ(phase(outcome), "resolve");
    }
  });
}

TEST(ResolvePhase, AFirewallOfOurOwnBeforeTheDnsServerIsOurTrouble) {
  in_private_network([] {
    shell("nft 'add table ip t; add chain ip t out { type filter hook output priority 0; }'");
    shell("nft add rule ip t out udp dport 53 drop");
    Bench bench;
    for (auto check : bench.checks_of("shop.test")) {
      check.set_resolver("127.0.0.1:53");
      const auto outcome = bench.run(check, 5000);
      EXPECT_EQ(reason(outcome), "probe_isolated") << outcome.detail;
    }
  });
}

// Nobody listens there: the network's word, and so the server's trouble.
TEST(ResolvePhase, ADnsServerThatRefusesIsAFailedLookUp) {
  in_private_network([] {
    Bench bench;
    for (auto check : bench.checks_of("shop.test")) {
      check.set_resolver("127.0.0.1:53");
      const auto outcome = bench.run(check, 5000);
      EXPECT_EQ(reason(outcome), "resolve_failed") << outcome.detail;
    }
  });
}

// What this host's own tables refuse is no word of the target's, in any type.
TEST(ResolvePhase, ARouteThatThisHostForbidsIsOurTrouble) {
  in_private_network([] {
    shell(kIpv4Only);
    shell("ip route add unreachable 203.0.113.0/24; ip route add prohibit 198.51.100.0/24");
    shell("ip route add blackhole 192.0.2.0/24");
    Bench bench;
    for (const char* host : {"203.0.113.7", "198.51.100.7", "192.0.2.7", "[2001:db8::7]"})
      for (const auto& check : bench.checks_of(host)) {
        if (check.has_ping() && host[0] == '[') continue;
        const auto outcome = bench.run(check, 1000);
        EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN) << host << ": " << outcome.detail;
        const bool is_blackhole = host == std::string("192.0.2.7");  // there connect() says "Invalid argument"
        EXPECT_EQ(reason(outcome), is_blackhole && !check.has_ping() ? "probe_fault" : "probe_isolated") << host;
      }
  });
}

// The same word from another host's tables: this one did have a way.
TEST(ResolvePhase, ARouteThatAnotherHostForbidsIsTheTargetsTrouble) {
  in_private_network([] {
    const NextHost next("echo 1 >/proc/sys/net/ipv4/ip_forward && ip route add unreachable 203.0.113.0/24");
    shell("ip route add default via 10.9.0.9");
    Bench bench;
    for (const auto& check : bench.checks_of("203.0.113.7")) {
      const auto outcome = bench.run(check, 300);
      EXPECT_EQ(outcome.state, proto::STATE_DOWN) << outcome.detail;
      // Linux drops what comes back while connect() is still at work: to TCP that may look like silence.
      if (check.has_ping()) {
        EXPECT_EQ(reason(outcome), "connect_unreachable") << outcome.detail;
      }
    }
  });
}

TEST(ResolvePhase, AFamilyWhoseWayIsForbiddenIsSkippedLikeOneWithoutAWay) {
  in_private_network([] {
    shell(kIpv4Only);
    shell("ip -6 route add unreachable default metric 5");
    Bench bench;
    bench.dns.zones["shop.test"] = {.addresses = {"10.9.9.1", "2001:db8::7"}};
    const auto outcome = bench.run(bench.checks_of("shop.test").front(), 1000);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.address(), "10.9.9.1");
  });
}

}  // namespace
}  // namespace parallax
