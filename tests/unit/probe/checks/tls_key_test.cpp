// Keys, signatures and ciphers: which are read, which are weak, which are too much.
#include <gmock/gmock.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/ssl.h>

#include "tests/unit/probe/checks/tls_check_test.h"

namespace parallax {
namespace {

using testing::HasSubstr;

// Diffie-Hellman over the 1024 bits of RFC 2409, as an old server has it, and no other exchange.
void use_weak_exchange(SSL_CTX* context) {
  BIGNUM* prime = BN_get_rfc2409_prime_1024(nullptr);
  BIGNUM* two = BN_new();
  BN_set_word(two, 2);
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_P, prime);
  OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_FFC_G, two);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX* make = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
  EVP_PKEY* group = nullptr;
  EVP_PKEY_fromdata_init(make);
  EVP_PKEY_fromdata(make, &group, EVP_PKEY_KEY_PARAMETERS, params);
  SSL_CTX_set0_tmp_dh_pkey(context, group);
  SSL_CTX_set_cipher_list(context, "DHE-RSA-AES128-GCM-SHA256");
  EVP_PKEY_CTX_free(make);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  BN_free(prime);
  BN_free(two);
}

class TlsKeys : public TlsCheckTest {};

TEST_F(TlsKeys, ReadsEveryKindAndRulesCountItInRsaBits) {
  const struct {
    const char* key;
    unsigned bits;
    std::string pem;
  } kCases[] = {
      {"EC 256", 3072, make_ec_key("P-256")},       {"EC 384", 7680, make_ec_key("P-384")},
      {"EC 521", 15360, make_ec_key("P-521")},      {"Ed25519", 3072, make_ed25519_key()},
      {"RSA 3482", 3482, make_rsa_key(2203, 1279)}, {"RSA-PSS 3482", 3482, make_rsa_key(2203, 1279, "RSA-PSS")},
      {"RSA 7470", 7470, make_rsa_key(4253, 3217)},
  };
  for (const auto& one : kCases) {
    TestServer server = serve(make_certificate({.key_pem = one.pem}, &ca));
    auto c = check(server);
    c.mutable_tls()->mutable_expect()->set_key_bits(one.bits);
    const Outcome enough = run(c);
    EXPECT_EQ(reason(enough), "ok") << one.key << ": " << enough.detail;
    ASSERT_EQ(enough.facts.tls().certificates_size(), 1) << one.key;
    EXPECT_EQ(enough.facts.tls().certificates(0).key(), one.key);
    c.mutable_tls()->mutable_expect()->set_key_bits(one.bits + 1);
    const Outcome too_few = run(c);
    EXPECT_EQ(reason(too_few) + phase(too_few), "weak") << one.key;
    EXPECT_TRUE(too_few.facts.tls().verified()) << "only a rule failed";
  }
}

TEST_F(TlsKeys, BelievesSignaturesOfEveryKind) {
  const std::pair<const char*, std::string> kCases[] = {
      {"ED25519", make_ed25519_key()},
      {"ecdsa-with-SHA256", make_ec_key("P-384")},
      {"sha256WithRSAEncryption", make_rsa_key(2203, 1279)},
      {"rsassaPss", make_rsa_key(2203, 1279, "RSA-PSS")},
  };
  for (const auto& [signature, pem] : kCases) {
    const TestCertificate root =
        make_certificate({.common_name = "Root", .sans = {}, .is_authority = true, .key_pem = pem});
    TestServer server = serve(make_certificate({}, &root));
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_ca_pem(root.cert_pem);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), "ok") << signature << ": " << outcome.detail;
    EXPECT_EQ(outcome.facts.tls().certificates(0).signature(), signature);
  }
}

