// Pings over the real kernel: loopback, and networks made by the test in which packets get lost, refused,
// repeated.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "probe/checks/checks.h"
#include "probe/net/guard.h"
#include "probe/net/icmp.h"
#include "probe/net/resolver.h"
#include "probe/secrets.h"
#include "tests/unit/probe/private_network.h"

namespace parallax {
namespace {

// Everything a ping needs. It touches neither TLS nor HTTP: those two are only room.
class Bench {
 public:
  Bench() : icmp(loop, clock) {}

  Outcome run(const proto::Check& check) {
    Outcome outcome;
    TaskGroup tasks(loop);
    tasks.spawn("ping", keep(check, clock.now() + Milliseconds(check.timeout_ms()), outcome));
    while (tasks.running() > 0) loop.run_one();
    loop.restart();
    return outcome;
  }

  Loop loop;
  SystemClock clock;
  Guard guard = Guard::by_hand();
  Resolver resolver{loop};
  Secrets secrets{{}, {}};
  IcmpSockets icmp;

 private:
  Task<> keep(const proto::Check& check, Instant deadline, Outcome& outcome) {
    outcome = co_await ping(check, tools_, deadline);
  }

  std::max_align_t room_[2]{};
  Tools tools_{loop,
               clock,
               guard,
               resolver,
               secrets,
               reinterpret_cast<TrustStores&>(room_[0]),
               reinterpret_cast<HttpEngine&>(room_[1]),
               icmp};
};

proto::Check ping_of(const std::string& host, unsigned packets = 3, int spacing_ms = 5) {
  proto::Check check;
  check.set_ip("any");
  check.set_timeout_ms(5000);
  check.mutable_ping()->set_host(host);
  check.mutable_ping()->set_packets(packets);
  check.mutable_ping()->set_spacing_ms(spacing_ms);
  return check;
}

void expect_whole(const Outcome& outcome) {
  EXPECT_EQ(outcome.reason, proto::REASON_OK) << outcome.detail;
  const auto& facts = outcome.facts.ping();
  EXPECT_EQ(facts.sent(), 3u);
  EXPECT_EQ(facts.received(), 3u);
  EXPECT_EQ(facts.rtt_size(), 3);
  EXPECT_EQ(facts.loss(), 0);
  EXPECT_EQ(facts.duplicates(), 0u);
  EXPECT_GT(facts.min(), 0);
  EXPECT_LE(facts.min(), facts.median());
  EXPECT_LE(facts.median(), facts.max());
  EXPECT_EQ(facts.timestamps(), "kernel");
  EXPECT_EQ(facts.hop_limit(), 64u);
}

TEST(Ping, TimesLoopbackByTheKernelsStamps) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, CAP_NET_RAW or an open net.ipv4.ping_group_range";
  Bench bench;
  const auto outcome = bench.run(ping_of("127.0.0.1"));
  expect_whole(outcome);
  EXPECT_EQ(outcome.facts.address(), "127.0.0.1");
  ASSERT_TRUE(outcome.phases.of(proto::PHASE_RTT).has_value());
  EXPECT_NEAR(seconds(*outcome.phases.of(proto::PHASE_RTT)), outcome.facts.ping().mean(), 1e-8);
}

TEST(Ping, WorksOverADatagramSocketOverARawOneAndOverIpv6) {
  in_private_network([] {
    for (const bool datagram : {true, false}) {
      set_sysctl("net/ipv4/ping_group_range", datagram ? "0 0" : "1 0");
      Bench bench;
      EXPECT_EQ(to_text(bench.icmp.kind()), datagram ? "datagram" : "raw");
      EXPECT_EQ(bench.icmp.trouble(), "");
      expect_whole(bench.run(ping_of("127.0.0.1")));
      expect_whole(bench.run(ping_of("::1")));
    }
  });
}

TEST(Ping, SendsWhatTheDefinitionSays) {
  in_private_network([] {
    shell("nft 'add table inet t; add chain inet t out { type filter hook output priority 0; }'");
    shell(
        "nft add rule inet t out icmp type echo-request ip ttl 7 ip length 1028 ip frag-off \\& 0x4000 == 0x4000 "
        "accept");
    shell("nft add rule inet t out icmpv6 type echo-request ip6 hoplimit 7 ip6 length 1008 accept");
    shell("nft add rule inet t out meta l4proto { icmp, icmpv6 } drop");
    shell("nft insert rule inet t out icmp type echo-reply accept");
    shell("nft insert rule inet t out icmpv6 type echo-reply accept");
    for (const auto* range : {"0 0", "1 0"}) {
      set_sysctl("net/ipv4/ping_group_range", range);
      Bench bench;
      for (const auto* host : {"127.0.0.1", "::1"}) {
        auto check = ping_of(host);
        // What the firewall does not expect cannot leave; of IPv6 over a datagram socket Linux does not say so.
        const bool kernel_tells = !(to_text(bench.icmp.kind()) == "datagram" && host == std::string("::1"));
        check.set_timeout_ms(200);
        EXPECT_EQ(bench.run(check).reason,
                  kernel_tells ? proto::REASON_PROBE_ISOLATED : proto::REASON_PACKET_LOSS);
        check.mutable_ping()->set_ttl(7);
        check.mutable_ping()->set_payload_bytes(1000);
        check.mutable_ping()->set_dont_fragment(true);
        const auto outcome = bench.run(check);
        EXPECT_EQ(outcome.reason, proto::REASON_OK) << host << ": " << outcome.detail;
      }
    }
  });
}

TEST(Ping, SilenceIsPacketLossWithoutARoundTrip) {
  in_private_network([] {
    shell("nft 'add table ip t; add chain ip t in { type filter hook input priority 0; }'");
    shell("nft add rule ip t in ip daddr 127.0.0.9 icmp type echo-request drop");
    Bench bench;
    auto check = ping_of("127.0.0.9", 2);
    check.set_timeout_ms(300);
    const auto before = bench.clock.now();
    const auto outcome = bench.run(check);
    const auto took = bench.clock.now() - before;
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
    EXPECT_EQ(outcome.reason, proto::REASON_PACKET_LOSS);
    EXPECT_EQ(outcome.phase, proto::PHASE_UNSPECIFIED);
    EXPECT_EQ(outcome.detail, "0 of 2 replies, wanted at least one");
    EXPECT_EQ(outcome.facts.ping().loss(), 1);
    EXPECT_FALSE(outcome.facts.ping().has_mean());
    EXPECT_FALSE(outcome.facts.ping().has_timestamps());
    EXPECT_FALSE(outcome.phases.of(proto::PHASE_RTT).has_value());
    EXPECT_GE(took, Milliseconds(299));
    EXPECT_LT(took, Milliseconds(550)) << "a deadline is kept";
  });
}

TEST(Ping, AnIcmpErrorEndsTheRunAtOnceAndNamesItsSender) {
  in_private_network([] {
    shell("nft 'add table inet t; add chain inet t in { type filter hook input priority 0; }'");
    shell(
        "nft add rule inet t in ip daddr 127.0.0.2 icmp type echo-request reject with icmp type host-prohibited");
    shell(
        "nft add rule inet t in ip6 daddr ::1 icmpv6 type echo-request reject with icmpv6 type addr-unreachable");
    for (const auto* range : {"0 0", "1 0"}) {
      set_sysctl("net/ipv4/ping_group_range", range);
      Bench bench;
      const auto v4 = bench.run(ping_of("127.0.0.2", 5, 900));
      EXPECT_EQ(v4.reason, proto::REASON_CONNECT_UNREACHABLE) << v4.detail;
      EXPECT_EQ(v4.state, proto::STATE_DOWN);
      EXPECT_EQ(v4.phase, proto::PHASE_RTT);
      EXPECT_EQ(v4.detail, "no way to 127.0.0.2: 127.0.0.2 answers \"administratively prohibited\"");
      EXPECT_EQ(v4.facts.ping().sent(), 1u) << "nothing more was sent after it";
      const auto v6 = bench.run(ping_of("::1", 5, 900));
      EXPECT_EQ(v6.reason, proto::REASON_CONNECT_UNREACHABLE) << v6.detail;
      EXPECT_EQ(v6.detail, "no way to ::1: ::1 answers \"address unreachable\"");
      expect_whole(bench.run(ping_of("127.0.0.1")));  // the error of one target is not another's
    }
  });
}

TEST(Ping, WhatCannotLeaveThisHostIsNotTheTargetsDowntime) {
  in_private_network([] {
    shell("ip route add blackhole 198.51.100.0/24; ip route add unreachable 203.0.113.0/24");
    shell("nft 'add table ip t; add chain ip t out { type filter hook output priority 0; }'");
    shell("nft add rule ip t out ip daddr 127.0.0.3 drop");
    Bench bench;
    for (const auto* host : {"127.0.0.3", "198.51.100.7", "203.0.113.7", "192.0.2.7", "2001:db8::7"}) {
      const auto outcome = bench.run(ping_of(host));
      EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN) << host;
      EXPECT_EQ(outcome.reason, proto::REASON_PROBE_ISOLATED) << host << ": " << outcome.detail;
    }
  });
}

