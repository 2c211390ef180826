// The keys that say how a check's connections are made: `resolver`, `source` and `ip`.
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>

#include "tests/unit/probe/checks/http_check_test.h"
#include "tests/unit/probe/dns_server.h"
#include "tests/unit/probe/private_network.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class RouteTest : public HttpCheckTest {
 protected:
  // A server that the name shop.test leads to, by `dns` alone.
  proto::Check check_by_name() {
    dns.zones["shop.test"].addresses = {"127.0.0.1"};
    auto made = check("http://shop.test:" + std::to_string(server.port()) + "/");
    made.set_resolver(dns.where());
    return made;
  }

  DnsServer dns{loop};
  TestServer server{loop, always(answer_of("hello"))};
};

TEST_F(RouteTest, AsksTheResolverOfTheDefinition) {
  auto c = check_by_name();
  EXPECT_EQ(reason(run(c)), "ok");
  dns.zones.clear();
  EXPECT_EQ(reason(run(c)), "resolve_not_found");
  dns.zones["shop.test"].silent = true;
  const Outcome silent = run(c, 200);
  EXPECT_EQ(reason(silent), "resolve_timeout");
  EXPECT_EQ(phase(silent), "resolve");
}

TEST_F(RouteTest, AsksTheResolverAboutEveryHop) {
  TestServer first(
      loop,
      always(answer_of("", "Location: http://shop.test:" + std::to_string(server.port()) + "/\r\n", "302 Found")));
  auto c = check_by_name();
  c.mutable_http()->set_url(first.url());
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(RouteTest, AResolverThatTheGuardRefusesIsNotAsked) {
  auto c = check_by_name();
  guard = *Guard::from_prefixes({});
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "blocked_by_policy") << outcome.detail;
  EXPECT_THAT(outcome.detail, HasSubstr("as a resolver 127.0.0.1"));
  EXPECT_EQ(dns.asked, 0);
}

TEST_F(RouteTest, LeavesFromTheSourceOfTheDefinitionOnEveryHop) {
  TestServer first(loop, always(answer_of("", "Location: " + server.url() + "\r\n", "302 Found")));
  auto c = check(first.url());
  c.set_source("127.0.0.9");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_EQ(first.peer(), "127.0.0.9");
  EXPECT_EQ(server.peer(), "127.0.0.9");
  c.set_source("lo");
  EXPECT_EQ(reason(run(c)), "ok");
}

TEST_F(RouteTest, ASourceThatThisHostDoesNotHaveIsOurTroubleNotTheTargets) {
  auto c = check(server.url());
  for (const char* source : {"192.0.2.9", "::1", "none0"}) {
    c.set_source(source);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "probe_isolated") << source << ": " << outcome.detail;
    EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN);
    EXPECT_THAT(outcome.detail, HasSubstr(source));
  }
  EXPECT_EQ(server.connections(), 0);
}

std::string asio_text(const sockaddr_in& from) {
  return boost::asio::ip::address_v4(ntohl(from.sin_addr.s_addr)).to_string();
}

// The source address of the next echo request that this host sends to itself.
std::string source_of_echo(int raw) {
  char packet[256];
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const auto got = ::recvfrom(raw, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return "nothing";
    if (got > 20 && packet[20] == 8) return asio_text(from);
  }
}

TEST_F(RouteTest, PingsFromTheSourceOfTheDefinition) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const int raw = ::socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
  ASSERT_GE(raw, 0);
  proto::Check c;
  c.set_ip("any");
  c.set_timeout_ms(5000);
  c.mutable_ping()->set_host("127.0.0.1");
  c.mutable_ping()->set_packets(1);
  c.set_source("127.0.0.9");
  EXPECT_EQ(reason(run(c)), "ok");
  EXPECT_EQ(source_of_echo(raw), "127.0.0.9");
  ::close(raw);
  c.set_source("lo");
  EXPECT_EQ(reason(run(c)), "ok");
  c.set_source("none0");
  EXPECT_EQ(reason(run(c)), "probe_isolated");
  c.set_source("192.0.2.9");
  EXPECT_EQ(reason(run(c)), "probe_isolated");
  c.mutable_ping()->set_host("::1");
  c.set_source("::1");
  EXPECT_EQ(reason(run(c)), "ok");
}

TEST(Route, AFamilyWithoutAWayIsNotWaitedFor) {
  in_private_network([] {
    shell(
        "ip link add d0 type veth peer name d1 && ip link set d1 up && ip address add 10.9.9.1/24 dev d0 && ip "
        "link set d0 up");
    shell("ip route add default via 10.9.9.2");
    struct Bench : RouteTest {
      void TestBody() override {
        auto c = check_by_name();
        dns.zones["shop.test"].aaaa_silent = true;
        const Outcome outcome = run(c, 20000);
        EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
        EXPECT_LT(*outcome.phases.of(proto::PHASE_RESOLVE), Milliseconds(1500));
        // Only an address that cannot be reached from here: our trouble, and not "there is no such name".
        dns.zones["shop.test"] = {.addresses = {"2001:db8::7"}};
        EXPECT_EQ(reason(run(c)), "probe_isolated");
      }
    } bench;
    bench.TestBody();
  });
}

}  // namespace
}  // namespace parallax