TEST_F(TlsKeys, RefusesToLookAtRsaOfMoreThan8192Bits) {
  for (const char* kind : {"RSA", "RSA-PSS"}) {
    const TestCertificate huge = make_certificate(
        {.common_name = "Huge", .is_authority = true, .key_pem = make_rsa_key(4423, 4253, kind)}, &ca);
    TestServer as_leaf = serve(huge);
    TestServer above(loop, {.certificate = make_certificate({}, &huge), .chain_pem = huge.cert_pem}, listen_on);
    for (const TestServer* server : {&as_leaf, &above}) {
      for (const bool verify : {true, false}) {
        auto c = check(*server);
        c.mutable_tls()->mutable_tls()->set_verify(verify);
        const Outcome outcome = run(c);
        EXPECT_EQ(reason(outcome), "tls_protocol") << kind << ": " << outcome.detail;
        EXPECT_EQ(phase(outcome), "tls");
        EXPECT_THAT(outcome.detail, HasSubstr("over the bounds"));
        EXPECT_EQ(server->received(), "");
      }
    }
  }
}

TEST_F(TlsKeys, TellsWhatIsWeakInTheLeafAndAboveItButNotHowARootSignsItself) {
  const CertificateWish root_wish{.common_name = "Root", .sans = {}, .is_authority = true, .digest = "SHA1"};
  const TestCertificate root = make_certificate(root_wish);
  const auto signer = [&](CertificateWish wish) {
    wish.common_name = "Signer";
    wish.sans.clear();
    wish.is_authority = true;
    return make_certificate(wish, &root);
  };
  const struct {
    const char* reason;
    const char* words;
    TestCertificate signer;
    CertificateWish wish;
  } kCases[] = {
      {"ok", "", signer({}), {}},
      {"weak", " has a weak key (RSA 1128) ", signer({}), {.key_pem = make_rsa_key(607, 521)}},
      {"weak", " has a weak signature (ecdsa-with-SHA1) ", signer({}), {.digest = "SHA1"}},
      {"weak",
       " has an issuer (CN=Signer) that has a weak key (RSA 1128) ",
       signer({.key_pem = make_rsa_key(607, 521)}),
       {}},
      {"weak",
       " has an issuer (CN=Signer) that has a weak signature (ecdsa-with-SHA1) ",
       signer({.digest = "SHA1"}),
       {}},
  };
  for (const auto& one : kCases) {
    TestServer server(loop,
                      {.certificate = make_certificate(one.wish, &one.signer), .chain_pem = one.signer.cert_pem},
                      listen_on);
    auto c = check(server);
    c.mutable_tls()->mutable_tls()->set_ca_pem(root.cert_pem);
    const Outcome outcome = run(c);
    EXPECT_EQ(reason(outcome), one.reason) << one.words << ": " << outcome.detail;
    EXPECT_THAT(outcome.detail, HasSubstr(one.words));
    EXPECT_EQ(outcome.facts.tls().verified(), reason(outcome) == "ok");
    EXPECT_EQ(server.received(), "");
  }
}

TEST_F(TlsKeys, ReadsAWeakKeyExchangeAndThenSaysSo) {
  const TestCertificate leaf = make_certificate({.key_pem = make_rsa_key(2203, 1279)}, &ca);
  TestServer server(loop, {.certificate = leaf, .max_version = TLS1_2_VERSION, .also = &use_weak_exchange},
                    listen_on);
  auto c = check(server);
  const Outcome weak = run(c);
  EXPECT_EQ(reason(weak), "weak") << weak.detail;
  EXPECT_EQ(phase(weak), "tls");
  EXPECT_THAT(weak.detail, HasSubstr("comes with a weak key exchange (DH 1024)"));
  EXPECT_FALSE(weak.facts.tls().verified());
  EXPECT_EQ(weak.facts.tls().verify_error(), "dh key too small");
  EXPECT_EQ(weak.facts.tls().cipher(), "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256");
  EXPECT_FALSE(weak.facts.tls().has_chain_expiry());
  EXPECT_EQ(server.received(), "");
  c.mutable_tls()->mutable_tls()->set_verify(false);
  EXPECT_EQ(reason(run(c)), "ok");
}

}  // namespace
}  // namespace parallax
