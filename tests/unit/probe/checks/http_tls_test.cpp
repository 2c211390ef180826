// What tls_*_test.cpp asks of a tls check, in part of an http check: the reason told, and not a byte sent.
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <cstdlib>

#include "tests/unit/probe/checks/http_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

constexpr auto kDay = std::chrono::hours(24);

class HttpTls : public HttpCheckTest {
 protected:
  // With a password, which must not be read by whoever is not verified.
  proto::Check check(const TestServer& server, const std::string& version = "auto") {
    ::setenv("PARALLAX_TEST_PASSWORD", "p", 1);
    auto made = HttpCheckTest::check(server.url("/orders"));
    made.mutable_http()->set_http_version(version);
    made.mutable_http()->mutable_basic_auth()->set_username("u");
    made.mutable_http()->mutable_basic_auth()->mutable_password()->set_env("PARALLAX_TEST_PASSWORD");
    return made;
  }
};

struct BadServer {
  const char* reason;
  const char* words;
  TestTls tls;
};

std::vector<BadServer> bad_servers(const TestCertificate& ca) {
  const TestCertificate other = make_authority("Other CA");
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .is_authority = true}, &ca);
  const TestCertificate huge = make_certificate({.key_pem = make_rsa_key(4423, 4253)}, &ca);
  const TestCertificate leaf = make_certificate({}, &ca);
  const auto staple = make_staple({.of = leaf, .issuer = ca, .signer = ca, .is_revoked = true});
  const auto signed_by_ca = [&](const CertificateWish& wish) { return make_certificate(wish, &ca); };
  return {
      {"tls_self_signed", "is self-signed", {.certificate = make_certificate({})}},
      {"tls_untrusted", "is not signed by a trusted", {.certificate = make_certificate({}, &other)}},
      {"tls_untrusted", "is not signed by a trusted", {.certificate = make_certificate({}, &signer)}},
      {"tls_revoked", "was revoked", {.certificate = leaf, .staple = staple}},
      {"tls_expired",
       "expired 2 days ago",
       {.certificate = signed_by_ca({.starts = -9 * kDay, .ends = -2 * kDay - std::chrono::minutes(1)})}},
      {"tls_not_yet_valid", "is not valid before", {.certificate = signed_by_ca({.starts = kDay})}},
      {"tls_name_mismatch",
       "is for shop.example, not for 127.0.0.1",
       {.certificate = signed_by_ca({.sans = {"DNS:shop.example"}})}},
      {"weak", "weak signature (ecdsa-with-SHA1)", {.certificate = signed_by_ca({.digest = "SHA1"})}},
      {"weak", "weak key (RSA 1128)", {.certificate = signed_by_ca({.key_pem = make_rsa_key(607, 521)})}},
      {"tls_protocol", "over the bounds", {.certificate = huge}},
      {"tls_protocol", "protocol version", {.certificate = leaf, .max_version = TLS1_1_VERSION}},
  };
}

TEST_F(HttpTls, TellsEachFaultApartAndSendsNothing) {
  for (const BadServer& bad : bad_servers(ca)) {
    for (const char* alpn : {"http/1.1", "h2"}) {
      TestTls tls = bad.tls;
      tls.alpn = alpn;
      TestServer server(loop, tls, always(answer_of("hello")));
      const Outcome outcome = run(check(server));
      EXPECT_EQ(reason(outcome), bad.reason) << bad.words << ": " << outcome.detail;
      EXPECT_EQ(phase(outcome), "tls");
      EXPECT_EQ(outcome.state, proto::STATE_DOWN);
      EXPECT_THAT(outcome.detail, HasSubstr(bad.words));
      EXPECT_FALSE(outcome.facts.tls().verified());
      EXPECT_FALSE(outcome.facts.http().has_status());
      EXPECT_FALSE(outcome.phases.of(proto::PHASE_PROCESSING));
      EXPECT_EQ(server.connections(), 1);
      EXPECT_EQ(server.received(), "") << bad.words;
      if (bad.reason == std::string("tls_protocol")) continue;
      EXPECT_GT(outcome.facts.tls().certificates_size(), 0) << "facts of a bad certificate, too";
      EXPECT_TRUE(outcome.facts.tls().has_verify_error());
      EXPECT_FALSE(outcome.facts.tls().has_chain_expiry());
    }
  }
}

