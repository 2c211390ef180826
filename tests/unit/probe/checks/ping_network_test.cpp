// Pings through a network that does to each packet what the test says: what the facts then must be is known.
#include <gmock/gmock.h>

#include <atomic>
#include <cmath>

#include "tests/unit/probe/checks/ping_bench.h"
#include "tests/unit/probe/scripted_network.h"

namespace parallax {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;

// The round trips are what the network made of them: never shorter than it held the replies, and they were back
// when it had written them. (ALoopThatReadsRepliesLate... knows when each request left, and so the truth to the
// microsecond.)
void expect_as_held(const proto::PingFacts& facts, std::vector<ScriptedNetwork::Held> held, Instant run_began) {
  ASSERT_EQ(static_cast<std::size_t>(facts.rtt_size()), held.size());
  std::sort(held.begin(), held.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  for (std::size_t i = 0; i < held.size(); ++i) {
    const double rtt = facts.rtt(static_cast<int>(i));
    EXPECT_GE(rtt, seconds(held[i].least) - 1e-6) << "request " << i;
    EXPECT_LE(rtt, seconds(held[i].written - run_began)) << "request " << i;
  }
}

TEST(PingNetwork, TheRoundTripIsTheDelayThatTheNetworkAdded) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) { return reply_after(request, Milliseconds(20)); });
    Bench bench;
    EXPECT_EQ(to_text(bench.icmp.kind()), way.datagram ? "datagram" : "raw");
    const Instant began = bench.clock.now();
    const auto outcome = bench.run(ping_of(network.target(way.v6), 9, 5));
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    const auto& facts = outcome.facts.ping();
    EXPECT_EQ(facts.timestamps(), "kernel");
    expect_as_held(facts, network.held(), began);
    EXPECT_NEAR(seconds(*outcome.phases.of(proto::PHASE_RTT)), facts.mean(), 1e-8);
  });
}

// The loop is busy while the replies come: nothing of it is in the round trips.
TEST(PingNetwork, ALoopThatReadsRepliesLateMakesThemNoLonger) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) { return reply_after(request, Milliseconds(2)); });
    Bench bench;
    run_task(bench.loop, [](IcmpSockets& icmp) -> Task<bool> {
      co_await icmp.settled();
      co_return true;
    }(bench.icmp));
    auto run = bench.icmp.begin(boost::asio::ip::make_address(network.target(way.v6)), EchoOptions());
    ASSERT_TRUE(run.has_value());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE((*run)->send().has_value());
    const Instant busy_until = bench.clock.now() + Milliseconds(60);
    while (bench.clock.now() < busy_until || network.held().size() < 5) continue;
    (*run)->collect();
    ASSERT_EQ((*run)->answered(), 5u);
    const auto held = network.held();
    for (std::size_t i = 0; i < 5; ++i) {
      const auto& echo = (*run)->echoes()[i];
      const auto trip = round_trip(echo);
      EXPECT_TRUE(trip.by_kernel);
      EXPECT_GE(trip.time, held[i].least);
      EXPECT_LE(trip.time, held[i].written - echo.sent.steady) << "it was back by then";
    }
  });
}

Task<> hold_the_loop(const Clock& clock, Instant from, Nanoseconds how_long) {
  co_await sleep_until(from);
  while (clock.now() < from + how_long) continue;
}

// The same of a whole run: what comes while the probe is busy is no later and no less, and a pass stays a pass.
TEST(PingNetwork, ALoopThatIsHeldInTheMiddleOfARunLosesNothing) {
  in_private_network([] {
    ScriptedNetwork network([](const EchoRequest& request) { return reply_after(request, Milliseconds(10)); });
    Bench bench;
    auto check = ping_of(network.target(false), 4, 20);
    check.mutable_ping()->mutable_expect()->set_max_rtt_ms(140);
    check.mutable_ping()->mutable_expect()->set_max_loss(0);
    TaskGroup group(bench.loop);
    group.spawn("busy", hold_the_loop(bench.clock, in_ms(25), Milliseconds(150)));
    const Instant began = bench.clock.now();
    const auto outcome = bench.run(check);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    expect_as_held(outcome.facts.ping(), network.held(), began);
  });
}

TEST(PingNetwork, LossIsExactlyTheShareThatTheNetworkDropped) {
  on_two_ways([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) {
      return request.number % 3 == 1 ? Answers() : reply_after(request, Milliseconds(0));
    });
    Bench bench;
    const auto outcome = bench.run(ping_of(network.target(way.v6), 12, 2, 600));
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.ping().sent(), 12u);
    EXPECT_EQ(outcome.facts.ping().received(), 8u);
    EXPECT_EQ(outcome.facts.ping().rtt_size(), 8);
    EXPECT_DOUBLE_EQ(outcome.facts.ping().loss(), 4.0 / 12);
  });
}

