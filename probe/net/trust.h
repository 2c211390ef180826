// Whom a check believes: parsed sets of root certificates, shared by every run. Parsing the host's takes 20 ms, so
// it happens once, and again only when the file changes.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "probe/net/file_state.h"
#include "probe/net/tls_handles.h"
#include "probe/net/verified_chains.h"
#include "probe/outcome.h"

namespace parallax {

// One set. Whom it holds never changes once it is made, so what was verified by it stays verified.
struct TrustStore {
  OpenSsl<x509_store_st> store;
  std::size_t size = 0;  // authorities
  // For the connections that are judged by it: what a context costs (170 us) is paid once and not for each.
  OpenSsl<ssl_ctx_st> context;
  mutable VerifiedChains verified;
};

// Owned by main; lives on the loop thread. A store handed out lives as long as somebody holds it.
class TrustStores {
 public:
  // `roots_file` is for tests; otherwise $SSL_CERT_FILE, OpenSSL's default file,
  // /etc/ssl/certs/ca-certificates.crt.
  explicit TrustStores(std::string roots_file = "");

  // The authorities of `ca_pem`, or the host's when it is empty. probe_fault when there is no certificate in it.
  Step<std::shared_ptr<const TrustStore>> find(const std::string& ca_pem);

  const std::string& roots_file() const { return roots_file_; }

  // How many sets have been parsed so far, for a test that counts.
  std::size_t parsed() const { return parsed_; }

 private:
  struct Known {
    std::string ca_pem;
    std::shared_ptr<const TrustStore> store;
  };
  Step<std::shared_ptr<const TrustStore>> host_roots();

  std::string roots_file_;
  std::shared_ptr<const TrustStore> host_;
  FileState host_read_for_;  // the state of the file that host_ was read from
  std::list<Known> known_;   // most recently used first
  std::size_t parsed_ = 0;
};

}  // namespace parallax