TEST_F(HttpTls, WithoutVerificationABadCertificateIsOnlyAFact) {
  for (const BadServer& bad : bad_servers(ca)) {
    if (bad.reason == std::string("tls_protocol")) continue;
    TestServer server(loop, bad.tls, always(answer_of("hello")));
    auto c = check(server);
    c.mutable_http()->mutable_tls()->set_verify(false);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << bad.words << ": " << outcome.detail;
    EXPECT_FALSE(outcome.facts.tls().verified());
    EXPECT_TRUE(outcome.facts.tls().has_verify_error());
    EXPECT_FALSE(outcome.facts.tls().has_chain_expiry());
    EXPECT_THAT(server.received(), HasSubstr("\r\nAuthorization: Basic dTpw\r\n"));
  }
  TestServer good(loop, {.certificate = make_certificate({}, &ca)}, always(answer_of("hello")));
  auto c = check(good);
  c.mutable_http()->mutable_tls()->set_verify(false);
  const Outcome outcome = run(c);
  EXPECT_FALSE(outcome.facts.tls().verified()) << "nobody asked";
  EXPECT_FALSE(outcome.facts.tls().has_verify_error());
}

TEST_F(HttpTls, TakesTheBestChainLikeATlsCheck) {
  const TestCertificate old_root = make_certificate(
      {.common_name = "Root", .sans = {}, .starts = -30 * kDay, .ends = 1 * kDay, .is_authority = true});
  const TestCertificate new_root = make_certificate(
      {.common_name = "Root", .sans = {}, .ends = 3 * kDay, .is_authority = true, .key_pem = old_root.key_pem});
  const TestCertificate leaf = make_certificate({.ends = 2 * kDay}, &old_root);
  TestServer server(loop, {.certificate = leaf, .chain_pem = old_root.cert_pem}, always(answer_of("hello")));
  auto c = check(server);
  c.mutable_http()->mutable_tls()->set_ca_pem(old_root.cert_pem + new_root.cert_pem);
  c.mutable_http()->mutable_expect()->set_expires_in_ms(47 * 3600'000L);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  const double now = unix_seconds(clock.wall());
  EXPECT_NEAR(outcome.facts.tls().earliest_expiry() - now, 1 * 86400, 120);
  EXPECT_NEAR(outcome.facts.tls().chain_expiry() - now, 2 * 86400, 120);
  EXPECT_EQ(outcome.facts.tls().certificates_size(), 2);
  c.mutable_http()->mutable_expect()->set_expires_in_ms(49 * 3600'000L);
  EXPECT_EQ(reason(run(c)), "expires_soon");
}

TEST_F(HttpTls, LooksForTheNameOfTheDefinitionAndReadsStaplesAndEveryKey) {
  for (const std::string& key : {make_ed25519_key(), make_ec_key("P-384"), make_rsa_key(2203, 1279)}) {
    const TestCertificate leaf = make_certificate({.sans = {"DNS:*.shop.example"}, .key_pem = key}, &ca);
    const auto staple = make_staple({.of = leaf, .issuer = ca, .signer = ca});
    TestServer server(loop, {.certificate = leaf, .staple = staple}, always(answer_of("hello")));
    auto c = check(server);
    c.mutable_http()->mutable_tls()->set_server_name("api.shop.example");
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.tls().ocsp(), "good");
    c.mutable_http()->mutable_tls()->set_server_name("shop.example");
    EXPECT_EQ(reason(run(c)), "tls_name_mismatch");
  }
}

}  // namespace
}  // namespace parallax
