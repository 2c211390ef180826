#include "probe/checks/tls_judge.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "probe/net/tls_facts.h"
#include "proto/names.h"

namespace parallax {
namespace {

std::string judged(const std::string& text) {
  proto::TlsExpect rules;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rules)) << text;
  proto::TlsFacts facts;
  facts.set_version("TLS 1.2");
  facts.set_alpn("h2");
  facts.set_earliest_expiry(86400 * 10);
  auto& leaf = *facts.add_certificates();
  leaf.set_subject("CN=shop.example");
  leaf.set_issuer("CN=Example CA,O=Example");
  leaf.set_key("EC 256");
  leaf.add_sans("shop.example");
  leaf.set_fingerprint_sha256(std::string(62, '0') + "ab");
  const auto failed = judge_tls(rules, facts, from_unix_us(0));
  return failed ? std::string(name(failed->reason)) + ": " + failed->detail : "holds";
}

TEST(TlsJudge, HoldsWhereEveryRuleDoes) {
  EXPECT_EQ(judged(""), "holds");
  EXPECT_EQ(judged("min_version: '1.2' key_bits: 3072 alpn: 'http/1.1' alpn: 'h2' issuer_matches: 'CN=Example' "
                   "san_includes: 'shop.example' expires_in_ms: 864000000"),
            "holds");
  std::string colons = "AB";
  for (int i = 0; i < 31; ++i) colons = "00:" + colons;
  EXPECT_EQ(judged("fingerprint_sha256: '" + std::string(64, 'f') + "' fingerprint_sha256: '" + colons + "'"),
            "holds");
}

TEST(TlsJudge, TellsWhichRuleFailed) {
  EXPECT_EQ(judged("min_version: '1.3'"), "weak: agreed on TLS 1.2, wanted at least TLS 1.3");
  EXPECT_EQ(judged("key_bits: 4096"), "weak: the key is EC 256 (3072 bits as RSA), wanted at least 4096");
  EXPECT_EQ(judged("alpn: 'http/1.1'"), "certificate: agreed on \"h2\" by ALPN, wanted http/1.1");
  EXPECT_EQ(judged("issuer_matches: 'Other'"),
            "certificate: the issuer is CN=Example CA,O=Example, wanted one that matches Other");
  EXPECT_EQ(judged("san_includes: 'crm.example'"),
            "certificate: the certificate is for shop.example, wanted one for crm.example");
  EXPECT_THAT(
      judged("fingerprint_sha256: '" + std::string(64, 'f') + "'"),
      testing::AllOf(testing::StartsWith("certificate: "), testing::EndsWith(", wanted " + std::string(64, 'f'))));
  EXPECT_EQ(judged("expires_in_ms: 864000001"),
            "expires_soon: the certificate (CN=shop.example) expires in 10 days, wanted at least 10 days");
}

TEST(TlsFacts, CountsKeysInRsaBits) {
  EXPECT_EQ(rsa_equivalent_bits("RSA 2048"), 2048U);
  EXPECT_EQ(rsa_equivalent_bits("EC 256"), 3072U);
  EXPECT_EQ(rsa_equivalent_bits("EC 384"), 7680U);
  EXPECT_EQ(rsa_equivalent_bits("EC 521"), 15360U);
  EXPECT_EQ(rsa_equivalent_bits("EC 224"), 2048U);
  EXPECT_EQ(rsa_equivalent_bits("Ed25519"), 3072U);
}

}  // namespace
}  // namespace parallax
