// A chain that was verified is believed without being verified again: only as it came, and only between its dates.
#include "probe/net/verified_chains.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include "probe/net/tls_verify.h"
#include "probe/net/trust.h"
#include "tests/unit/probe/test_certificates.h"

namespace parallax {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::IsEmpty;

constexpr hours kDay{24};

class VerifiedChainsTest : public testing::Test {
 protected:
  static OpenSsl<x509_st> parse(const TestCertificate& certificate) {
    const OpenSsl<bio_st> bio(
        BIO_new_mem_buf(certificate.cert_pem.data(), static_cast<int>(certificate.cert_pem.size())));
    return OpenSsl<x509_st>(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  }

  // The verdict on a server that sends these, leaf first: parsed anew each time, as in a handshake.
  ChainVerdict verdict(const std::vector<TestCertificate>& sent, const std::string& trusted, WallTime at,
                       const std::string& name = "shop.example") {
    const OpenSsl<stack_st_X509> all(sk_X509_new_null());
    for (const TestCertificate& one : sent) sk_X509_push(all.get(), parse(one).release());
    store = *stores.find(trusted);
    return verify_chain(sk_X509_value(all.get(), 0), all.get(), *store, name, at);
  }
  std::size_t spared() const { return store->verified.spared(); }

  const WallTime now = SystemClock().wall();
  const TestCertificate root = make_authority("Root");
  TrustStores stores;
  std::shared_ptr<const TrustStore> store;
};

TEST_F(VerifiedChainsTest, WhatWasVerifiedIsNotVerifiedAgain) {
  const TestCertificate leaf = make_certificate({}, &root);
  const ChainVerdict first = verdict({leaf}, root.cert_pem, now);
  EXPECT_EQ(spared(), 0U);
  const ChainVerdict second = verdict({leaf}, root.cert_pem, now + hours(1));
  EXPECT_EQ(spared(), 1U);
  EXPECT_THAT(second.findings, IsEmpty());
  EXPECT_TRUE(first.chain_expiry);
  EXPECT_EQ(second.chain_expiry, first.chain_expiry);
}

TEST_F(VerifiedChainsTest, ExpiryIsJudgedAtEachRunAndToTheSecond) {
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .ends = kDay, .is_authority = true}, &root);
  const TestCertificate leaf = make_certificate({}, &signer);
  const WallTime end = *verdict({leaf, signer}, root.cert_pem, now).chain_expiry;
  EXPECT_THAT(verdict({leaf, signer}, root.cert_pem, end - std::chrono::microseconds(1)).findings, IsEmpty());
  EXPECT_EQ(spared(), 1U);
  const ChainVerdict after = verdict({leaf, signer}, root.cert_pem, end);
  ASSERT_EQ(after.findings.size(), 1U);
  EXPECT_EQ(after.findings[0].fault, TlsFault::expired);
  EXPECT_FALSE(after.chain_expiry);
}

TEST_F(VerifiedChainsTest, AClockThatIsSetBackIsBeforeTheBeginning) {
  const TestCertificate leaf = make_certificate({.starts = -hours(1)}, &root);
  EXPECT_THAT(verdict({leaf}, root.cert_pem, now).findings, IsEmpty());
  const ChainVerdict before = verdict({leaf}, root.cert_pem, now - hours(2));
  ASSERT_EQ(before.findings.size(), 1U);
  EXPECT_EQ(before.findings[0].fault, TlsFault::not_yet_valid);
}

TEST_F(VerifiedChainsTest, ABetterChainCountsFromTheMomentThatItHolds) {
  const TestCertificate old_root = make_certificate(
      {.common_name = "Changed", .sans = {}, .starts = -30 * kDay, .ends = 5 * kDay, .is_authority = true});
  const TestCertificate new_root = make_certificate({.common_name = "Changed",
                                                     .sans = {},
                                                     .starts = kDay,
                                                     .ends = 60 * kDay,
                                                     .is_authority = true,
                                                     .key_pem = old_root.key_pem});
  const TestCertificate leaf = make_certificate({.ends = 30 * kDay}, &old_root);
  const std::string both = old_root.cert_pem + new_root.cert_pem;
  const WallTime early = *verdict({leaf}, both, now).chain_expiry;
  EXPECT_LT(early, now + 6 * kDay);
  EXPECT_EQ(verdict({leaf}, both, now + hours(12)).chain_expiry, early);
  EXPECT_EQ(spared(), 1U);
  EXPECT_GT(*verdict({leaf}, both, now + 2 * kDay).chain_expiry, now + 29 * kDay);
}

TEST_F(VerifiedChainsTest, OnlyWhatWasSentAsItWasSentIsBelieved) {
  const TestCertificate signer =
      make_certificate({.common_name = "Signer", .sans = {}, .is_authority = true}, &root);
  const TestCertificate leaf = make_certificate({}, &signer);
  EXPECT_THAT(verdict({leaf, signer}, root.cert_pem, now).findings, IsEmpty());
  const ChainVerdict without = verdict({leaf}, root.cert_pem, now);
  ASSERT_EQ(without.findings.size(), 1U);
  EXPECT_EQ(without.findings[0].fault, TlsFault::untrusted);
  // The same names and key identifiers, signed by somebody else's key.
  const TestCertificate impostor = make_authority("Root");
  const TestCertificate forged = make_certificate(
      {.common_name = "Signer", .sans = {}, .is_authority = true, .key_pem = signer.key_pem}, &impostor);
  EXPECT_FALSE(verdict({leaf, forged}, root.cert_pem, now).findings.empty());
}

TEST_F(VerifiedChainsTest, AnotherSetOfAuthoritiesKnowsNothingOfIt) {
  const TestCertificate leaf = make_certificate({}, &root);
  EXPECT_THAT(verdict({leaf}, root.cert_pem, now).findings, IsEmpty());
  EXPECT_FALSE(verdict({leaf}, make_authority("Another").cert_pem, now).findings.empty());
}

TEST_F(VerifiedChainsTest, TheNameIsComparedAtEveryRun) {
  const TestCertificate leaf = make_certificate({}, &root);
  EXPECT_THAT(verdict({leaf}, root.cert_pem, now).findings, IsEmpty());
  const ChainVerdict other = verdict({leaf}, root.cert_pem, now, "other.example");
  EXPECT_EQ(spared(), 1U);
  ASSERT_EQ(other.findings.size(), 1U);
  EXPECT_EQ(other.findings[0].fault, TlsFault::name_mismatch);
}

TEST_F(VerifiedChainsTest, AFaultIsLookedAtEachTime) {
  const TestCertificate weak = make_certificate({.digest = "SHA1"}, &root);
  const TestCertificate expired = make_certificate({.starts = -3 * kDay, .ends = -kDay}, &root);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(verdict({weak}, root.cert_pem, now).findings.empty());
    EXPECT_FALSE(verdict({expired}, root.cert_pem, now).findings.empty());
  }
  EXPECT_EQ(store->verified.size(), 0U);
}

TEST_F(VerifiedChainsTest, EverNewCertificatesDoNotFillMemory) {
  VerifiedChains chains;
  for (std::size_t i = 0; i < 3 * VerifiedChains::kMostKnown; ++i) {
    chains.keep(std::to_string(i), {now, now, now + kDay});
    EXPECT_LE(chains.size(), VerifiedChains::kMostKnown);
    EXPECT_TRUE(chains.find(std::to_string(i), now + seconds(1)));
  }
}

}  // namespace
}  // namespace parallax
