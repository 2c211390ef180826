// Stapled OCSP responses (RFC 6960).
#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class TlsStaple : public TlsCheckTest {};

TEST_F(TlsStaple, ReadsStaplesAndTellsARevokedCertificate) {
  const TestCertificate leaf = make_certificate({}, &ca);
  const TestCertificate other = make_certificate({}, &ca);
  const TestCertificate stranger = make_authority("Example CA");
  const struct {
    const char* fact;
    const char* reason;
    std::string staple;
  } kCases[] = {
      {"good", "ok", make_staple({.of = leaf, .issuer = ca, .signer = ca})},
      {"revoked", "tls_revoked", make_staple({.of = leaf, .issuer = ca, .signer = ca, .is_revoked = true})},
      {"expired", "ok", make_staple({.of = leaf, .issuer = ca, .signer = ca, .made = -3 * kDay, .ends = -kDay})},
      {"invalid", "ok", make_staple({.of = other, .issuer = ca, .signer = ca})},
      {"invalid", "ok", make_staple({.of = leaf, .issuer = ca, .signer = stranger, .is_revoked = true})},
      {"invalid", "ok", "no OCSP response at all"},
      {"", "ok", ""},
  };
  for (const auto& one : kCases) {
    TestServer server(loop, {.certificate = leaf, .staple = one.staple}, listen_on);
    auto c = check(server);
    const Outcome outcome = run(c);
    EXPECT_EQ(outcome.facts.tls().ocsp(), one.fact);
    EXPECT_EQ(reason(outcome), one.reason) << one.fact << ": " << outcome.detail;
    if (outcome.state == proto::STATE_DOWN) {
      EXPECT_THAT(outcome.detail, HasSubstr("was revoked"));
      EXPECT_FALSE(outcome.facts.tls().verified());
      continue;
    }
    c.mutable_tls()->mutable_expect()->set_ocsp_stapled(true);
    EXPECT_EQ(reason(run(c)), one.fact == std::string("good") ? "ok" : "certificate") << one.fact;
    c.mutable_tls()->mutable_expect()->set_ocsp_stapled(false);
    EXPECT_EQ(reason(run(c)), one.fact == std::string() ? "ok" : "certificate") << one.fact;
  }
}

// The authority has its answers signed by another, which it certified for that (RFC 6960 4.2.2.2).
TEST_F(TlsStaple, BelievesAResponderThatTheIssuerMadeForIt) {
  const TestCertificate leaf = make_certificate({}, &ca);
  const TestCertificate stranger = make_authority("Other CA");
  const CertificateWish for_staples{.common_name = "Responder", .sans = {}, .purpose = "OCSPSigning"};
  const TestCertificate responder = make_certificate(for_staples, &ca);
  const TestCertificate for_nothing = make_certificate({.common_name = "Responder", .sans = {}}, &ca);
  const TestCertificate for_servers =
      make_certificate({.common_name = "Responder", .sans = {}, .purpose = "serverAuth"}, &ca);
  const TestCertificate past = make_certificate(
      {.common_name = "Responder", .sans = {}, .starts = -9 * kDay, .ends = -kDay, .purpose = "OCSPSigning"}, &ca);
  const TestCertificate of_stranger = make_certificate(for_staples, &stranger);
  const struct {
    const char* fact;
    const char* reason;
    std::string staple;
  } kCases[] = {
      {"good", "ok", make_staple({.of = leaf, .issuer = ca, .signer = responder})},
      {"revoked", "tls_revoked", make_staple({.of = leaf, .issuer = ca, .signer = responder, .is_revoked = true})},
      {"invalid", "ok", make_staple({.of = leaf, .issuer = ca, .signer = for_nothing, .is_revoked = true})},
      {"invalid", "ok", make_staple({.of = leaf, .issuer = ca, .signer = for_servers, .is_revoked = true})},
      {"invalid", "ok", make_staple({.of = leaf, .issuer = ca, .signer = past, .is_revoked = true})},
      {"invalid", "ok", make_staple({.of = leaf, .issuer = ca, .signer = of_stranger, .is_revoked = true})},
      {"invalid", "ok", make_staple({.of = leaf, .issuer = ca, .signer = leaf, .is_revoked = true})},
  };
  for (const auto& one : kCases) {
    TestServer server(loop, {.certificate = leaf, .staple = one.staple}, listen_on);
    const Outcome outcome = run(check(server));
    EXPECT_EQ(outcome.facts.tls().ocsp(), one.fact) << (&one - kCases);
    EXPECT_EQ(reason(outcome), one.reason) << (&one - kCases) << ": " << outcome.detail;
  }
}

TEST_F(TlsStaple, IsReadForALeafOfAnIntermediateWhetherTheRootIsBelievedOrOnlyThat) {
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .is_authority = true}, &ca);
  const TestCertificate responder =
      make_certificate({.common_name = "Responder", .sans = {}, .purpose = "OCSPSigning"}, &signer);
  const TestCertificate leaf = make_certificate({}, &signer);
  for (const TestCertificate& by : {signer, responder}) {
    const std::string staple = make_staple({.of = leaf, .issuer = signer, .signer = by});
    TestServer server(loop, {.certificate = leaf, .chain_pem = signer.cert_pem, .staple = staple}, listen_on);
    auto c = check(server);
    EXPECT_EQ(run(c).facts.tls().ocsp(), "good");
    c.mutable_tls()->mutable_tls()->set_ca_pem(signer.cert_pem);
    EXPECT_EQ(run(c).facts.tls().ocsp(), "good");
  }
}

TEST_F(TlsStaple, MayNameTheCertificateByAnyDigest) {
  const TestCertificate leaf = make_certificate({}, &ca);
  const TestCertificate other = make_certificate({}, &ca);
  for (const char* digest : {"SHA1", "SHA256", "SHA384"}) {
    const std::string good = make_staple({.of = leaf, .issuer = ca, .signer = ca, .digest = digest});
    TestServer server(loop, {.certificate = leaf, .staple = good}, listen_on);
    EXPECT_EQ(run(check(server)).facts.tls().ocsp(), "good") << digest;
    const std::string strange = make_staple({.of = other, .issuer = ca, .signer = ca, .digest = digest});
    TestServer cheat(loop, {.certificate = leaf, .staple = strange}, listen_on);
    EXPECT_EQ(run(check(cheat)).facts.tls().ocsp(), "invalid") << digest;
  }
}

TEST_F(TlsStaple, WithoutVerificationARevokedCertificateIsOnlyAFact) {
  const TestCertificate leaf = make_certificate({}, &ca);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TestServer server(loop,
                      {.certificate = leaf,
                       .max_version = version,
                       .staple = make_staple({.of = leaf, .issuer = ca, .signer = ca, .is_revoked = true})},
                      listen_on);
    auto c = check(server);
    EXPECT_EQ(reason(run(c)), "tls_revoked");
    c.mutable_tls()->mutable_tls()->set_verify(false);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    EXPECT_EQ(outcome.facts.tls().ocsp(), "revoked");
    EXPECT_EQ(outcome.facts.tls().verify_error(), "certificate revoked");
    EXPECT_FALSE(outcome.facts.tls().has_chain_expiry());
  }
}

}  // namespace
}  // namespace parallax
