// For tests of checks where names matter: every name of shop.test and other.test is this host.
#pragma once

#include "tests/unit/probe/checks/http_check_test.h"
#include "tests/unit/probe/dns_server.h"

namespace parallax {

class NamedHostsTest : public HttpCheckTest {
 protected:
  NamedHostsTest() {
    for (const char* name : {"shop.test", "SHOP.test", "www.shop.test", "other.test", "notshop.test"})
      dns.zones[name].addresses = {"127.0.0.1"};
  }

  static std::string url(const std::string& host, const TestServer& server, const std::string& path = "/") {
    return server.url(path).replace(server.url("").find("127.0.0.1"), 9, host);
  }

  proto::Check check_by_name(const std::string& called) {
    auto made = check(called);
    made.set_ip("4");
    made.set_resolver(dns.where());
    return made;
  }

  TestTls tls_for_names() const {
    TestTls tls;
    tls.certificate = make_certificate({.sans = {"DNS:shop.test", "DNS:other.test", "DNS:inner.test"}}, &ca);
    tls.client_ca_pem = ca.cert_pem;
    tls.client_may_have_none = true;
    return tls;
  }

  DnsServer dns{loop};
};

}  // namespace parallax
