// Chains: whole, broken, too long, two at once; and several faults in one.
#include <gmock/gmock.h>
#include <openssl/x509.h>

#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

class TlsChain : public TlsCheckTest {
 protected:
  proto::Check trusting(const TestServer& server, const TestCertificate& authority) {
    auto made = check(server);
    made.mutable_tls()->mutable_tls()->set_ca_pem(authority.cert_pem);
    return made;
  }
};

TEST_F(TlsChain, TakesTheChainThatLastsLongestOfThoseThatVerify) {
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

TEST_F(TlsChain, SaysWhichAuthorityExpired) {
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

TEST_F(TlsChain, SearchesAllChainsForTheOneThatLastsLongest) {
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

TEST_F(TlsChain, RefusesAChainOverTheBounds) {
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

TEST_F(TlsChain, NamesEveryFaultAndTakesTheFirstForTheReason) {
  const Outcome outcome = outcome_of(make_certificate(
      {.sans = {"DNS:other.example"}, .starts = -3 * kDay, .ends = -2 * kDay - std::chrono::minutes(1)}));
  EXPECT_EQ(reason(outcome), "tls_self_signed");
  EXPECT_EQ(
      outcome.detail,
      "certificate of 127.0.0.1 is self-signed and expired 2 days ago and is for other.example, not for 127.0.0.1 "
      "(CN=shop.example, issued by shop.example)");
}

TEST_F(TlsChain, TellsEveryCertificateByItsPosition) {
  const TestCertificate root = make_authority("Root");
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .ends = 30 * kDay, .is_authority = true}, &root);
  TestServer server(loop,
                    {.certificate = make_certificate({}, &signer), .chain_pem = signer.cert_pem + root.cert_pem},
                    listen_on);
  const Outcome outcome = run(trusting(server, root));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  const auto& tls = outcome.facts.tls();
  ASSERT_EQ(tls.certificates_size(), 3);
  EXPECT_EQ(tls.certificates(0).subject(), "CN=shop.example");
  EXPECT_EQ(tls.certificates(1).subject(), "CN=Signer");
  EXPECT_EQ(tls.certificates(2).subject(), "CN=Root");
  EXPECT_EQ(tls.earliest_expiry(), tls.certificates(1).not_after());
  EXPECT_EQ(tls.chain_expiry(), tls.certificates(1).not_after());
}

TEST_F(TlsChain, TheChainsExpiryCountsARootThatWasNotSent) {
  const TestCertificate root =
      make_certificate({.common_name = "Root", .sans = {}, .ends = 10 * kDay, .is_authority = true});
  TestServer server = serve(make_certificate({}, &root));
  const Outcome outcome = run(trusting(server, root));
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_NEAR(outcome.facts.tls().chain_expiry() - unix_seconds(clock.wall()), 10 * 86400, 120);
  EXPECT_NEAR(outcome.facts.tls().earliest_expiry() - unix_seconds(clock.wall()), 90 * 86400, 120);
}

TEST_F(TlsChain, AMissingIntermediateIsUntrustedUntilItIsSentOrBelieved) {
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .is_authority = true}, &ca);
  const TestCertificate leaf = make_certificate({}, &signer);
  const Outcome missing = outcome_of(leaf);
  EXPECT_EQ(reason(missing), "tls_untrusted");
  EXPECT_EQ(missing.detail,
            "certificate of 127.0.0.1 is not signed by a trusted authority (CN=shop.example, issued by Signer)");
  EXPECT_FALSE(missing.facts.tls().has_chain_expiry());
  TestServer whole(loop, {.certificate = leaf, .chain_pem = signer.cert_pem}, listen_on);
  EXPECT_EQ(reason(run(check(whole))), "ok");
  TestServer bare = serve(leaf);
  const Outcome believed = run(trusting(bare, signer));
  EXPECT_EQ(reason(believed), "ok") << believed.detail;
  EXPECT_TRUE(believed.facts.tls().has_chain_expiry());
}

TEST_F(TlsChain, WhatIsNoAuthoritySignsForNobody) {
  const TestCertificate leaf = make_certificate({.common_name = "crm.example"}, &ca);
  TestServer server(loop, {.certificate = make_certificate({}, &leaf), .chain_pem = leaf.cert_pem}, listen_on);
  const Outcome outcome = run(check(server));
  EXPECT_EQ(reason(outcome), "tls_untrusted") << outcome.detail;
  EXPECT_EQ(server.received(), "");
  const Outcome other_purpose = outcome_of(make_certificate({.purpose = "clientAuth"}, &ca));
  EXPECT_EQ(reason(other_purpose), "tls_untrusted") << other_purpose.detail;
  EXPECT_THAT(other_purpose.detail, HasSubstr("purpose"));
}