TEST(Ping, APacketTooBigForOurOwnLinkIsOurFault) {
  in_private_network([] {
    shell("ip link set lo mtu 1400");
    Bench bench;
    auto check = ping_of("127.0.0.1");
    check.mutable_ping()->set_payload_bytes(2000);
    expect_whole(bench.run(check));
    check.mutable_ping()->set_dont_fragment(true);
    const auto outcome = bench.run(check);
    EXPECT_EQ(outcome.reason, proto::REASON_PROBE_FAULT) << outcome.detail;
  });
}

TEST(Ping, WithoutPermissionTheRunIsUnknownAndTheRemedyIsNamed) {
  in_private_network([] {
    ASSERT_EQ(syscall(SYS_setresuid, 65534, 65534, 65534), 0);  // of this thread only
    Bench bench;
    EXPECT_EQ(to_text(bench.icmp.kind()), "none");
    const auto outcome = bench.run(ping_of("127.0.0.1"));
    EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN);
    EXPECT_EQ(outcome.reason, proto::REASON_PROBE_FAULT);
    EXPECT_EQ(outcome.phase, proto::PHASE_SETUP);
    for (const auto* remedy : {"net.ipv4.ping_group_range", "CAP_NET_RAW"})
      EXPECT_NE(outcome.detail.find(remedy), std::string::npos) << outcome.detail;
    EXPECT_EQ(bench.icmp.trouble(), outcome.detail) << "said once, though it is so for both families";
  });
}

