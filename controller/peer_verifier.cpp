#include "controller/peer_verifier.h"

namespace parallax {

PeerVerifier::PeerVerifier(const Clock& clock, std::string ca_file, std::string trust_domain)
    : clock_(clock), ca_file_(std::move(ca_file)), trust_domain_(std::move(trust_domain)) {}

Result<void> PeerVerifier::start() {
  const std::lock_guard lock(mutex_);
  stamp_ = stamp_now();
  auto read = Authorities::from_file(ca_file_);
  if (!read) return std::unexpected(read.error());
  authorities_ = std::move(*read);
  return {};
}

PeerVerifier::Verdict PeerVerifier::verify(std::string_view leaf_pem, std::string_view chain_pem) {
  if (leaf_pem.empty()) return {"", failure("it showed no certificate; set cert_file and key_file in probe.toml")};
  const auto shown = summarize_certificate(leaf_pem, "what it showed");
  if (!shown) return {"", std::unexpected(shown.error())};
  const auto good = authorities_now().verify(leaf_pem, chain_pem, CertificateRole::client, clock_.wall());
  if (!good) return {shown->subject, std::unexpected(good.error())};
  const auto name = only_spiffe_name(*shown, "");
  if (!name) return {shown->subject, std::unexpected(name.error())};
  return {shown->subject, identity_from_spiffe_id(*name, trust_domain_)};
}

std::string PeerVerifier::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

std::optional<PeerVerifier::Stamp> PeerVerifier::stamp_now() const {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(ca_file_, error);
  if (error) return std::nullopt;
  const auto size = std::filesystem::file_size(ca_file_, error);
  if (error) return std::nullopt;
  return Stamp{time, size};
}

Authorities PeerVerifier::authorities_now() {
  const std::lock_guard lock(mutex_);
  const auto stamp = stamp_now();
  if (stamp == stamp_) return *authorities_;
  stamp_ = stamp;
  auto read = Authorities::from_file(ca_file_);
  trouble_ = read ? "" : read.error().what;
  if (read) authorities_ = std::move(*read);
  return *authorities_;
}

}  // namespace parallax
