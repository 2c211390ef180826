// What the path to the target does to pings: errors that come back, packets too big, and where they leave this
// host.
#include <gmock/gmock.h>

#include "tests/unit/probe/checks/ping_bench.h"
#include "tests/unit/probe/next_host.h"
#include "tests/unit/probe/scripted_network.h"

namespace parallax {
namespace {

using testing::HasSubstr;

Answers at_once(Packet packet) { return {{std::move(packet), Nanoseconds(0)}}; }

struct Told {
  bool v6;
  IcmpError error;
  const char* text;
};

const std::vector<Told> kErrors = {
    {false, {.type = 3, .code = 0}, "network unreachable"},
    {false, {.type = 3, .code = 1}, "host unreachable"},
    {false, {.type = 3, .code = 3}, "port unreachable"},
    {false, {.type = 3, .code = 13}, "administratively prohibited"},
    {false, {.type = 11, .code = 0}, "hop limit exceeded"},
    {false, {.type = 3, .code = 1, .quotes = 8}, "host unreachable"},
    {true, {.type = 1, .code = 0}, "no route to the destination"},
    {true, {.type = 1, .code = 3}, "address unreachable"},
    {true, {.type = 1, .code = 4}, "port unreachable"},
    {true, {.type = 3, .code = 0}, "hop limit exceeded"},
    {true, {.type = 1, .code = 3, .quotes = 8}, "address unreachable"},
};

TEST(PingPath, AnErrorOfARouterEndsTheRunAtOnceAndIsTheTargetsTrouble) {
  on_every_way([](const Way& way) {
    for (const auto& told : kErrors) {
      if (told.v6 != way.v6) continue;
      ScriptedNetwork network(
          [&](const EchoRequest& request) { return at_once(error_about(request, told.error)); });
      Bench bench;
      const auto outcome = bench.run(ping_of(network.target(way.v6), 5, 900));
      EXPECT_EQ(reason(outcome), "connect_unreachable") << told.text << ": " << outcome.detail;
      EXPECT_EQ(outcome.state, proto::STATE_DOWN);
      EXPECT_EQ(phase(outcome), "rtt");
      EXPECT_EQ(outcome.facts.ping().sent(), 1u) << told.text;
      EXPECT_FALSE(outcome.facts.ping().has_mean());
      EXPECT_THAT(outcome.detail, HasSubstr(told.text));
      EXPECT_THAT(outcome.detail, HasSubstr(way.v6 ? "2001:db8:77::fe" : "10.77.0.254"));
    }
  });
}

TEST(PingPath, AnErrorAfterRepliesEndsTheRunToo) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([&](const EchoRequest& request) {
      if (request.number < 2) return reply_after(request, Milliseconds(1));
      return at_once(error_about(request, {.type = way.v6 ? 1u : 3u, .code = way.v6 ? 3u : 1u}));
    });
    Bench bench;
    const auto outcome = bench.run(ping_of(network.target(way.v6), 5, 5));
    EXPECT_EQ(reason(outcome), "connect_unreachable") << outcome.detail;
    EXPECT_EQ(outcome.facts.ping().received(), 2u);
    EXPECT_EQ(outcome.facts.ping().sent(), 3u);
  });
}

// What says nothing about our request: an error about another's, a redirect, a demand for fragments when they are
// allowed. The reply comes behind it and counts.
TEST(PingPath, WhatIsNoErrorAboutOurRequestChangesNothing) {
  struct Harmless {
    bool v6;
    const char* name;
    IcmpError error;
  };
  using Quoted = std::span<std::uint8_t>;
  const Harmless harmless[] = {
      {false, "another identifier", {.type = 3, .code = 1, .change = [](Quoted icmp) { icmp[5] ^= 1; }}},
      {false, "another sequence", {.type = 3, .code = 1, .change = [](Quoted icmp) { icmp[6] ^= 0x80; }}},
      {false, "another payload", {.type = 3, .code = 1, .change = [](Quoted icmp) { icmp[9] ^= 1; }}},
      {false, "source quench", {.type = 4}},
      {false, "redirect", {.type = 5, .code = 1}},
      {false, "smaller packets", {.type = 3, .code = 4, .mtu = 576}},
      {true, "another identifier", {.type = 1, .code = 3, .change = [](Quoted icmp) { icmp[5] ^= 1; }}},
      {true, "another payload", {.type = 1, .code = 3, .change = [](Quoted icmp) { icmp[9] ^= 1; }}},
      {true, "smaller packets", {.type = 2, .mtu = 1280}},
  };
  on_every_way([&](const Way& way) {
    for (const auto& one : harmless) {
      if (one.v6 != way.v6) continue;
      ScriptedNetwork network([&](const EchoRequest& request) {
        return Answers{{error_about(request, one.error)}, {reply_to(request), Milliseconds(5)}};
      });
      Bench bench;
      const auto outcome = bench.run(ping_of(network.target(way.v6), 2, 1));
      EXPECT_EQ(reason(outcome), "ok") << one.name << ": " << outcome.detail;
      EXPECT_EQ(outcome.facts.ping().received(), 2u) << one.name;
    }
  });
}