TEST(PingNetwork, EveryRepeatedReplyIsADuplicateAndNoneIsAReplyMore) {
  on_every_way([](const Way& way) {
    // Two of the first, one more of the second; the last is slow, so that all are there when it comes.
    ScriptedNetwork network([](const EchoRequest& request) {
      Answers answers = reply_after(request, Milliseconds(request.number == 2 ? 15 : 0));
      for (int i = request.number; i < 2; ++i) answers.push_back({reply_to(request), Milliseconds(3)});
      return answers;
    });
    Bench bench;
    auto check = ping_of(network.target(way.v6), 3, 2);
    check.mutable_ping()->mutable_expect()->set_max_duplicates(3);
    const auto outcome = bench.run(check);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.ping().duplicates(), 3u);
    EXPECT_EQ(outcome.facts.ping().received(), 3u);
    EXPECT_EQ(outcome.facts.ping().loss(), 0);
    EXPECT_EQ(outcome.facts.ping().rtt_size(), 3);
  });
}

TEST(PingNetwork, RepliesInTheWrongOrderAreMatchedToTheirOwnRequests) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) {
      return reply_after(request, Milliseconds(50 - 10 * request.number));  // the last comes first
    });
    Bench bench;
    const Instant began = bench.clock.now();
    const auto outcome = bench.run(ping_of(network.target(way.v6), 5, 1));
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    const auto held = network.held();
    ASSERT_EQ(held.size(), 5u);
    EXPECT_GT(held.front().number, held.back().number) << "the network did reorder";
    expect_as_held(outcome.facts.ping(), held, began);
  });
}

// RFC 3550, 6.4.1: J = J + (|D| - J) / 16, here over the delays that the network really made.
TEST(PingNetwork, JitterIsWhatRfc3550MakesOfTheDelays) {
  on_every_way([](const Way& way) {
    const int delays_ms[] = {10, 30, 10, 50, 5, 5};
    ScriptedNetwork network(
        [&](const EchoRequest& request) { return reply_after(request, Milliseconds(delays_ms[request.number])); });
    Bench bench;
    const Instant began = bench.clock.now();
    const auto outcome = bench.run(ping_of(network.target(way.v6), 6, 1));
    const auto& facts = outcome.facts.ping();
    expect_as_held(facts, network.held(), began);
    double expected = 0;
    for (int i = 1; i < facts.rtt_size(); ++i)
      expected += (std::abs(facts.rtt(i) - facts.rtt(i - 1)) - expected) / 16;
    EXPECT_NEAR(facts.jitter(), expected, 2e-9);
  });
}

// What comes back under our name and is not ours: all of it lost, and no reply, no error, no crash.
TEST(PingNetwork, WhatIsNotTheReplyToOurRequestIsNoReply) {
  using Icmp = std::span<std::uint8_t>;
  struct Forgery {
    const char* name;
    std::function<void(Icmp)> change;
    bool mend = true;
  };
  const Forgery forgeries[] = {
      {"another identifier", [](Icmp icmp) { icmp[5] ^= 1; }},
      {"a sequence that is not on its way", [](Icmp icmp) { icmp[6] ^= 0x80; }},
      {"another payload", [](Icmp icmp) { icmp[8] ^= 1; }},
      {"the end of the random payload is another", [](Icmp icmp) { icmp[15] ^= 0x80; }},
      {"our own request", [](Icmp icmp) { icmp[0] = icmp[0] == 0 ? 8 : 128; }},
      {"a reply with a code", [](Icmp icmp) { icmp[1] = 1; }},
      {"a broken header", [](Icmp icmp) { icmp[2] ^= 1; }, false},
      {"a payload broken on the way", [](Icmp icmp) { icmp[30] ^= 1; }, false},
  };
  on_every_way([&](const Way& way) {
    // Behind the forgeries an honest reply: when that is here, they have been.
    ScriptedNetwork network([&](const EchoRequest& request) {
      const auto number = static_cast<std::size_t>(request.number);
      if (number >= std::size(forgeries)) return reply_after(request, Milliseconds(1));
      return Answers{{changed_reply(request, forgeries[number].change, forgeries[number].mend)}};
    });
    Bench bench;
    auto run = bench.icmp.begin(boost::asio::ip::make_address(network.target(way.v6)), EchoOptions());
    ASSERT_TRUE(run.has_value());
    for (std::size_t i = 0; i <= std::size(forgeries); ++i) ASSERT_TRUE((*run)->send().has_value());
    const auto& honest = (*run)->echoes().back();
    while (!honest.received && bench.clock.now() < honest.sent.steady + Milliseconds(5000)) (*run)->collect();
    EXPECT_TRUE(honest.received);
    for (std::size_t i = 0; i < std::size(forgeries); ++i) {
      EXPECT_FALSE((*run)->echoes()[i].received) << forgeries[i].name;
      EXPECT_EQ((*run)->echoes()[i].duplicates, 0u) << forgeries[i].name;
    }
    EXPECT_FALSE((*run)->refusal());
  });
}

