#include "probe/checks/tls_judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "base/pattern.h"
#include "probe/checks/judge_expiry.h"
#include "probe/net/tls_facts.h"

namespace parallax {
namespace {

Failure certificate(std::string words) { return {proto::REASON_CERTIFICATE, std::move(words)}; }

std::string without_colons(const std::string& hex) {
  std::string plain;
  for (const char c : hex)
    if (c != ':') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return plain;
}

bool contains(const auto& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::optional<Failure> judge_strength(const proto::TlsExpect& rules, const proto::TlsFacts& facts) {
  // "TLS 1.2" and "1.2": of one length, so they compare as they read.
  if (!rules.min_version().empty() && facts.version() < "TLS " + rules.min_version())
    return Failure{proto::REASON_WEAK,
                   fmt::format("agreed on {}, wanted at least TLS {}", facts.version(), rules.min_version())};
  if (rules.key_bits() == 0 || facts.certificates().empty()) return std::nullopt;
  const std::string& key = facts.certificates(0).key();
  const unsigned bits = rsa_equivalent_bits(key);
  if (bits >= rules.key_bits()) return std::nullopt;
  return Failure{proto::REASON_WEAK,
                 fmt::format("the key is {} ({} bits as RSA), wanted at least {}", key, bits, rules.key_bits())};
}

std::optional<Failure> judge_certificate(const proto::TlsExpect& rules, const proto::Certificate& leaf) {
  if (!rules.issuer_matches().empty()) {
    const auto pattern = Pattern::compile(rules.issuer_matches());
    if (!pattern) return Failure{proto::REASON_PROBE_FAULT, pattern.error().what};
    if (!pattern->found_in(leaf.issuer()))
      return certificate(
          fmt::format("the issuer is {}, wanted one that matches {}", leaf.issuer(), rules.issuer_matches()));
  }
  for (const std::string& name : rules.san_includes())
    if (!contains(leaf.sans(), name))
      return certificate(
          fmt::format("the certificate is for {}, wanted one for {}", fmt::join(leaf.sans(), ", "), name));
  if (rules.fingerprint_sha256().empty()) return std::nullopt;
  for (const std::string& wanted : rules.fingerprint_sha256())
    if (without_colons(wanted) == leaf.fingerprint_sha256()) return std::nullopt;
  return certificate(fmt::format("the certificate is another one: its fingerprint is {}, wanted {}",
                                 leaf.fingerprint_sha256(), fmt::join(rules.fingerprint_sha256(), " or ")));
}

std::optional<Failure> judge_staple(const proto::TlsExpect& rules, const proto::TlsFacts& facts) {
  if (!rules.has_ocsp_stapled()) return std::nullopt;
  if (!rules.ocsp_stapled() && facts.has_ocsp()) return certificate("an OCSP response was stapled, wanted none");
  if (!rules.ocsp_stapled() || facts.ocsp() == "good") return std::nullopt;
  if (!facts.has_ocsp()) return certificate("no OCSP response was stapled, wanted a good one");
  return certificate(fmt::format("the stapled OCSP response is {}, wanted a good one", facts.ocsp()));
}

}  // namespace

std::optional<Failure> judge_tls(const proto::TlsExpect& rules, const proto::TlsFacts& facts, WallTime now) {
  if (auto failed = judge_strength(rules, facts)) return failed;
  if (!rules.alpn().empty() && !contains(rules.alpn(), facts.alpn()))
    return certificate(fmt::format("agreed on {} by ALPN, wanted {}",
                                   facts.has_alpn() ? "\"" + facts.alpn() + "\"" : "nothing",
                                   fmt::join(rules.alpn(), " or ")));
  if (!facts.certificates().empty())
    if (auto failed = judge_certificate(rules, facts.certificates(0))) return failed;
  if (auto failed = judge_staple(rules, facts)) return failed;
  if (rules.expires_in_ms() > 0) return judge_expiry(rules.expires_in_ms(), facts, now);
  return std::nullopt;
}

}  // namespace parallax
