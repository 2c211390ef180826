// How one TLS connection is made: a definition's TlsOptions with its files read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "probe/net/tls_handles.h"
#include "probe/net/trust.h"
#include "probe/outcome.h"
#include "probe/tools.h"
#include "proto/definition.pb.h"

namespace parallax {

// The certificate that this probe shows when it is asked for one, with its key and the rest of its chain.
struct ClientCertificate {
  OpenSsl<stack_st_X509> chain;  // leaf first
  OpenSsl<evp_pkey_st> key;
};

struct TlsSettings {
  std::string server_name;  // name or address literal: sent as SNI (a name only) and looked for in the certificate
  bool verify = true;
  std::shared_ptr<const TrustStore> trust;
  int min_version = 0;  // of the protocol, as OpenSSL numbers them
  int max_version = 0;  // 0: the newest there is
  std::vector<std::string> alpn;
  std::string cipher_list;    // of TLS 1.2 and older, in OpenSSL's notation; empty for its own choice
  std::string cipher_suites;  // of TLS 1.3
  std::shared_ptr<const ClientCertificate> client;  // null for none
};

// `host` is the name for which the connection is made, unless the options name another. Client certificate files
// are secrets of the probe and read as such: blocked_by_policy outside its limits, probe_fault when they are
// missing, unreadable or do not belong together; `unsupported` for a cipher that this probe's OpenSSL does not
// have.
Step<TlsSettings> tls_settings(const proto::TlsOptions& options, const std::string& host, Tools& tools);

// What this host's OpenSSL speaks, its settings considered: "1.2", "1.3"; and its name: "OpenSSL 3.0.15".
std::vector<std::string> tls_versions();
std::string tls_library();

// ALPN names as they go over the wire, RFC 7301.
std::string alpn_wire(const std::vector<std::string>& names);

}  // namespace parallax
