#include "base/certificate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/file.h"

namespace parallax {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
void free_certificates(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Certificates = std::unique_ptr<STACK_OF(X509), Freed<free_certificates>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Store = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

Bio bio_of(std::string_view pem) { return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))); }

// A key behind a passphrase cannot be used by a service: never ask the terminal for one.
int no_passphrase(char*, int, int, void*) { return 0; }

Result<std::string> read_pem(const std::string& file) {
  auto text = read_whole_file(file, 1 << 20);
  if (!text) return failure(fmt::format("{} {}; look at the path and its permissions", file, text.error().what));
  return text;
}

Certificate read_certificate(std::string_view pem) {
  Certificate certificate(PEM_read_bio_X509(bio_of(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return certificate;
}

Key read_key(std::string_view pem) {
  Key key(PEM_read_bio_PrivateKey(bio_of(pem).get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

Certificates read_certificates(std::string_view pem) {
  Certificates all(sk_X509_new_null());
  const Bio bio = bio_of(pem);
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) sk_X509_push(all.get(), one);
  ERR_clear_error();
  return all;
}

std::string name_text(const X509_NAME* name) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

WallTime moment_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

CertificateSummary summarize(X509* certificate) {
  CertificateSummary summary;
  summary.subject = name_text(X509_get_subject_name(certificate));
  summary.issuer = name_text(X509_get_issuer_name(certificate));
  summary.not_before = moment_of(X509_get0_notBefore(certificate));
  summary.not_after = moment_of(X509_get0_notAfter(certificate));
  const Names names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI && name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = name->d.ia5;
    (name->type == GEN_URI ? summary.uri_names : summary.dns_names)
        .emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), ASN1_STRING_length(text));
  }
  ERR_clear_error();
  return summary;
}

std::string name_of(const CertificateSummary& summary, std::string_view called) {
  if (!called.empty()) return std::string(called);
  return fmt::format("certificate {}", summary.subject.empty() ? "without a subject" : summary.subject);
}

Result<void> check_dates(const CertificateSummary& summary, std::string_view called, WallTime now) {
  if (now > summary.not_after)
    return failure(fmt::format("{} expired {} ago ({}); renew it", name_of(summary, called),
                               to_text(Nanoseconds(now - summary.not_after)), to_text(summary.not_after, 0)));
  if (now < summary.not_before)
    return failure(fmt::format("{} is not valid before {} (in {}); look at the clock, or wait",
                               name_of(summary, called), to_text(summary.not_before, 0),
                               to_text(Nanoseconds(summary.not_before - now))));
  return {};
}

}  // namespace

void keep_openssl_to_the_end() { OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr); }

struct Authorities::Members {
  std::string file;
  Store store;
};

namespace {

// Why `context` found no good chain for the certificate.
std::string why_not(X509_STORE_CTX* context, const CertificateSummary& summary, std::string_view called,
                    const std::string& ca_file, CertificateRole role, WallTime now) {
  const int error = X509_STORE_CTX_get_error(context);
  X509* at = X509_STORE_CTX_get_current_cert(context);
  if (at && X509_STORE_CTX_get_error_depth(context) > 0) {
    const CertificateSummary above = summarize(at);
    const auto dated = check_dates(above, "", now);
    if (!dated) return fmt::format("{}: its issuer's {}", name_of(summary, called), dated.error().what);
  }
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return fmt::format("{} is self-signed and not in {}; use one that an authority in that file signed",
                         name_of(summary, called), ca_file);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return fmt::format(
          "{} was not signed by an authority in {} (it names {} as its issuer); use one that was, or "
          "add that authority to the file",
          name_of(summary, called), ca_file, summary.issuer);
    case X509_V_ERR_INVALID_PURPOSE:
      return fmt::format("{} may not be used as a {} certificate (extended key usage); make one that may",
                         name_of(summary, called), role == CertificateRole::client ? "client" : "server");
    default:
      return fmt::format("{} is refused: {}; make a new one", name_of(summary, called),
                         X509_verify_cert_error_string(error));
  }
}

}  // namespace

