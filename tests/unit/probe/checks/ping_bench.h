// What the tests of pings over networks of their own share.
#pragma once

#include <functional>
#include <string>

#include "tests/unit/probe/checks/check_test.h"
#include "tests/unit/probe/private_network.h"

namespace parallax {

// Everything a check needs, in the private network of the thread that makes it.
struct Bench : CheckTest {
  void TestBody() override {}
  using CheckTest::run;
  Outcome run(const proto::Check& check) { return run(check, static_cast<int>(check.timeout_ms())); }
  using CheckTest::clock;
  using CheckTest::guard;
  using CheckTest::http;
  using CheckTest::icmp;
  using CheckTest::loop;
  using CheckTest::resolver;
  using CheckTest::secrets;
  using CheckTest::tools;
  using CheckTest::trust;
};

// The four ways in which this host can speak to a network.
struct Way {
  bool v6;
  bool datagram;
};
inline std::string text_of(const Way& way) {
  return std::string(way.v6 ? "IPv6" : "IPv4") + (way.datagram ? ", datagram" : ", raw");
}

inline void on_every_way(const std::function<void(const Way&)>& body) {
  in_private_network([&] {
    for (const bool datagram : {true, false}) {
      set_sysctl("net/ipv4/ping_group_range", datagram ? "0 0" : "1 0");
      for (const bool v6 : {false, true}) {
        SCOPED_TRACE(text_of({v6, datagram}));
        body({v6, datagram});
      }
    }
  });
}

// For what takes its whole timeout: each family and each kind of socket once.
inline void on_two_ways(const std::function<void(const Way&)>& body) {
  on_every_way([&](const Way& way) {
    if (way.v6 != way.datagram) body(way);
  });
}

inline proto::Check ping_of(const std::string& host, unsigned packets, int spacing_ms, int timeout_ms = 5000) {
  proto::Check check;
  check.set_id("shop-api/edge");
  check.set_ip("any");
  check.set_timeout_ms(timeout_ms);
  check.mutable_ping()->set_host(host);
  check.mutable_ping()->set_packets(packets);
  check.mutable_ping()->set_spacing_ms(spacing_ms);
  return check;
}

}  // namespace parallax