// A run whose target is fine beside one whose target is not: both sockets are shared.
TEST(PingPath, TheErrorsOfOneTargetAreNotAnothers) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([&](const EchoRequest& request) {
      const auto to = request.target().to_string();
      if (to.ends_with('9')) return reply_after(request, Milliseconds(3));
      return at_once(error_about(request, {.type = way.v6 ? 1u : 3u, .code = way.v6 ? 3u : 1u}));
    });
    Bench bench;
    auto bad = network.target(way.v6);
    bad.back() = '8';
    const auto good_check = ping_of(network.target(way.v6), 20, 1);
    std::optional<Outcome> good;
    TaskGroup group(bench.loop);
    group.spawn("good", keep(run_check(good_check, bench.tools, in_ms(5000)), good));
    for (int i = 0; i < 20 || !good; ++i)
      EXPECT_EQ(reason(bench.run(ping_of(bad, 5, 900))), "connect_unreachable");
    EXPECT_EQ(reason(*good), "ok") << good->detail;
    EXPECT_EQ(good->facts.ping().received(), 20u);
  });
}

TEST(PingPath, APathTooNarrowForOnePieceIsSaidWithItsWidth) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([&](const EchoRequest& request) {
      if (request.packet.size() <= 1300) return reply_after(request, Milliseconds(0));
      return at_once(error_about(request, {.type = way.v6 ? 2u : 3u, .code = way.v6 ? 0u : 4u, .mtu = 1300}));
    });
    Bench bench;
    auto check = ping_of(network.target(way.v6), 2, 5);
    check.mutable_ping()->set_dont_fragment(true);
    for (int round = 0; round < 2; ++round) {  // what the kernel learned from the first does not hide the second
      check.mutable_ping()->set_payload_bytes(1400);
      const auto narrow = bench.run(check);
      EXPECT_EQ(reason(narrow), "connect_unreachable") << narrow.detail;
      EXPECT_THAT(narrow.detail, HasSubstr("too big to pass in one piece, at most 1300 bytes do"));
      check.mutable_ping()->set_payload_bytes(1200);
      EXPECT_EQ(reason(bench.run(check)), "ok");
    }
  });
}

TEST(PingPath, SendsThePayloadTheHopLimitAndTheBitOfTheDefinition) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) { return reply_after(request, Milliseconds(0)); },
                            65535);
    Bench bench;
    auto check = ping_of(network.target(way.v6), 1, 1);
    for (const unsigned payload : {16u, 17u, 56u, 1472u, 9000u, 65000u})
      for (const bool whole : {false, true}) {
        check.mutable_ping()->set_payload_bytes(payload);
        check.mutable_ping()->set_dont_fragment(whole);
        check.mutable_ping()->set_ttl(payload % 255 + 1);
        const auto outcome = bench.run(check);
        EXPECT_EQ(reason(outcome), "ok") << payload << ": " << outcome.detail;
        EXPECT_EQ(outcome.facts.ping().timestamps(), "kernel") << payload;
        const auto seen = network.requests().back();
        EXPECT_EQ(seen.payload_bytes(), payload);
        EXPECT_EQ(seen.hop_limit(), payload % 255 + 1);
        EXPECT_EQ(seen.dont_fragment(), whole && !way.v6);
      }
    check.mutable_ping()->clear_ttl();
    bench.run(check);
    EXPECT_EQ(network.requests().back().hop_limit(), 64u) << "the host's own, where the definition has none";
  });
}

