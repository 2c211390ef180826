// What a run must not do because it would be cheap, and not do again because it is dear.
#include <openssl/ssl.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fstream>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

namespace asio = boost::asio;

// Bytes that this process has read from files so far (proc(5), io); what comes from sockets by recv() is not in
// it.
std::int64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string word;
  std::int64_t bytes = 0;
  io >> word >> bytes;
  return bytes;
}

// A file with some hundred authorities, of which `ca` is one; goes with this.
class Bundle {
 public:
  explicit Bundle(const TestCertificate& ca) {
    ::close(::mkstemp(path_));
    std::ofstream file(path_);
    for (int i = 0; i < 300; ++i) file << ca.cert_pem;
  }
  ~Bundle() { ::unlink(path_); }
  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/parallax-bundle-XXXXXX";
};

class CostTest : public HttpCheckTest {
 protected:
  proto::Check tls_check(const TestServer& server) {
    proto::Check made;
    made.set_ip("any");
    made.mutable_tls()->set_address(server.address());
    made.mutable_tls()->mutable_tls()->set_ca_pem(ca.cert_pem);
    return made;
  }
};

// A client that keeps its session and shows it again.
Task<bool> connect_and_resume(Loop& loop, const TestServer& server) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_max_proto_version(context.native_handle(), TLS1_2_VERSION);
  const asio::ip::tcp::endpoint to(asio::ip::make_address("127.0.0.1"), server.port());
  SSL_SESSION* session = nullptr;
  bool resumed = false;
  for (int i = 0; i < 2; ++i) {
    asio::ssl::stream<asio::ip::tcp::socket> stream(loop, context);
    co_await stream.lowest_layer().async_connect(to, asio::use_awaitable);
    if (session) SSL_set_session(stream.native_handle(), session);
    co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    SSL_SESSION_free(session);
    session = SSL_get1_session(stream.native_handle());
    resumed = SSL_session_reused(stream.native_handle()) == 1;
    SSL_set_shutdown(stream.native_handle(), SSL_SENT_SHUTDOWN);  // else OpenSSL takes the session for a bad one
  }
  SSL_SESSION_free(session);
  co_return resumed;
}

TEST_F(CostTest, NoRunResumesASessionSoThatAHandshakeIsOne) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TestServer server(loop, {.certificate = make_certificate({}, &ca), .max_version = version},
                      always(answer_of("x")));
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(reason(run(check(server.url()))), "ok");
      EXPECT_EQ(reason(run(tls_check(server))), "ok");
    }
    EXPECT_EQ(server.connections(), 6);
    EXPECT_EQ(server.resumed(), 0);
  }
  TestServer server(loop, {.certificate = make_certificate({}, &ca), .max_version = TLS1_2_VERSION},
                    always(answer_of("x")));
  EXPECT_TRUE(run_task(loop, connect_and_resume(loop, server)));
  EXPECT_EQ(server.resumed(), 1) << "the count counts";
}

TEST_F(CostTest, TheHostsAuthoritiesAreReadOnceForAllRuns) {
  const Bundle bundle(ca);
  trust = TrustStores(bundle.path());
  TestServer server(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("x")));
  auto http_check = check(server.url());
  http_check.mutable_http()->mutable_tls()->clear_ca_pem();
  auto certificate_check = tls_check(server);
  certificate_check.mutable_tls()->mutable_tls()->clear_ca_pem();

  const std::int64_t before = bytes_read();
  EXPECT_EQ(reason(run(http_check)), "ok");
  const std::int64_t first = bytes_read() - before;
  EXPECT_GT(first, 100'000) << "the count counts";
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(reason(run(http_check)), "ok");
    EXPECT_EQ(reason(run(certificate_check)), "ok");
  }
  EXPECT_LT(bytes_read() - before - first, 20'000) << "nobody reads a bundle again";
  EXPECT_EQ(trust.parsed(), 1U);
}

}  // namespace
}  // namespace parallax
