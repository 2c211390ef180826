#include "tests/unit/probe/test_certificates.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace parallax {
namespace {

std::string taken(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string copy(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  return copy;
}

X509* read_certificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

EVP_PKEY* read_key(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return key;
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  if (X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str())) {
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
}

std::string written(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  EVP_PKEY_free(key);
  return taken(bio);
}

// 2^exponent - 1.
BIGNUM* mersenne(int exponent) {
  BIGNUM* number = BN_new();
  BN_set_bit(number, exponent);
  BN_sub_word(number, 1);
  return number;
}

// DER of one tag around `content`.
std::string tagged(unsigned char tag, const std::string& content) {
  std::string size;
  for (std::size_t left = content.size(); left > 0; left >>= 8) size.insert(0, 1, static_cast<char>(left & 255));
  if (content.size() < 128)
    size = std::string(1, static_cast<char>(content.size()));
  else
    size.insert(0, 1, static_cast<char>(0x80 | size.size()));
  return static_cast<char>(tag) + size + content;
}

void set_time(ASN1_TIME* to, std::chrono::seconds from_now) {
  ASN1_TIME_set(to, std::time(nullptr) + from_now.count());
}

}  // namespace

TestCertificate make_certificate(const CertificateWish& wish, const TestCertificate* issuer) {
  static long serial = 0x0bfe;
  EVP_PKEY* key = !wish.key_pem.empty() ? read_key(wish.key_pem)
                  : wish.rsa_bits       ? EVP_RSA_gen(static_cast<unsigned>(wish.rsa_bits))
                                        : EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509* signer = issuer ? read_certificate(issuer->cert_pem) : certificate;
  EVP_PKEY* signer_key = issuer ? read_key(issuer->key_pem) : key;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  set_time(X509_getm_notBefore(certificate), wish.starts);
  set_time(X509_getm_notAfter(certificate), wish.ends);
  X509_set_pubkey(certificate, key);
  if (!wish.common_name.empty())
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  std::string names;
  for (const std::string& name : wish.sans) names += (names.empty() ? "" : ",") + name;
  extend(certificate, signer, NID_basic_constraints, wish.is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(certificate, signer, NID_subject_key_identifier, "hash");
  if (!names.empty()) extend(certificate, signer, NID_subject_alt_name, names);
  if (!wish.purpose.empty()) extend(certificate, signer, NID_ext_key_usage, wish.purpose);
  if (wish.also) wish.also(certificate);
  const bool has_own_digest = EVP_PKEY_get_base_id(signer_key) == EVP_PKEY_ED25519;
  X509_sign(certificate, signer_key, has_own_digest ? nullptr : EVP_get_digestbyname(wish.digest));

  TestCertificate made;
  BIO* cert = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(cert, certificate);
  made.cert_pem = taken(cert);
  made.key_pem = written(key);
  if (issuer) {
    X509_free(signer);
    EVP_PKEY_free(signer_key);
  }
  X509_free(certificate);
  return made;
}

std::string make_ec_key(const char* curve) { return written(EVP_EC_gen(curve)); }
std::string make_ed25519_key() { return written(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

std::string make_rsa_key(int p_exponent, int q_exponent, const char* kind) {
  BN_CTX* scratch = BN_CTX_new();
  BIGNUM* p = mersenne(p_exponent);
  BIGNUM* q = mersenne(q_exponent);
  BIGNUM *n = BN_new(), *e = BN_new(), *p1 = BN_dup(p), *q1 = BN_dup(q), *phi = BN_new();
  BIGNUM *d = BN_new(), *d_p = BN_new(), *d_q = BN_new();
  BN_mul(n, p, q, scratch);
  BN_set_word(e, 65537);
  BN_sub_word(p1, 1);
  BN_sub_word(q1, 1);
  BN_mul(phi, p1, q1, scratch);
  BN_mod_inverse(d, e, phi, scratch);
  BN_mod(d_p, d, p1, scratch);
  BN_mod(d_q, d, q1, scratch);
  BIGNUM* q_inverse = BN_mod_inverse(nullptr, q, p, scratch);
  const std::pair<const char*, BIGNUM*> parts[] = {
      {OSSL_PKEY_PARAM_RSA_N, n},           {OSSL_PKEY_PARAM_RSA_E, e},
      {OSSL_PKEY_PARAM_RSA_D, d},           {OSSL_PKEY_PARAM_RSA_FACTOR1, p},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, q},     {OSSL_PKEY_PARAM_RSA_EXPONENT1, d_p},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, d_q}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, q_inverse}};
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  for (const auto& [name, number] : parts) OSSL_PARAM_BLD_push_BN(build, name, number);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  for (const auto& [name, number] : parts) BN_free(number);
  for (BIGNUM* number : {p1, q1, phi}) BN_free(number);
  BN_CTX_free(scratch);
  return written(key);
}

void set_raw_names(X509* certificate, const std::vector<RawName>& names) {
  std::string list;
  for (const auto& [tag, bytes] : names) list += tagged(tag, bytes);
  const std::string der = tagged(0x30, list);
  ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(octets, reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  X509_EXTENSION* extension = X509_EXTENSION_create_by_NID(nullptr, NID_subject_alt_name, 0, octets);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(octets);
}

std::string make_staple(const StapleWish& wish) {
  X509* leaf = read_certificate(wish.of.cert_pem);
  X509* issuer = read_certificate(wish.issuer.cert_pem);
  X509* signer = read_certificate(wish.signer.cert_pem);
  EVP_PKEY* key = read_key(wish.signer.key_pem);
  ASN1_TIME* made = ASN1_TIME_adj(nullptr, std::time(nullptr), 0, wish.made.count());
  ASN1_TIME* ends = ASN1_TIME_adj(nullptr, std::time(nullptr), 0, wish.ends.count());
  OCSP_CERTID* id = OCSP_cert_to_id(EVP_get_digestbyname(wish.digest), leaf, issuer);
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  OCSP_basic_add1_status(basic, id, wish.is_revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD,
                         OCSP_REVOKED_STATUS_KEYCOMPROMISE, wish.is_revoked ? made : nullptr, made, ends);
  OCSP_basic_sign(basic, signer, key, EVP_sha256(), nullptr, 0);
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* bytes = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &bytes);
  std::string der(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  OPENSSL_free(bytes);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(made);
  ASN1_TIME_free(ends);
  EVP_PKEY_free(key);
  for (X509* one : {leaf, issuer, signer}) X509_free(one);
  return der;
}

TestCertificate make_authority(const std::string& name) {
  CertificateWish wish;
  wish.common_name = name;
  wish.sans.clear();
  wish.is_authority = true;
  return make_certificate(wish);
}

}  // namespace parallax
