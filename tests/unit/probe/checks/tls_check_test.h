// What the tests of tls checks share: definitions, and servers that count what they are sent.
#pragma once

#include <gmock/gmock.h>

#include "tests/unit/probe/checks/check_test.h"

namespace parallax {

// Keeps the connection until the peer goes, so that whatever it sends is counted.
inline Task<> listen_on(TestConnection& connection) { co_await connection.read_some(); }

inline constexpr auto kDay = std::chrono::hours(24);

class TlsCheckTest : public CheckTest {
 protected:
  proto::Check check(const TestServer& server) {
    proto::Check made;
    made.set_target(server.address());
    made.set_ip("any");
    made.mutable_tls()->set_address(server.address());
    made.mutable_tls()->mutable_tls()->set_ca_pem(ca.cert_pem);
    return made;
  }
  TestServer serve(const TestCertificate& certificate) {
    return TestServer(loop, {.certificate = certificate}, listen_on);
  }

  // What checking a server with this certificate gives, and that nothing was sent to it.
  Outcome outcome_of(const TestCertificate& certificate) {
    TestServer server = serve(certificate);
    Outcome outcome = run(check(server));
    EXPECT_EQ(server.received(), "");
    return outcome;
  }

  TestCertificate ca = make_authority("Example CA");
};

}  // namespace parallax
