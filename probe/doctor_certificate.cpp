#include "probe/doctor_certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/certificate.h"
#include "base/file.h"

namespace parallax {
namespace {

using State = Finding::State;

constexpr const char* kName = "certificate";
constexpr auto kSoon = std::chrono::days(3);  // as the alert ProbeCertificateExpiring has it
constexpr std::size_t kMostBytes = 1 << 20;

Finding trouble(std::string detail, std::string remedy) {
  return {kName, State::trouble, std::move(detail), std::move(remedy)};
}

bool is_there(const std::string& file) { return ::access(file.c_str(), F_OK) == 0; }

// What the certificate says, as far as it can be read.
CertificateSummary summary_of(const std::string& cert_file) {
  const auto pem = read_whole_file(cert_file, kMostBytes);
  if (!pem) return {};
  const auto summary = summarize_certificate(*pem, cert_file);
  return summary ? *summary : CertificateSummary();
}

// Whom it names, where it names one.
std::optional<SpiffeName> name_in(const CertificateSummary& summary) {
  for (const auto& name : summary.uri_names)
    if (auto found = spiffe_name_from(name)) return found;
  return std::nullopt;
}

// The request for a new certificate, with the key that is there if it is a key. LOCATION and NAME are for the
// reader to put in where nobody knows them.
std::string request_command(const proto::ProbeSettings& settings) {
  const auto name = name_in(summary_of(settings.cert_file())).value_or(SpiffeName{"parallax", "LOCATION", "NAME"});
  const auto key = holds_private_key(settings.key_file())
                       ? fmt::format("-key {}", for_shell(settings.key_file()))
                       : fmt::format("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {}",
                                     for_shell(settings.key_file()));
  return fmt::format(
      "openssl req -new {} -subj /CN={} -addext subjectAltName=URI:spiffe://{}/location/{}/probe/{} -out {}", key,
      name.probe, name.trust_domain, name.location, name.probe, for_shell(settings.cert_file() + ".csr"));
}

constexpr const char* kLetItBeSigned = ". Let the fleet's authority sign a new request";

// A file that is there and may not be read.
std::optional<Finding> unreadable(const proto::ProbeSettings& settings, const std::string& user) {
  const std::array<std::pair<const char*, const std::string*>, 3> files{{{"cert_file", &settings.cert_file()},
                                                                         {"key_file", &settings.key_file()},
                                                                         {"ca_file", &settings.ca_file()}}};
  for (const auto& [key, file] : files)
    if (is_there(*file) && ::access(file->c_str(), R_OK) != 0)
      return trouble(fmt::format("{} {} cannot be read by user {}: {}", key, *file, user, std::strerror(errno)),
                     fmt::format("chown {} {}", user, for_shell(*file)));
  return std::nullopt;
}

// How long it still is good, whom it names.
Finding good(const proto::ProbeSettings& settings, const CertificateSummary& summary, const SpiffeName& name,
             WallTime now) {
  const auto detail = fmt::format("probe {} at location {} (trust domain {}), signed by {}; ends in {} ({})",
                                  name.probe, name.location, name.trust_domain, summary.issuer,
                                  to_text(Nanoseconds(summary.not_after - now)), to_text(summary.not_after, 0));
  if (summary.not_after - now > kSoon) return {kName, State::ok, detail, ""};
  return {kName, State::warning, detail + kLetItBeSigned, request_command(settings)};
}

}  // namespace

std::optional<SpiffeName> spiffe_name_from(const std::string& text) {
  std::array<std::string, 5> parts;  // trust domain, "location", LOCATION, "probe", NAME
  constexpr std::string_view kScheme = "spiffe://";
  if (!text.starts_with(kScheme)) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(kScheme.size());
  for (auto& part : parts) {
    const auto slash = rest.find('/');
    const bool is_last = &part == &parts.back();
    if (is_last != (slash == rest.npos)) return std::nullopt;
    part = rest.substr(0, slash);
    if (part.empty() || part.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") != part.npos)
      return std::nullopt;
    rest.remove_prefix(is_last ? rest.size() : slash + 1);
  }
  if (parts[1] != "location" || parts[3] != "probe") return std::nullopt;
  return SpiffeName{parts[0], parts[2], parts[4]};
}

Finding certificate_finding(const proto::ProbeSettings& settings, WallTime now, const std::string& user) {
  if (auto finding = unreadable(settings, user)) return *finding;
  const auto ask = request_command(settings);
  if (!is_there(settings.cert_file()))
    return trouble(fmt::format("cert_file {} is not there{}", settings.cert_file(), kLetItBeSigned), ask);
  if (!is_there(settings.key_file()))
    return trouble(fmt::format("key_file {} is not there{}", settings.key_file(), kLetItBeSigned), ask);
  if (const auto authorities = Authorities::from_file(settings.ca_file()); !authorities)
    return trouble(authorities.error().what,
                   fmt::format("install -m 0644 AUTHORITY.crt {}", for_shell(settings.ca_file())));

  const auto own =
      check_own_files(settings.cert_file(), settings.key_file(), settings.ca_file(), CertificateRole::client, now);
  if (!own && summary_of(settings.cert_file()).not_before > now) return trouble(own.error().what, "timedatectl");
  if (!own) return trouble(own.error().what + kLetItBeSigned, ask);
  const auto text = only_spiffe_name(*own, "certificate " + settings.cert_file());
  if (!text) return trouble(text.error().what + kLetItBeSigned, ask);
  const auto name = spiffe_name_from(*text);
  if (!name)
    return trouble(
        fmt::format(
            "certificate {} names {}, which is not as spiffe://TRUST-DOMAIN/location/LOCATION/probe/NAME{}",
            settings.cert_file(), *text, kLetItBeSigned),
        ask);
  return good(settings, *own, *name, now);
}

}  // namespace parallax
