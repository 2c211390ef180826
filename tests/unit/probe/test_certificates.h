// Certificates and keys made on the spot, so that no file of the tests ever expires.
#pragma once

#include <chrono>
#include <string>
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
  std::string key_pem = {};  // a key that there is already; a new one where empty
};

// Signed by `issuer`, or by itself when it is null.
TestCertificate make_certificate(const CertificateWish& wish, const TestCertificate* issuer = nullptr);

// An authority called `name`.
TestCertificate make_authority(const std::string& name);

// What a staple says, and who signs it.
struct StapleWish {
  const TestCertificate& of;      // whose state it tells
  const TestCertificate& issuer;  // of that certificate
  const TestCertificate& signer;
  bool is_revoked = false;
  std::chrono::seconds made = -std::chrono::hours(1);  // from now
  std::chrono::seconds ends = std::chrono::hours(24);
};

// An OCSP response in DER (RFC 6960).
std::string make_staple(const StapleWish& wish);

}  // namespace parallax
