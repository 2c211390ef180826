// Servers that ask for a client certificate.
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/unit/made_certificates.h"
#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using ::testing::HasSubstr;

// Asks for a certificate and makes do without one.
void ask_politely(SSL_CTX* context) {
  const auto anything = [](int, X509_STORE_CTX*) { return 1; };
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, anything);
}

// Asks twice how a connection ends: a refusal of TLS 1.3 comes after the handshake.
class TlsClient : public TlsCheckTest, public ::testing::WithParamInterface<int> {
 protected:
  TestServer asking() {
    return TestServer(
        loop, {.certificate = make_certificate({}, &ca), .client_ca_pem = ca.cert_pem, .max_version = GetParam()},
        always(answer_of("hello")));
  }
  Outcome showing(const TestServer& server, const std::string& cert, const std::string& key = "") {
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_cert_file(cert.empty() ? "" : folder / cert);
    c.mutable_tls()->mutable_tls()->set_key_file(key.empty() ? "" : folder / key);
    return run(c);
  }
  Outcome http_showing(const TestServer& server, const std::string& cert) {
    proto::Check c;
    c.set_ip("any");
    c.mutable_http()->set_url(server.url());
    c.mutable_http()->mutable_tls()->set_ca_pem(ca.cert_pem);
    c.mutable_http()->mutable_tls()->set_cert_file(cert.empty() ? "" : folder / cert);
    return run(c);
  }
  void write(const std::string& name, const TestCertificate& certificate, const std::string& chain = "") {
    folder.write(name, certificate.cert_pem + chain + certificate.key_pem);
  }

  testing::TemporaryFolder folder;
};

TEST_P(TlsClient, IsRefusedWithoutACertificateAndWithAStrangersAndGoesOnWithAGoodOne) {
  write("good.pem", make_certificate({.common_name = "probe"}, &ca));
  write("stranger.pem", make_certificate({.common_name = "probe"}));
  write("past.pem", make_certificate({.common_name = "probe", .starts = -9 * kDay, .ends = -kDay}, &ca));
  TestServer server = asking();
  EXPECT_EQ(reason(showing(server, "good.pem")), "ok");
  EXPECT_EQ(reason(http_showing(server, "good.pem")), "ok");
  for (const char* bad : {"", "stranger.pem", "past.pem"}) {
    const Outcome refused = showing(server, bad);
    EXPECT_EQ(reason(refused), "tls_protocol") << bad << ": " << refused.detail;
    EXPECT_EQ(phase(refused), "tls");
    EXPECT_EQ(refused.state, proto::STATE_DOWN);
    EXPECT_THAT(refused.detail, HasSubstr("alert \""));
    EXPECT_TRUE(refused.facts.tls().verified()) << "the server's own certificate is fine";
    EXPECT_GT(refused.facts.tls().certificates_size(), 0);
  }
  const Outcome refused = http_showing(server, "stranger.pem");
  EXPECT_EQ(reason(refused), "tls_protocol") << refused.detail;
}

TEST_P(TlsClient, SendsTheRestOfItsChain) {
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .is_authority = true}, &ca);
  const TestCertificate client = make_certificate({.common_name = "probe"}, &signer);
  write("whole.pem", client, signer.cert_pem);
  write("alone.pem", client);
  TestServer server = asking();
  EXPECT_EQ(reason(showing(server, "whole.pem")), "ok");
  EXPECT_EQ(reason(showing(server, "alone.pem")), "tls_protocol");
}

TEST_P(TlsClient, IsUpWithoutOneWhereTheServerOnlyAsks) {
  TestServer server(loop,
                    {.certificate = make_certificate({}, &ca), .max_version = GetParam(), .also = &ask_politely},
                    listen_on);
  EXPECT_EQ(reason(showing(server, "")), "ok");
}

// A certificate that this probe cannot use is its own fault, and nobody is asked.
TEST_P(TlsClient, AMissingOrWrongKeyIsThisProbesFault) {
  const TestCertificate client = make_certificate({.common_name = "probe"}, &ca);
  write("good.pem", client);
  folder.write("cert.pem", client.cert_pem);
  folder.write("key.pem", client.key_pem);
  folder.write("other.pem", ca.key_pem);
  folder.write("nonsense.pem", "-----BEGIN NONSENSE-----");
  TestServer server = asking();
  EXPECT_EQ(reason(showing(server, "cert.pem", "key.pem")), "ok");
  const int before = server.connections();
  const struct {
    const char* cert;
    const char* key;
    const char* words;
  } kCases[] = {
      {"none.pem", "", "none.pem"},
      {"cert.pem", "none.pem", "none.pem"},
      {"cert.pem", "", "no private key without a passphrase in "},
      {"cert.pem", "other.pem", "does not belong to"},
      {"cert.pem", "nonsense.pem", "no private key without a passphrase in "},
      {"nonsense.pem", "key.pem", "no certificate in cert_file"},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = showing(server, one.cert, one.key);
    EXPECT_EQ(reason(outcome), "probe_fault") << one.cert << " " << one.key;
    EXPECT_EQ(outcome.state, proto::STATE_UNKNOWN);
    EXPECT_THAT(outcome.detail, HasSubstr(one.words));
  }
  EXPECT_EQ(server.connections(), before);
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsClient, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13"; });

}  // namespace
}  // namespace parallax
