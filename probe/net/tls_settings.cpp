#include "probe/net/tls_settings.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "probe/secrets.h"

namespace parallax {
namespace {

int version_from(const std::string& word) {
  if (word == "1.0") return TLS1_VERSION;
  if (word == "1.1") return TLS1_1_VERSION;
  if (word == "1.2") return TLS1_2_VERSION;
  if (word == "1.3") return TLS1_3_VERSION;
  return 0;
}

// A key behind a passphrase cannot be used by a service: never ask the terminal for one.
int no_passphrase(char*, int, int, void*) { return 0; }

Failure fault(std::string words) { return {proto::REASON_PROBE_FAULT, std::move(words)}; }

Step<std::string> read_file(const std::string& name, Tools& tools) {
  proto::Secret secret;
  secret.set_file(name);
  return tools.secrets.read(secret);
}

Step<std::shared_ptr<const ClientCertificate>> client_certificate(const std::string& cert_file,
                                                                  const std::string& key_file, Tools& tools) {
  const auto cert_pem = read_file(cert_file, tools);
  if (!cert_pem) return std::unexpected(cert_pem.error());
  const auto key_pem = key_file.empty() ? cert_pem : read_file(key_file, tools);
  if (!key_pem) return std::unexpected(key_pem.error());
  const std::string& key_name = key_file.empty() ? cert_file : key_file;

  auto client = std::make_shared<ClientCertificate>();
  client->chain.reset(sk_X509_new_null());
  const OpenSsl<bio_st> certs(BIO_new_mem_buf(cert_pem->data(), static_cast<int>(cert_pem->size())));
  while (X509* one = PEM_read_bio_X509(certs.get(), nullptr, no_passphrase, nullptr))
    sk_X509_push(client->chain.get(), one);
  const OpenSsl<bio_st> keys(BIO_new_mem_buf(key_pem->data(), static_cast<int>(key_pem->size())));
  client->key.reset(PEM_read_bio_PrivateKey(keys.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();

  if (sk_X509_num(client->chain.get()) == 0)
    return std::unexpected(fault(fmt::format("there is no certificate in cert_file {}", cert_file)));
  if (!client->key)
    return std::unexpected(fault(fmt::format("there is no private key without a passphrase in {}", key_name)));
  const bool fits = X509_check_private_key(sk_X509_value(client->chain.get(), 0), client->key.get()) == 1;
  ERR_clear_error();
  if (!fits)
    return std::unexpected(
        fault(fmt::format("the key in {} does not belong to the certificate in {}", key_name, cert_file)));
  return client;
}

bool is_of_tls_1_3(const std::string& iana) {
  return iana.starts_with("TLS_AES_") || iana == "TLS_CHACHA20_POLY1305_SHA256";
}

// Parts the names by version, for which OpenSSL has two lists, and offers no version that is left without a
// cipher.
Step<void> take_ciphers(const proto::TlsOptions& options, TlsSettings& settings) {
  if (options.ciphers().empty()) return {};
  for (const std::string& iana : options.ciphers()) {
    const std::string name = OPENSSL_cipher_name(iana.c_str());
    if (name == "(NONE)")
      return std::unexpected(
          Failure{proto::REASON_UNSUPPORTED, fmt::format("this probe's OpenSSL has no cipher {}", iana)});
    std::string& list = is_of_tls_1_3(iana) ? settings.cipher_suites : settings.cipher_list;
    list += (list.empty() ? "" : ":") + name;
  }
  // Known by name and yet not built in: an empty list would offer everything.
  const OpenSsl<ssl_ctx_st> trial(SSL_CTX_new(TLS_client_method()));
  if (trial) SSL_CTX_set_security_level(trial.get(), 0);
  const bool takes_list = settings.cipher_list.empty() ||
                          (trial && SSL_CTX_set_cipher_list(trial.get(), settings.cipher_list.c_str()));
  const bool takes_suites = settings.cipher_suites.empty() ||
                            (trial && SSL_CTX_set_ciphersuites(trial.get(), settings.cipher_suites.c_str()));
  ERR_clear_error();
  if (!takes_list || !takes_suites)
    return std::unexpected(Failure{proto::REASON_UNSUPPORTED, "this probe's OpenSSL has none of the ciphers"});
  if (settings.cipher_list.empty()) settings.min_version = TLS1_3_VERSION;
  if (settings.cipher_suites.empty() && (settings.max_version == 0 || settings.max_version > TLS1_2_VERSION))
    settings.max_version = TLS1_2_VERSION;
  return {};
}

}  // namespace

Step<TlsSettings> tls_settings(const proto::TlsOptions& options, const std::string& host, Tools& tools) {
  TlsSettings settings;
  settings.server_name = options.server_name().empty() ? host : options.server_name();
  settings.verify = !options.has_verify() || options.verify();
  settings.min_version = version_from(options.min_version().empty() ? "1.2" : options.min_version());
  settings.max_version = version_from(options.max_version());
  settings.alpn.assign(options.alpn().begin(), options.alpn().end());
  if (const auto taken = take_ciphers(options, settings); !taken) return std::unexpected(taken.error());
  auto trust = tools.trust.find(options.ca_pem());
  if (!trust) return std::unexpected(trust.error());
  settings.trust = *trust;
  if (!options.cert_file().empty()) {
    auto client = client_certificate(options.cert_file(), options.key_file(), tools);
    if (!client) return std::unexpected(client.error());
    settings.client = *client;
  }
  return settings;
}

std::string alpn_wire(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names)
    if (!name.empty() && name.size() < 256) wire += static_cast<char>(name.size()) + name;
  return wire;
}

std::vector<std::string> tls_versions() {
  std::vector<std::string> spoken;
  for (const char* word : {"1.0", "1.1", "1.2", "1.3"}) {
    const OpenSsl<ssl_ctx_st> context(SSL_CTX_new(TLS_client_method()));
    const int version = version_from(word);
    if (context && SSL_CTX_set_min_proto_version(context.get(), version) == 1 &&
        SSL_CTX_set_max_proto_version(context.get(), version) == 1)
      spoken.emplace_back(word);
  }
  ERR_clear_error();
  return spoken;
}

std::string tls_library() { return fmt::format("OpenSSL {}", OpenSSL_version(OPENSSL_VERSION_STRING)); }

}  // namespace parallax
