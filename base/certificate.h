// What is wrong with a certificate, as one exact sentence. Shared by both programs: a handshake that is refused
// tells its two ends next to nothing, so each looks at certificates itself, before and after. The sentence names
// the certificate, what is wrong and the next step:
//
//   certificate probe.crt expired 3 days ago (2026-01-01T00:00:00Z); renew it
//
// One of the doors to OpenSSL. Everything here may be called from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace parallax {

// Takes OpenSSL out of what exit() tidies up: gRPC's threads may be in the middle of a handshake then, and would
// find it gone from under them. Call it first in main, before anything uses OpenSSL.
void keep_openssl_to_the_end();

struct CertificateSummary {
  std::string subject;  // RFC 2253: "CN=edge-7,O=Example"
  std::string issuer;
  WallTime not_before{};
  WallTime not_after{};
  std::vector<std::string> uri_names;  // URI entries of the subject alternative name, as they are
  std::vector<std::string> dns_names;
};

// How the peer uses the certificate: what its extended key usage, if it has one, must allow.
enum class CertificateRole { client, server };

// The authorities of a ca_file: who may have signed.
class Authorities {
 public:
  // Reads every certificate of a PEM file; the error names the file, what is wrong and the next step.
  static Result<Authorities> from_file(const std::string& ca_file);

  // Verifies the first certificate of `leaf_pem` at `now`: dates, role, and a chain by way of `intermediates_pem`
  // (may be empty) to one of the authorities. `called` is how the sentence names it ("certificate probe.crt");
  // "certificate CN=edge-7" when empty.
  Result<CertificateSummary> verify(std::string_view leaf_pem, std::string_view intermediates_pem,
                                    CertificateRole role, WallTime now, std::string_view called = {}) const;

 private:
  struct Members;
  std::shared_ptr<const Members> members_;
};

// The first certificate of the PEM text.
Result<CertificateSummary> summarize_certificate(std::string_view pem, std::string_view called);

// Looks at a program's own pair of files: readable, PEM, the key matches, in date at `now`.
Result<CertificateSummary> check_own_files(const std::string& cert_file, const std::string& key_file,
                                           WallTime now);

// The same, and that it chains to `ca_file`: a probe does this before it dials.
Result<CertificateSummary> check_own_files(const std::string& cert_file, const std::string& key_file,
                                           const std::string& ca_file, CertificateRole role, WallTime now);

// Whether the file holds a private key in PEM, without a passphrase.
bool holds_private_key(const std::string& key_file);

// Whether OpenSSL knows a cipher suite by this IANA name: "TLS_AES_128_GCM_SHA256".
bool is_cipher(const std::string& name);

// The one URI name, which must be a SPIFFE name; the error says how many there are. `called` as above.
Result<std::string> only_spiffe_name(const CertificateSummary& certificate, std::string_view called);

}  // namespace parallax
