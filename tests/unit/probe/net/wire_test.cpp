#include "probe/net/wire.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "probe/net/icmp.h"
#include "probe/net/icmp_socket.h"
#include "probe/net/kernel_stamps.h"

namespace parallax {
namespace {

struct SetClock final : Clock {
  Instant now() const override { return steady; }
  WallTime wall() const override { return at; }
  Instant steady{std::chrono::seconds(1000)};
  WallTime at{std::chrono::seconds(1'700'000'000)};
};

TEST(KernelStamps, AreBelievedOnlyBetweenTheLastLookAndNow) {
  SetClock clock;
  const Instant looked = clock.steady - Milliseconds(10);
  const Nanoseconds wall = clock.at.time_since_epoch();
  EXPECT_EQ(moment_of_stamp(wall - Milliseconds(3), looked, clock), clock.steady - Milliseconds(3));
  EXPECT_EQ(moment_of_stamp(std::nullopt, looked, clock), clock.steady);
  EXPECT_EQ(moment_of_stamp(wall - Milliseconds(11), looked, clock), clock.steady)
      << "the wall clock went forward";
  EXPECT_EQ(moment_of_stamp(wall + Milliseconds(1), looked, clock), clock.steady) << "or back";
}

// Two ends of a connection on loopback; the server's is a plain descriptor.
struct Ends {
  explicit Ends(Loop& loop) : client(loop) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof own;
    auto* address = reinterpret_cast<sockaddr*>(&own);
    EXPECT_EQ(::bind(listener, address, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, address, &size), 0);
    client.connect({boost::asio::ip::address_v4::loopback(), ntohs(own.sin_port)});
    server = ::accept(listener, nullptr, nullptr);
    ::close(listener);
  }
  ~Ends() { ::close(server); }

  TcpSocket client;
  int server = -1;
};

TEST(Connect, AShortWriteNeverWaitsForTheAcknowledgementOfTheOneBefore) {
  Loop loop;
  const auto socket = open_socket(loop, {boost::asio::ip::address_v4::loopback(), 1}, {});
  ASSERT_TRUE(socket);
  boost::asio::ip::tcp::no_delay set;
  socket->get_option(set);
  EXPECT_TRUE(set.value());
}

TEST(Wire, KnowsWhenAnAnswerArrivedHoweverLateItLooks) {
  Loop loop;
  const SystemClock clock;
  const IcmpSockets pings(loop, clock);  // as in a probe: somebody has asked the host for stamps all the time
  const Instant patience = clock.now() + std::chrono::seconds(5);
  while (!kernel_stamps_arrivals() && clock.now() < patience) {
  }
  Ends ends(loop);
  Wire wire(std::move(ends.client), clock, clock.now() + std::chrono::seconds(10));
  ASSERT_EQ(wire.write("ask").status, Wire::Status::moved);
  ASSERT_EQ(::send(ends.server, "answer", 6, 0), 6);
  const Instant sent = clock.now();
  while (clock.now() - sent < Milliseconds(300)) {  // the loop is at other work
  }
  std::array<char, 100> room;
  const Wire::Moved moved = wire.read(room);
  ASSERT_EQ(moved.status, Wire::Status::moved);
  EXPECT_EQ(moved.size, 6u);
  EXPECT_LT(wire.arrived(), sent + Milliseconds(200));
}

}  // namespace
}  // namespace parallax