TEST(PingNetwork, AReplyCutShortIsNoReply) {
  on_every_way([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest& request) {
      EchoRequest cut = request;  // to the eight bytes of its header, then to half of the random payload
      cut.packet.resize(request.icmp_at() + 8 + 4 * static_cast<std::size_t>(request.number));
      return Answers{{reply_to(cut)}};
    });
    Bench bench;
    const auto outcome = bench.run(ping_of(network.target(way.v6), 2, 1, 60));
    EXPECT_EQ(outcome.facts.ping().received(), 0u) << outcome.detail;
  });
}

TEST(PingNetwork, OnTotalLossNothingIsSaidOfRoundTripsNotEvenZero) {
  on_two_ways([](const Way& way) {
    ScriptedNetwork network([](const EchoRequest&) { return Answers(); });
    Bench bench;
    const auto outcome = bench.run(ping_of(network.target(way.v6), 3, 1, 300));
    EXPECT_EQ(reason(outcome), "packet_loss");
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
    EXPECT_FALSE(outcome.phases.of(proto::PHASE_RTT).has_value());
    const auto& facts = outcome.facts.ping();
    EXPECT_EQ(facts.sent(), 3u);
    EXPECT_EQ(facts.loss(), 1);
    EXPECT_FALSE(facts.has_min() || facts.has_mean() || facts.has_median() || facts.has_p95() || facts.has_max() ||
                 facts.has_stddev() || facts.has_jitter() || facts.has_timestamps() || facts.has_hop_limit());
  });
}

// One second is the contract's own: the only test here that takes that long.
TEST(PingNetwork, AReplyMoreThanASecondAfterTheNextRequestIsLateAndNotReceived) {
  in_private_network([] {
    // The first is answered 1100 ms after the second came, the second 700 ms after the third, the third never.
    std::vector<EchoRequest> asked;
    ScriptedNetwork network([&](const EchoRequest& request) {
      asked.push_back(request);
      if (request.number == 0) return Answers();
      return reply_after(asked[static_cast<std::size_t>(request.number) - 1],
                         Milliseconds(request.number == 1 ? 1100 : 700));
    });
    Bench bench;
    const auto outcome = bench.run(ping_of(network.target(false), 3, 300));
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.ping().late(), 1u);
    EXPECT_EQ(outcome.facts.ping().received(), 1u);
    EXPECT_DOUBLE_EQ(outcome.facts.ping().loss(), 2.0 / 3);
    ASSERT_EQ(outcome.facts.ping().rtt_size(), 1);
    EXPECT_GE(outcome.facts.ping().rtt(0), 0.999) << "more than a second, and yet in time";
    EXPECT_THAT(outcome.detail, HasSubstr("1 came too late"));
  });
}

// A host whose wall clock is set in the middle of a run: kernel stamps cannot be trusted then, steady time can.
struct SteppingClock final : Clock {
  SystemClock real;
  std::function<Nanoseconds()> step;
  Instant now() const override { return real.now(); }
  WallTime wall() const override { return real.wall() + std::chrono::duration_cast<microseconds>(step()); }
};

TEST(PingNetwork, AClockSetInTheMiddleLeavesTheRoundTripToTheSteadyOne) {
  in_private_network([] {
    for (const Nanoseconds step : {Nanoseconds(Milliseconds(-300)), Nanoseconds(std::chrono::hours(1))}) {
      std::atomic<bool> stepped = false;
      ScriptedNetwork network([&](const EchoRequest& request) {
        stepped = true;  // while it is on its way
        return reply_after(request, Milliseconds(20));
      });
      Bench bench;
      SteppingClock clock;
      clock.step = [&] { return stepped ? step : Nanoseconds(0); };
      IcmpSockets icmp(bench.loop, clock);
      Tools tools{bench.loop, clock, bench.guard, bench.resolver, bench.secrets, bench.trust, bench.http, icmp};
      const auto outcome =
          run_task(bench.loop, run_check(ping_of(network.target(false), 1, 1), tools, in_ms(5000)));
      EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
      EXPECT_EQ(outcome.facts.ping().timestamps(), "user");
      EXPECT_GE(outcome.facts.ping().mean(), 0.020);
      EXPECT_LT(outcome.facts.ping().mean(), 0.250);
    }
  });
}

}  // namespace
}  // namespace parallax
