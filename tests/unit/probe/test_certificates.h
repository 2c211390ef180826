// Certificates and keys made on the spot, so that no file of the tests ever expires.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace parallax {

struct TestCertificate {
  std::string cert_pem;
  std::string key_pem;
};

struct CertificateWish {
  std::string common_name = "shop.example";
  std::vector<std::string> sans = {"DNS:shop.example", "IP:127.0.0.1"};  // as OpenSSL's configuration has them
  std::chrono::seconds starts = -std::chrono::hours(24);                 // from now
  std::chrono::seconds ends = std::chrono::hours(24 * 90);
  bool is_authority = false;
  int rsa_bits = 0;  // 0: EC 256
  const char* digest = "SHA256";
  std::string key_pem = {};              // a key that there is already; a new one where empty
  std::string purpose = {};              // extended key usage as OpenSSL's configuration has it: "OCSPSigning"
  std::function<void(X509*)> also = {};  // whatever else, just before it is signed
};

// Signed by `issuer`, or by itself when it is null.
TestCertificate make_certificate(const CertificateWish& wish, const TestCertificate* issuer = nullptr);

// An authority called `name`.
TestCertificate make_authority(const std::string& name);

// A new key on this curve ("P-384"), and one of Ed25519.
std::string make_ec_key(const char* curve);
std::string make_ed25519_key();

// An RSA key of p + q bits at once, because its primes are known: 2^p - 1 and 2^q - 1. Exponents of such primes:
// 521, 607, 1279, 2203, 2281, 3217, 4253, 4423. `kind`: "RSA", or "RSA-PSS" for a key that signs in no other way.
std::string make_rsa_key(int p, int q, const char* kind = "RSA");

// A subject alternative name of any bytes: each with its tag (0x82 is a DNS name, RFC 5280 4.2.1.6).
using RawName = std::pair<unsigned char, std::string>;
void set_raw_names(X509* certificate, const std::vector<RawName>& names);

// What a staple says, and who signs it.
struct StapleWish {
  const TestCertificate& of;      // whose state it tells
  const TestCertificate& issuer;  // of that certificate
  const TestCertificate& signer;
  bool is_revoked = false;
  std::chrono::seconds made = -std::chrono::hours(1);  // from now
  std::chrono::seconds ends = std::chrono::hours(24);
  const char* digest = "SHA1";  // by which it names the certificate
};

// An OCSP response in DER (RFC 6960).
std::string make_staple(const StapleWish& wish);

}  // namespace parallax
