#include "probe/net/trust.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace parallax {
namespace {

// Sets of ca_file kept parsed: more of them than one probe's checks use, few enough to bound memory (1 MiB each).
constexpr std::size_t kMostKnown = 64;

std::string find_roots_file() {
  if (const char* named = std::getenv(X509_get_default_cert_file_env())) return named;
  const std::string usual = X509_get_default_cert_file();
  return file_state(usual).exists() ? usual : "/etc/ssl/certs/ca-certificates.crt";
}

// A store with every certificate of `pem`; null when there is none.
std::shared_ptr<const TrustStore> parse(const std::string& pem) {
  auto made = std::make_shared<TrustStore>();
  made->store.reset(X509_STORE_new());
  X509_STORE_set_flags(made->store.get(), X509_V_FLAG_PARTIAL_CHAIN);  // whoever is in it is believed, root or not
  const OpenSsl<bio_st> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    const OpenSsl<x509_st> one(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!one) break;
    X509_STORE_add_cert(made->store.get(), one.get());
    ++made->size;
  }
  made->context.reset(SSL_CTX_new(TLS_client_method()));
  if (made->context) SSL_CTX_set_session_cache_mode(made->context.get(), SSL_SESS_CACHE_OFF);
  ERR_clear_error();
  return made->size > 0 ? made : nullptr;
}

}  // namespace

TrustStores::TrustStores(std::string roots_file)
    : roots_file_(roots_file.empty() ? find_roots_file() : std::move(roots_file)) {}

Step<std::shared_ptr<const TrustStore>> TrustStores::host_roots() {
  const FileState state = file_state(roots_file_);
  if (host_ && state == host_read_for_) return host_;
  std::ifstream file(roots_file_, std::ios::binary);
  const std::string pem{std::istreambuf_iterator<char>(file), {}};
  auto store = parse(pem);
  ++parsed_;
  if (!store && host_) return host_;  // being replaced, or no descriptor at the moment: what was read is better
  if (!store)
    return std::unexpected(
        Failure{proto::REASON_PROBE_FAULT,
                fmt::format("this probe has no root certificates in {}; install ca-certificates or set ca_file",
                            roots_file_)});
  host_ = std::move(store);
  host_read_for_ = state;
  return host_;
}

Step<std::shared_ptr<const TrustStore>> TrustStores::find(const std::string& ca_pem) {
  if (ca_pem.empty()) return host_roots();
  // Compared, not hashed: two sets of the same length differ in their first lines.
  const auto known =
      std::find_if(known_.begin(), known_.end(), [&](const Known& k) { return k.ca_pem == ca_pem; });
  if (known != known_.end()) {
    known_.splice(known_.begin(), known_, known);
    return known_.front().store;
  }
  auto store = parse(ca_pem);
  ++parsed_;
  if (!store)
    return std::unexpected(Failure{proto::REASON_PROBE_FAULT, "there is no certificate in the check's ca_file"});
  known_.push_front({ca_pem, store});
  if (known_.size() > kMostKnown) known_.pop_back();
  return store;
}

}  // namespace parallax
