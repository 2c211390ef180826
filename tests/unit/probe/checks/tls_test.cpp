#include <gmock/gmock.h>

#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class TlsTest : public TlsCheckTest {};

TEST_F(TlsTest, IsUpWithEveryFactOfTheConnection) {
  TestServer server(loop, {.certificate = make_certificate({}, &ca), .alpn = "h2"}, listen_on);
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->add_alpn("h2");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_THAT(outcome.detail, HasSubstr("TLS 1.3, certificate expires in 89 days"));
  const auto& tls = outcome.facts.tls();
  EXPECT_EQ(tls.version(), "TLS 1.3");
  EXPECT_EQ(tls.cipher(), "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(tls.alpn(), "h2");
  EXPECT_TRUE(tls.verified());
  EXPECT_FALSE(tls.has_verify_error());
  EXPECT_FALSE(tls.has_ocsp());
  ASSERT_EQ(tls.certificates_size(), 1);
  const auto& leaf = tls.certificates(0);
  EXPECT_EQ(leaf.subject(), "CN=shop.example");
  EXPECT_EQ(leaf.issuer(), "CN=Example CA");
  EXPECT_THAT(leaf.serial(), MatchesRegex("([0-9a-f][0-9a-f])+"));
  EXPECT_THAT(leaf.sans(), testing::ElementsAre("shop.example", "IP:127.0.0.1"));
  EXPECT_EQ(leaf.key(), "EC 256");
  EXPECT_EQ(leaf.signature(), "ecdsa-with-SHA256");
  EXPECT_EQ(leaf.fingerprint_sha256().size(), 64U);
  EXPECT_EQ(tls.earliest_expiry(), leaf.not_after());
  for (const auto phase : {proto::PHASE_RESOLVE, proto::PHASE_CONNECT, proto::PHASE_TLS})
    EXPECT_TRUE(outcome.phases.of(phase)) << phase;
}

TEST_F(TlsTest, TellsEachFaultApart) {
  const struct {
    const char* reason;
    const char* verify_error;
    const char* words;
    CertificateWish wish;
  } kCases[] = {
      {"tls_expired",
       "certificate has expired",
       "certificate of 127.0.0.1 expired 2 days ago (CN=shop.example, issued by Example CA)",
       {.starts = -10 * kDay, .ends = -2 * kDay - std::chrono::minutes(1)}},
      {"tls_not_yet_valid", "certificate is not yet valid", "is not valid before 2", {.starts = 3 * kDay}},
      {"tls_name_mismatch",
       "IP address mismatch",
       "is for other.example, not for 127.0.0.1",
       {.sans = {"DNS:other.example"}}},
      {"weak", "EE certificate key too weak", "has a weak key (RSA 1024)", {.rsa_bits = 1024}},
      {"weak",
       "CA signature digest algorithm too weak",
       "has a weak signature (ecdsa-with-SHA1)",
       {.digest = "SHA1"}},
  };
  for (const auto& one : kCases) {
    const Outcome outcome = outcome_of(make_certificate(one.wish, &ca));
    EXPECT_EQ(reason(outcome), one.reason) << outcome.detail;
    EXPECT_EQ(phase(outcome), "tls");
    EXPECT_EQ(outcome.state, proto::STATE_DOWN);
    EXPECT_THAT(outcome.detail, HasSubstr(one.words));
    EXPECT_FALSE(outcome.facts.tls().verified());
    EXPECT_EQ(outcome.facts.tls().verify_error(), one.verify_error);
    EXPECT_EQ(outcome.facts.tls().certificates_size(), 1) << "facts of a bad certificate, too";
    EXPECT_FALSE(outcome.facts.tls().has_chain_expiry());
    EXPECT_TRUE(outcome.facts.tls().has_earliest_expiry());
  }
}

TEST_F(TlsTest, TellsSelfSignedFromUnknownAuthority) {
  const Outcome self_signed = outcome_of(make_certificate({}));
  EXPECT_EQ(reason(self_signed), "tls_self_signed") << self_signed.detail;
  const TestCertificate other = make_authority("Other CA");
  const Outcome untrusted = outcome_of(make_certificate({}, &other));
  EXPECT_EQ(reason(untrusted), "tls_untrusted");
  EXPECT_EQ(untrusted.detail,
            "certificate of 127.0.0.1 is not signed by a trusted authority (CN=shop.example, issued by Other CA)");
}

TEST_F(TlsTest, WithoutVerificationABadCertificateIsOnlyAFact) {
  TestServer server = serve(make_certificate({.starts = -3 * kDay, .ends = -2 * kDay}, &ca));
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->set_verify(false);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_FALSE(outcome.facts.tls().verified());
  EXPECT_EQ(outcome.facts.tls().verify_error(), "certificate has expired");
  EXPECT_FALSE(outcome.facts.tls().has_chain_expiry());
  c.mutable_tls()->mutable_expect()->set_expires_in_ms(1);
  const Outcome ruled = run(c);
  EXPECT_EQ(reason(ruled), "expires_soon");
  EXPECT_EQ(phase(ruled), "");
}

TEST_F(TlsTest, OffersTheCiphersOfTheDefinitionAndNoOther) {
  TestServer server = serve(make_certificate({}, &ca));
  const auto with = [&](const char* cipher) {
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->add_ciphers(cipher);
    return run(c);
  };
  const Outcome old = with("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(reason(old), "ok") << old.detail;
  EXPECT_EQ(old.facts.tls().version(), "TLS 1.2");
  EXPECT_EQ(old.facts.tls().cipher(), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  const Outcome newest = with("TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(newest.facts.tls().version(), "TLS 1.3");
  EXPECT_EQ(newest.facts.tls().cipher(), "TLS_CHACHA20_POLY1305_SHA256");
  EXPECT_EQ(reason(with("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")), "tls_protocol") << "the server's key is EC";
  const Outcome unknown = with("TLS_NO_SUCH_CIPHER");
  EXPECT_EQ(reason(unknown), "unsupported");
  EXPECT_EQ(unknown.state, proto::STATE_UNKNOWN);
}

TEST_F(TlsTest, ParsesASetOfAuthoritiesOnce) {
  TestServer server = serve(make_certificate({}, &ca));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reason(run(check(server))), "ok");
  EXPECT_EQ(trust.parsed(), 1U);
}

TEST_F(TlsTest, RefusesWhatThePolicyForbidsAndTellsNobodyListens) {
  std::uint16_t free_port = 0;
  {
    const TestServer gone(loop, listen_on);
    free_port = gone.port();
  }
  proto::Check c;
  c.mutable_tls()->set_address("127.0.0.1:" + std::to_string(free_port));
  const Outcome refused = run(c);
  EXPECT_EQ(reason(refused), "connect_refused");
  EXPECT_EQ(phase(refused), "connect");
  guard = *Guard::from_prefixes({});
  const Outcome blocked = run(c);
  EXPECT_EQ(reason(blocked), "blocked_by_policy");
  EXPECT_EQ(blocked.state, proto::STATE_UNKNOWN);
}

}  // namespace
}  // namespace parallax
