#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/probe/checks/check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

// Keeps the connection until the peer goes, so that whatever it sends is counted.
Task<> listen_on(TestConnection& connection) { co_await connection.read_some(); }
Task<> say_nonsense(TestConnection& connection) { co_await connection.send("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"); }
Task<> reset_at_once(TestConnection& connection) {
  co_await connection.read_some();
  connection.reset();
}
Task<> close_at_once(TestConnection& connection) {
  co_await connection.read_some();
  connection.close();
}
Task<> stay_silent(TestConnection& connection) {
  for (int i = 0; i < 8; ++i) co_await connection.read_some();
}

constexpr auto kDay = std::chrono::hours(24);

class TlsTest : public CheckTest {
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

TEST_F(TlsTest, NamesEveryFaultAndTakesTheFirstForTheReason) {
  const Outcome outcome = outcome_of(make_certificate(
      {.sans = {"DNS:other.example"}, .starts = -3 * kDay, .ends = -2 * kDay - std::chrono::minutes(1)}));
  EXPECT_EQ(reason(outcome), "tls_self_signed");
  EXPECT_EQ(
      outcome.detail,
      "certificate of 127.0.0.1 is self-signed and expired 2 days ago and is for other.example, not for 127.0.0.1 "
      "(CN=shop.example, issued by shop.example)");
}

TEST_F(TlsTest, NeverTakesTheCommonNameForAName) {
  const Outcome outcome = outcome_of(make_certificate({.common_name = "127.0.0.1", .sans = {}}, &ca));
  EXPECT_EQ(reason(outcome), "tls_name_mismatch") << outcome.detail;
}

TEST_F(TlsTest, LooksForTheServerNameThatTheDefinitionNames) {
  TestServer server = serve(make_certificate({}, &ca));
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->set_server_name("shop.example");
  EXPECT_EQ(reason(run(c)), "ok");
  c.mutable_tls()->mutable_tls()->set_server_name("crm.example");
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "tls_name_mismatch");
  EXPECT_EQ(outcome.facts.tls().verify_error(), "hostname mismatch");
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

TEST_F(TlsTest, TakesTheChainThatLastsLongestOfThoseThatVerify) {
  // A root in the middle of a change: the intermediate is signed by the old root, which has expired, and by the
  // new.
  CertificateWish root_wish{
      .common_name = "Old root", .sans = {}, .starts = -30 * kDay, .ends = -kDay, .is_authority = true};
  const TestCertificate old_root = make_certificate(root_wish);
  const TestCertificate new_root = make_authority("New root");
  const TestCertificate leaf_signer =
      make_certificate({.common_name = "Signer", .sans = {}, .is_authority = true}, &new_root);
  TestServer server(
      loop,
      {.certificate = make_certificate({}, &leaf_signer), .chain_pem = leaf_signer.cert_pem + old_root.cert_pem},
      listen_on);
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->set_ca_pem(old_root.cert_pem + new_root.cert_pem);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.tls().certificates_size(), 3);
  EXPECT_LT(outcome.facts.tls().earliest_expiry(), outcome.facts.tls().chain_expiry());
}

TEST_F(TlsTest, SaysWhichAuthorityExpired) {
  const TestCertificate root = make_certificate({.common_name = "Old root",
                                                 .sans = {},
                                                 .starts = -30 * kDay,
                                                 .ends = -2 * kDay - std::chrono::minutes(1),
                                                 .is_authority = true});
  TestServer server = serve(make_certificate({}, &root));
  auto c = check(server);
  c.mutable_tls()->mutable_tls()->set_ca_pem(root.cert_pem);
  const Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "tls_expired");
  EXPECT_THAT(outcome.detail, HasSubstr("has an issuer (CN=Old root) that expired 2 days ago"));
}

TEST_F(TlsTest, ReadsOnWhenACertificateIsWantedAndTellsTheRefusal) {
  const TestCertificate client = make_certificate({.common_name = "probe"}, &ca);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TestServer server(
        loop, {.certificate = make_certificate({}, &ca), .client_ca_pem = ca.cert_pem, .max_version = version},
        listen_on);
    const Outcome refused = run(check(server));
    EXPECT_EQ(reason(refused), "tls_protocol") << refused.detail;
    EXPECT_THAT(refused.detail, HasSubstr("alert \""));

    const std::string path =
        std::filesystem::temp_directory_path() / ("parallax-client-" + std::to_string(::getpid()) + ".pem");
    std::ofstream(path) << client.cert_pem << client.key_pem;
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_cert_file(path);
    EXPECT_EQ(reason(run(c)), "ok");
    c.mutable_tls()->mutable_tls()->set_key_file(path + ".none");
    EXPECT_EQ(reason(run(c)), "probe_fault");
    std::ofstream(path + ".other") << ca.key_pem;
    c.mutable_tls()->mutable_tls()->set_key_file(path + ".other");
    const Outcome wrong = run(c);
    EXPECT_EQ(reason(wrong), "probe_fault");
    EXPECT_THAT(wrong.detail, HasSubstr("does not belong to"));
    std::filesystem::remove(path);
    std::filesystem::remove(path + ".other");
  }
}