Result<Authorities> Authorities::from_file(const std::string& ca_file) {
  const auto pem = read_pem(ca_file);
  if (!pem) return std::unexpected(pem.error());
  const Certificates all = read_certificates(*pem);
  if (sk_X509_num(all.get()) == 0)
    return failure(fmt::format("{} holds no certificate in PEM; put the authority's certificate there", ca_file));
  auto members = std::make_shared<Members>();
  members->file = ca_file;
  members->store.reset(X509_STORE_new());
  for (int i = 0; i < sk_X509_num(all.get()); ++i)
    X509_STORE_add_cert(members->store.get(), sk_X509_value(all.get(), i));
  ERR_clear_error();
  Authorities authorities;
  authorities.members_ = std::move(members);
  return authorities;
}

Result<CertificateSummary> Authorities::verify(std::string_view leaf_pem, std::string_view intermediates_pem,
                                               CertificateRole role, WallTime now, std::string_view called) const {
  const Certificate leaf = read_certificate(leaf_pem);
  if (!leaf)
    return failure(fmt::format("{} is not a certificate in PEM", called.empty() ? "certificate" : called));
  CertificateSummary summary = summarize(leaf.get());
  const auto dated = check_dates(summary, called, now);
  if (!dated) return std::unexpected(dated.error());

  const Certificates intermediates = read_certificates(intermediates_pem);
  const StoreContext context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), members_->store.get(), leaf.get(), intermediates.get());
  X509_STORE_CTX_set_default(context.get(), role == CertificateRole::client ? "ssl_client" : "ssl_server");
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  X509_VERIFY_PARAM_set_depth(parameters, 8);
  // An authority in the file is trusted whether or not it is a root.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
  const bool good = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (!good) return failure(why_not(context.get(), summary, called, members_->file, role, now));
  return summary;
}

Result<CertificateSummary> summarize_certificate(std::string_view pem, std::string_view called) {
  const Certificate certificate = read_certificate(pem);
  if (!certificate) return failure(fmt::format("{} is not a certificate in PEM", called));
  return summarize(certificate.get());
}

Result<CertificateSummary> check_own_files(const std::string& cert_file, const std::string& key_file,
                                           WallTime now) {
  const auto pem = read_pem(cert_file);
  if (!pem) return std::unexpected(pem.error());
  const Certificate certificate = read_certificate(*pem);
  if (!certificate) return failure(fmt::format("{} holds no certificate in PEM; put one there", cert_file));

  const auto key_pem = read_pem(key_file);
  if (!key_pem) return std::unexpected(key_pem.error());
  const Key key = read_key(*key_pem);
  if (!key)
    return failure(fmt::format("{} holds no private key in PEM without a passphrase; put one there", key_file));
  const bool match = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (!match)
    return failure(
        fmt::format("the key in {} is not that of the certificate in {}; put the two that belong together",
                    key_file, cert_file));

  CertificateSummary summary = summarize(certificate.get());
  const auto dated = check_dates(summary, "certificate " + cert_file, now);
  if (!dated) return std::unexpected(dated.error());
  return summary;
}

Result<CertificateSummary> check_own_files(const std::string& cert_file, const std::string& key_file,
                                           const std::string& ca_file, CertificateRole role, WallTime now) {
  auto own = check_own_files(cert_file, key_file, now);
  if (!own) return own;
  const auto authorities = Authorities::from_file(ca_file);
  if (!authorities) return std::unexpected(authorities.error());
  const auto pem = read_pem(cert_file);
  if (!pem) return std::unexpected(pem.error());
  return authorities->verify(*pem, *pem, role, now, "certificate " + cert_file);
}

bool holds_private_key(const std::string& key_file) {
  const auto pem = read_pem(key_file);
  return pem && read_key(*pem);
}

bool is_cipher(const std::string& name) { return std::string_view(OPENSSL_cipher_name(name.c_str())) != "(NONE)"; }

Result<std::string> only_spiffe_name(const CertificateSummary& certificate, std::string_view called) {
  constexpr std::string_view wanted =
      "make one with exactly one: spiffe://TRUST-DOMAIN/location/LOCATION/probe/NAME";
  const auto& names = certificate.uri_names;
  if (names.empty()) return failure(fmt::format("{} has no URI name; {}", name_of(certificate, called), wanted));
  if (names.size() > 1)
    return failure(fmt::format("{} has {} URI names ({}); {}", name_of(certificate, called), names.size(),
                               fmt::join(names, ", "), wanted));
  if (!names.front().starts_with("spiffe://"))
    return failure(fmt::format("{} has the URI name {}, which is not a SPIFFE name; {}",
                               name_of(certificate, called), names.front(), wanted));
  return names.front();
}

}  // namespace parallax