TEST_F(TlsChain, AForgedSignatureIsUntrusted) {
  const TestCertificate stranger = make_authority("Example CA");
  const Outcome outcome = outcome_of(make_certificate({}, &stranger));
  EXPECT_EQ(reason(outcome), "tls_untrusted") << "another authority of the same name: " << outcome.detail;
}

TEST_F(TlsChain, RulesOnExpiryTakeTheBestVerifiedChainElseTheEarliestSent) {
  const TestCertificate old_root = make_certificate(
      {.common_name = "Root", .sans = {}, .starts = -30 * kDay, .ends = 1 * kDay, .is_authority = true});
  const TestCertificate new_root = make_certificate(
      {.common_name = "Root", .sans = {}, .ends = 3 * kDay, .is_authority = true, .key_pem = old_root.key_pem});
  const TestCertificate leaf = make_certificate({.ends = 2 * kDay}, &old_root);
  TestServer server(loop, {.certificate = leaf, .chain_pem = old_root.cert_pem}, listen_on);
  const auto expecting = [&](int hours, bool verify) {
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_ca_pem(old_root.cert_pem + new_root.cert_pem);
    c.mutable_tls()->mutable_tls()->set_verify(verify);
    c.mutable_tls()->mutable_expect()->set_expires_in_ms(hours * 3600'000L);
    return reason(run(c));
  };
  EXPECT_EQ(expecting(47, true), "ok");
  EXPECT_EQ(expecting(49, true), "expires_soon");
  EXPECT_EQ(expecting(23, false), "ok");
  EXPECT_EQ(expecting(25, false), "expires_soon") << "none verified: the old root was sent";
}

TEST_F(TlsChain, ReadsEightAboveTheLeafAndNoMore) {
  // Authority 0 is the one trusted; it is not sent.
  std::vector<TestCertificate> authorities = {make_authority("Authority 0")};
  std::string chain;
  const auto server_with = [&](int above) {
    while (authorities.size() < static_cast<std::size_t>(above)) {
      CertificateWish wish{
          .common_name = "Authority " + std::to_string(authorities.size()), .sans = {}, .is_authority = true};
      authorities.push_back(make_certificate(wish, &authorities.back()));
      chain = authorities.back().cert_pem + chain;
    }
    return TestServer(loop, {.certificate = make_certificate({}, &authorities.back()), .chain_pem = chain},
                      listen_on);
  };
  TestServer eight = server_with(8);
  const Outcome read = run(trusting(eight, authorities[0]));
  EXPECT_EQ(reason(read), "ok") << read.detail;
  EXPECT_TRUE(read.facts.tls().has_chain_expiry());
  TestServer nine = server_with(9);
  for (const bool verify : {true, false}) {
    auto c = trusting(nine, authorities[0]);
    c.mutable_tls()->mutable_tls()->set_verify(verify);
    const Outcome refused = run(c);
    EXPECT_EQ(reason(refused), "tls_protocol") << "eight were sent, the ninth is trusted: " << refused.detail;
    EXPECT_THAT(refused.detail, HasSubstr("over the bounds"));
  }
  EXPECT_EQ(reason(run(check(nine))), "tls_untrusted") << "eight, and an end that nobody believes";
  TestServer ten = server_with(10);
  EXPECT_EQ(reason(run(check(ten))), "tls_protocol");
}

TEST_F(TlsChain, ReadsAHundredKibibytesAndNoMore) {
  const auto large = [&](std::size_t size) {
    return make_certificate({.common_name = "Large",
                             .sans = {},
                             .is_authority = true,
                             .also =
                                 [&](X509* made) {
                                   std::vector<RawName> names;
                                   for (std::size_t i = 0; i < size / 1024; ++i)
                                     names.push_back({0x82, std::string(1020, 'x')});
                                   set_raw_names(made, names);
                                 }},
                            &ca);
  };
  const TestCertificate leaf = make_certificate({}, &ca);
  TestServer within(loop, {.certificate = leaf, .chain_pem = large(95 * 1024).cert_pem}, listen_on);
  EXPECT_EQ(reason(run(check(within))), "ok");
  TestServer beyond(loop, {.certificate = leaf, .chain_pem = large(101 * 1024).cert_pem}, listen_on);
  const Outcome outcome = run(check(beyond));
  EXPECT_EQ(reason(outcome), "tls_protocol");
  EXPECT_THAT(outcome.detail, HasSubstr("100 KiB"));
}

TEST_F(TlsChain, OfACertificateAndItsIssuerThatExpiredItNamesBoth) {
  const TestCertificate root = make_certificate({.common_name = "Old root",
                                                 .sans = {},
                                                 .starts = -30 * kDay,
                                                 .ends = -2 * kDay - std::chrono::minutes(1),
                                                 .is_authority = true});
  TestServer server =
      serve(make_certificate({.starts = -30 * kDay, .ends = -3 * kDay - std::chrono::minutes(1)}, &root));
  const Outcome outcome = run(trusting(server, root));
  EXPECT_EQ(reason(outcome), "tls_expired");
  EXPECT_THAT(outcome.detail,
              HasSubstr("expired 3 days ago and has an issuer (CN=Old root) that expired 2 days ago"));
}

TEST_F(TlsChain, ReadsDatesThatNeverComeAndThoseLongGone) {
  const auto ending = [](const char* date) {
    return [date](X509* made) { ASN1_TIME_set_string(X509_getm_notAfter(made), date); };
  };
  const TestCertificate endless = make_certificate({.also = ending("99991231235959Z")}, &ca);  // RFC 5280 4.1.2.5
  TestServer server = serve(endless);
  auto c = check(server);
  c.mutable_tls()->mutable_expect()->set_expires_in_ms(86'400'000);
  Outcome outcome = run(c);
  EXPECT_EQ(reason(outcome), "ok") << outcome.detail;
  EXPECT_EQ(outcome.facts.tls().earliest_expiry(), 253402300799.0);
  c.mutable_tls()->mutable_tls()->set_verify(false);
  EXPECT_EQ(reason(run(c)), "ok");
  outcome = outcome_of(make_certificate({.also = ending("00010101000000Z")}, &ca));
  EXPECT_EQ(reason(outcome), "tls_expired");
  EXPECT_THAT(outcome.detail, HasSubstr(" expired 1"));
}

// One leaf with several faults: which is the reason, and what the detail names.
TEST_F(TlsChain, TakesTheFirstOfSeveralFaultsAndNamesAll) {
  const TestCertificate stranger = make_authority("Other CA");
  const CertificateWish expired{.sans = {"DNS:other.example"},
                                .starts = -9 * kDay,
                                .ends = -2 * kDay - std::chrono::minutes(1),
                                .digest = "SHA1"};
  const CertificateWish too_new{.sans = {"DNS:other.example"}, .starts = 3 * kDay, .digest = "SHA1"};
  const CertificateWish misnamed{.sans = {"DNS:other.example"}, .digest = "SHA1"};
  const std::string kName = " and is for other.example, not for 127.0.0.1";
  const std::string kWeak = " and has a weak signature (ecdsa-with-SHA1) (CN=shop.example";
  const struct {
    const char* reason;
    std::string words;
    const TestCertificate* issuer;
    CertificateWish wish;
    bool is_revoked;
  } kCases[] = {
      {"tls_untrusted",
       "is not signed by a trusted authority and was revoked and expired 2 days ago" + kName + kWeak, &stranger,
       expired, true},
      {"tls_revoked", "was revoked and expired 2 days ago" + kName + kWeak, &ca, expired, true},
      {"tls_revoked", "was revoked and is not valid before ", &ca, too_new, true},
      {"tls_expired", "expired 2 days ago" + kName + kWeak, &ca, expired, false},
      {"tls_not_yet_valid", "is not valid before ", &ca, too_new, false},
      {"tls_not_yet_valid", kName + kWeak, &ca, too_new, false},
      {"tls_name_mismatch", "is for other.example, not for 127.0.0.1" + kWeak, &ca, misnamed, false},
  };
  for (const auto& one : kCases) {
    const TestCertificate leaf = make_certificate(one.wish, one.issuer);
    const std::string staple =
        make_staple({.of = leaf, .issuer = *one.issuer, .signer = *one.issuer, .is_revoked = one.is_revoked});
    TestServer server(loop, {.certificate = leaf, .chain_pem = one.issuer->cert_pem, .staple = staple}, listen_on);
    const Outcome outcome = run(check(server));
    EXPECT_EQ(reason(outcome), one.reason) << outcome.detail;
    EXPECT_THAT(outcome.detail, HasSubstr(one.words));
    EXPECT_FALSE(outcome.facts.tls().verified());
    EXPECT_TRUE(outcome.facts.tls().has_verify_error());
    EXPECT_FALSE(outcome.facts.tls().has_chain_expiry());
    EXPECT_EQ(server.received(), "");
  }
}

}  // namespace
}  // namespace parallax
