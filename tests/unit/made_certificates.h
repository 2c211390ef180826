// Certificates for tests: an authority and what it signs, made on the spot and written as files.
#pragma once

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/time.h"

namespace parallax::testing {

// A directory that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string made = (std::filesystem::temp_directory_path() / "parallax-test-XXXXXX").string();
    path_ = ::mkdtemp(made.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path_ / name) << text; }

 private:
  std::filesystem::path path_;
};

// A certificate and its key, both PEM.
struct MadeCertificate {
  std::string certificate;
  std::string key;
};

struct CertificateWish {
  std::string common_name;
  std::string alternative_names;  // as openssl.cnf has it: "URI:spiffe://...,DNS:localhost"; empty for none
  WallTime not_before;
  WallTime not_after;
};

class MadeAuthority {
 public:
  explicit MadeAuthority(const std::string& name, WallTime now) : key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    using std::chrono::hours;
    certificate_ = {make({name, "", now - hours(24), now + hours(24 * 365)}, key_.get(), nullptr, true),
                    X509_free};
  }

  std::string pem() const {
    return text([&](BIO* out) { PEM_write_bio_X509(out, certificate_.get()); });
  }

  MadeCertificate sign(const CertificateWish& wish) const {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> made(make(wish, key.get(), certificate_.get(), false), X509_free);
    return {text([&](BIO* out) { PEM_write_bio_X509(out, made.get()); }), text([&](BIO* out) {
              PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
            })};
  }

 private:
  template <class Write>
  static std::string text(Write write) {
    const std::unique_ptr<BIO, void (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free_all);
    write(out.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
  }

  static void extend(X509* made, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : made, made, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    X509_add_ext(made, extension, -1);
    X509_EXTENSION_free(extension);
  }

  X509* make(const CertificateWish& wish, EVP_PKEY* key, X509* issuer, bool authority) const {
    static long serial = 1;
    X509* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_NAME* name = X509_get_subject_name(made);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer) : name);
    ASN1_TIME_set(X509_getm_notBefore(made), unix_ms(wish.not_before) / 1000);
    ASN1_TIME_set(X509_getm_notAfter(made), unix_ms(wish.not_after) / 1000);
    X509_set_pubkey(made, key);
    extend(made, issuer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!wish.alternative_names.empty()) extend(made, issuer, NID_subject_alt_name, wish.alternative_names);
    X509_sign(made, key_.get(), EVP_sha256());
    return made;
  }

  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
  std::unique_ptr<X509, void (*)(X509*)> certificate_{nullptr, X509_free};
};

}  // namespace parallax::testing