TEST(Ping, ManyRunsOverOneSocketDoNotMixUpTheirReplies) {
  in_private_network([] {
    Bench bench;
    std::vector<std::unique_ptr<EchoRun>> runs;
    for (unsigned char i = 1; i <= 100; ++i) {
      const boost::asio::ip::address_v4 address({127, 0, 0, i});
      auto run = bench.icmp.begin(address, EchoOptions());
      ASSERT_TRUE(run.has_value());
      runs.push_back(std::move(*run));
    }
    for (auto& run : runs)
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(run->send().has_value());
    runs.front()->collect();  // loopback has answered before send() returns
    for (const auto& run : runs) {
      EXPECT_EQ(run->answered(), 3u);
      for (const auto& echo : run->echoes()) EXPECT_EQ(echo.duplicates, 0u);
    }
  });
}

TEST(Ping, AWantOfDescriptorsIsOurFaultAndDoesNotLast) {
  in_private_network([] {
    rlimit normal{};
    getrlimit(RLIMIT_NOFILE, &normal);
    {
      Loop loop;
      SystemClock clock;
      const rlimit none{0, normal.rlim_max};
      setrlimit(RLIMIT_NOFILE, &none);
      IcmpSockets icmp(loop, clock);
      const auto run = icmp.begin(boost::asio::ip::address_v4::loopback(), EchoOptions());
      setrlimit(RLIMIT_NOFILE, &normal);
      ASSERT_FALSE(run.has_value());
      EXPECT_EQ(run.error().reason, proto::REASON_PROBE_FAULT);
      EXPECT_NE(run.error().detail.find("descriptor"), std::string::npos) << run.error().detail;
      EXPECT_EQ(to_text(icmp.kind()), "raw");
      EXPECT_TRUE(icmp.begin(boost::asio::ip::address_v4::loopback(), EchoOptions()).has_value());
    }
  });
}

}  // namespace
}  // namespace parallax
