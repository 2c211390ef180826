#include "probe/net/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/ip/udp.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/unit/probe/loopback.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
using testing::ElementsAre;

// A DNS server on loopback that answers by script: a name is an A record, an AAAA record, an rcode or silence.
class DnsServer {
 public:
  struct Zone {
    std::vector<std::string> addresses;
    int rcode = 0;       // of every answer
    int aaaa_rcode = 0;  // of the answer to AAAA only
    bool silent = false;
  };

  explicit DnsServer(Loop& loop) : socket_(loop, {asio::ip::address_v4::loopback(), 0}) { receive(); }
  std::string where() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }

  std::map<std::string, Zone> zones;
  int asked = 0;

 private:
  void receive() {
    socket_.async_receive_from(asio::buffer(query_), from_, [this](const auto& error, std::size_t size) {
      if (error) return;
      ++asked;
      answer(size);
      receive();
    });
  }

  void answer(std::size_t size) {
    std::string name;
    std::size_t at = 12;
    while (at < size && query_[at] != 0) {
      if (!name.empty()) name += '.';
      name.append(query_.data() + at + 1, static_cast<unsigned char>(query_[at]));
      at += 1 + static_cast<unsigned char>(query_[at]);
    }
    const bool asks_v6 = query_[at + 2] == 28;
    const auto zone = zones.find(name);
    std::string reply(query_.data(), at + 5);
    reply[2] = static_cast<char>(0x84);
    reply[3] = static_cast<char>(0x80);
    reply[6] = reply[7] = reply[8] = reply[9] = reply[10] = reply[11] = 0;
    if (zone == zones.end()) {
      reply[3] = static_cast<char>(0x83);
    } else {
      if (zone->second.silent) return;
      const int rcode = asks_v6 && zone->second.aaaa_rcode ? zone->second.aaaa_rcode : zone->second.rcode;
      reply[3] = static_cast<char>(0x80 | rcode);
      for (const std::string& text : zone->second.addresses) {
        const auto address = asio::ip::make_address(text);
        if (address.is_v6() != asks_v6 || rcode) continue;
        ++reply[7];
        reply += std::string("\xc0\x0c\x00", 3) + static_cast<char>(asks_v6 ? 28 : 1) +
                 std::string("\x00\x01\x00\x00\x00\x3c\x00", 7) + static_cast<char>(asks_v6 ? 16 : 4);
        if (asks_v6)
          for (const unsigned char byte : address.to_v6().to_bytes()) reply += static_cast<char>(byte);
        else
          for (const unsigned char byte : address.to_v4().to_bytes()) reply += static_cast<char>(byte);
      }
    }
    socket_.send_to(asio::buffer(reply), from_);
  }

  asio::ip::udp::socket socket_;
  asio::ip::udp::endpoint from_;
  std::array<char, 512> query_{};
};

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
  std::optional<Step<std::vector<asio::ip::address>>> slow;
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