TEST_F(TlsTest, TellsAnOldServerFromOneThatIsNone) {
  TestServer old(loop, {.certificate = make_certificate({}, &ca), .max_version = TLS1_1_VERSION}, listen_on);
  const Outcome too_old = run(check(old));
  EXPECT_EQ(reason(too_old), "tls_protocol") << too_old.detail;
  auto c = check(old);
  c.mutable_tls()->mutable_tls()->set_min_version("1.0");
  const Outcome read = run(c);
  EXPECT_EQ(reason(read), "ok") << read.detail;
  EXPECT_EQ(read.facts.tls().version(), "TLS 1.1");
  c.mutable_tls()->mutable_warn()->set_min_version("1.2");
  EXPECT_EQ(run(c).state, proto::STATE_DEGRADED);
  EXPECT_EQ(reason(run(c)), "weak");

  TestServer ssh(loop, say_nonsense);
  const Outcome nonsense = run(check(ssh));
  EXPECT_EQ(reason(nonsense), "tls_protocol");
  EXPECT_EQ(nonsense.detail, "what the server answered is not TLS");
}

TEST_F(TlsTest, TellsACloseAResetAndSilence) {
  TestServer closing(loop, close_at_once), resetting(loop, reset_at_once), silent(loop, stay_silent);
  EXPECT_EQ(reason(run(check(closing))), "closed_early");
  EXPECT_EQ(reason(run(check(resetting))), "closed_early");
  const Instant start = clock.now();
  const Outcome outcome = run(check(silent), 200);
  EXPECT_EQ(reason(outcome), "tls_timeout");
  EXPECT_EQ(phase(outcome), "tls");
  EXPECT_GE(*outcome.phases.of(proto::PHASE_TLS), Milliseconds(150)) << "the time spent in the phase counts";
  EXPECT_LT(clock.now() - start, Milliseconds(450));
}

TEST_F(TlsTest, SearchesAllChainsForTheOneThatLastsLongest) {
  // A root that was made anew with the same key: the server sends the old one, and both are trusted.
  const TestCertificate old_root = make_certificate(
      {.common_name = "Root", .sans = {}, .starts = -30 * kDay, .ends = 1 * kDay, .is_authority = true});
  const TestCertificate new_root = make_certificate(
      {.common_name = "Root", .sans = {}, .ends = 3 * kDay, .is_authority = true, .key_pem = old_root.key_pem});
  const TestCertificate leaf = make_certificate({.ends = 2 * kDay}, &old_root);
  TestServer server(loop, {.certificate = leaf, .chain_pem = old_root.cert_pem}, listen_on);
  for (const auto& trusted : {old_root.cert_pem + new_root.cert_pem, new_root.cert_pem + old_root.cert_pem}) {
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_ca_pem(trusted);
    c.mutable_tls()->mutable_expect()->set_expires_in_ms(36 * 3600 * 1000);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
    const double now = unix_seconds(clock.wall());
    EXPECT_NEAR(outcome.facts.tls().earliest_expiry() - now, 86400, 120);
    EXPECT_NEAR(outcome.facts.tls().chain_expiry() - now, 2 * 86400, 120);
  }
}

TEST_F(TlsTest, RefusesAChainOverTheBounds) {
  std::string chain;
  TestCertificate signer = ca;
  for (int i = 0; i < 10; ++i) {
    CertificateWish wish{.common_name = "Authority " + std::to_string(i), .sans = {}, .is_authority = true};
    signer = make_certificate(wish, &signer);
    chain = signer.cert_pem + chain;
  }
  TestServer server(loop, {.certificate = make_certificate({}, &signer), .chain_pem = chain}, listen_on);
  const Outcome outcome = run(check(server));
  EXPECT_EQ(reason(outcome), "tls_protocol") << outcome.detail;
  EXPECT_THAT(outcome.detail, HasSubstr("over the bounds"));
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

TEST_F(TlsTest, ReadsStaplesAndTellsARevokedCertificate) {
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