TEST(PingPath, ABigPayloadGoesAndComesBackInPieces) {
  on_every_way([](const Way& way) {
    shell("ip link set lo mtu 1500");
    Bench bench;
    auto check = ping_of(way.v6 ? "::1" : "127.0.0.1", 3, 1);
    check.mutable_ping()->set_payload_bytes(65000);
    const auto outcome = bench.run(check);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.ping().received(), 3u);
    EXPECT_EQ(outcome.facts.ping().timestamps(), "kernel");
  });
}

TEST(PingPath, LeavesByTheSourceOfTheDefinition) {
  on_every_way([](const Way& way) {
    ScriptedNetwork routed([](const EchoRequest& request) { return reply_after(request, Milliseconds(0)); });
    ScriptedNetwork other([](const EchoRequest& request) { return reply_after(request, Milliseconds(0)); }, 1500,
                          78);
    Bench bench;
    auto check = ping_of(routed.target(way.v6), 1, 1);
    const auto source_of_last = [](const ScriptedNetwork& network) {
      const auto requests = network.requests();
      return requests.empty() ? "none" : requests.back().source().to_string();
    };
    EXPECT_EQ(reason(bench.run(check)), "ok");
    EXPECT_EQ(source_of_last(routed), routed.own(way.v6));
    shell("ip address add " + std::string(way.v6 ? "2001:db8:77::2/64" : "10.77.0.2/24") + " dev " +
          routed.interface() + (way.v6 ? " nodad" : ""));
    check.set_source(way.v6 ? "2001:db8:77::2" : "10.77.0.2");
    EXPECT_EQ(reason(bench.run(check)), "ok");
    EXPECT_EQ(source_of_last(routed), check.source());
    // By the interface, whatever the routes say; without a route through it there is no way.
    shell("ip route add " + std::string(way.v6 ? "2001:db8:77::9/128" : "10.77.0.9/32") + " metric 9000 dev " +
          other.interface());
    shell("ip route add " + std::string(way.v6 ? "2001:db8:77::9/128" : "10.77.0.9/32") + " metric 10 dev " +
          routed.interface());
    const auto before = routed.requests().size();
    check.set_source(other.interface());
    const auto by_interface = bench.run(check);
    EXPECT_EQ(reason(by_interface), "ok") << by_interface.detail;
    EXPECT_EQ(source_of_last(other), other.own(way.v6));
    EXPECT_EQ(routed.requests().size(), before);
    // A source of the other family.
    check.set_source(routed.own(!way.v6));
    const auto other_family = bench.run(check);
    EXPECT_EQ(reason(other_family), "probe_isolated") << other_family.detail;
  });
}

TEST(PingPath, ALinkOfOursThatGoesDownInTheMiddleIsOurTroubleNotTheTargets) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) { return reply_after(request, Milliseconds(0)); });
    Bench bench;
    auto run = bench.icmp.begin(boost::asio::ip::make_address(network.target(way.v6)), EchoOptions());
    ASSERT_TRUE(run.has_value());
    EXPECT_TRUE((*run)->send().has_value());
    shell("ip link set " + network.interface() + " down");
    const auto sent = (*run)->send();
    ASSERT_FALSE(sent.has_value());
    EXPECT_EQ(sent.error().reason, proto::REASON_PROBE_ISOLATED) << sent.error().detail;
    EXPECT_EQ((*run)->echoes().size(), 1u) << "what did not leave was not sent";
  });
}

TEST(PingPath, AFirewallThatDropsEveryThirdOnTheWayInIsSeenAsJustThat) {
  in_private_network([] {
    const NextHost next(
        "nft 'add table inet t; add chain inet t in { type filter hook input priority 0; }' && "
        "nft add rule inet t in meta l4proto icmp icmp type echo-request numgen inc mod 3 == 1 drop && "
        "nft add rule inet t in meta l4proto ipv6-icmp icmpv6 type echo-request numgen inc mod 3 == 1 drop");
    for (const bool v6 : {false, true}) {
      set_sysctl("net/ipv4/ping_group_range", v6 ? "1 0" : "0 0");
      Bench bench;
      const auto outcome = bench.run(ping_of(v6 ? "2001:db8:9::9" : "10.9.0.9", 12, 2, 600));
      EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
      EXPECT_EQ(outcome.facts.ping().sent(), 12u);
      EXPECT_EQ(outcome.facts.ping().received(), 8u);
      EXPECT_EQ(outcome.facts.ping().timestamps(), "kernel");
    }
  });
}

}  // namespace
}  // namespace parallax
