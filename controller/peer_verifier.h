// Whether a certificate that a probe shows in the handshake is one we take, and if not, exactly why. TLS itself
// tells neither side; so gRPC only asks for the certificate, and this looks at it.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/certificate.h"
#include "base/result.h"
#include "base/time.h"
#include "controller/identity.h"

namespace parallax {

// Thread-safe: handshakes happen on gRPC's threads.
class PeerVerifier {
 public:
  PeerVerifier(const Clock& clock, std::string ca_file, std::string trust_domain);

  // Reads ca_file for the first time; the error is for the person who starts the controller.
  Result<void> start();

  struct Verdict {
    std::string subject;  // of the certificate, empty when there was none
    Result<Identity> identity;
  };
  // `leaf_pem` is empty when the peer showed no certificate. ca_file is read again when it changed; one that
  // cannot be read leaves the authorities that were in force.
  Verdict verify(std::string_view leaf_pem, std::string_view chain_pem);

  // The trouble with ca_file since it was last read, empty for none.
  std::string trouble() const;

 private:
  using Stamp = std::pair<std::filesystem::file_time_type, std::uintmax_t>;
  std::optional<Stamp> stamp_now() const;
  Authorities authorities_now();

  const Clock& clock_;
  const std::string ca_file_;
  const std::string trust_domain_;
  mutable std::mutex mutex_;
  std::optional<Stamp> stamp_;
  std::optional<Authorities> authorities_;
  std::string trouble_;
};

}  // namespace parallax
