#include "probe/net/tls_verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <utility>

#include "probe/net/tls_facts.h"

namespace parallax {
namespace {

constexpr long kMostChainBytes = 100 * 1024;
constexpr int kLeastSecurityBits = 112;

proto::Reason reason_of(TlsFault fault) {
  switch (fault) {
    case TlsFault::self_signed:
      return proto::REASON_TLS_SELF_SIGNED;
    case TlsFault::untrusted:
      return proto::REASON_TLS_UNTRUSTED;
    case TlsFault::revoked:
      return proto::REASON_TLS_REVOKED;
    case TlsFault::expired:
      return proto::REASON_TLS_EXPIRED;
    case TlsFault::not_yet_valid:
      return proto::REASON_TLS_NOT_YET_VALID;
    case TlsFault::name_mismatch:
      return proto::REASON_TLS_NAME_MISMATCH;
    case TlsFault::weak:
      return proto::REASON_WEAK;
  }
  return proto::REASON_TLS_UNTRUSTED;
}

// "TLSv1.3" as people write it.
std::string version_text(const char* openssl) {
  const std::string text = openssl;
  if (text == "TLSv1") return "TLS 1.0";
  return text.starts_with("TLSv") ? "TLS " + text.substr(4) : text;
}

bool is_address(const std::string& name) {
  boost::system::error_code error;
  boost::asio::ip::make_address(name, error);
  return !error;
}

void add(std::vector<TlsFinding>& findings, TlsFinding finding) {
  const auto place = std::find_if(findings.begin(), findings.end(),
                                  [&](const TlsFinding& known) { return known.fault > finding.fault; });
  findings.insert(place, std::move(finding));
}

}  // namespace

// What OpenSSL calls. The peer is the connection's application data.
struct TlsPeer::Callbacks {
  static TlsPeer& peer_of(const SSL* connection) { return *static_cast<TlsPeer*>(SSL_get_app_data(connection)); }

  // In the place of OpenSSL's own verification: records and goes on. Only a chain that is over the bounds stops.
  static int verify(X509_STORE_CTX* context, void*) {
    const int place = SSL_get_ex_data_X509_STORE_CTX_idx();
    TlsPeer& peer = peer_of(static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(context, place)));
    X509_STORE_CTX_set_error(context, X509_V_OK);
    X509* leaf = X509_STORE_CTX_get0_cert(context);
    if (!leaf) return 1;
    X509_up_ref(leaf);
    peer.leaf_.reset(leaf);
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(context);
    peer.sent_.reset(sent ? X509_chain_up_ref(sent) : sk_X509_new_null());
    peer.verdict_ =
        verify_chain(leaf, peer.sent_.get(), *peer.settings_.trust, peer.settings_.server_name, peer.now_);
    if (!peer.verdict_->over_bounds) return 1;
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_CHAIN_TOO_LONG);
    return 0;
  }

  static void info(const SSL* connection, int where, int value) {
    TlsPeer& peer = peer_of(connection);
    if (where == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL)
      peer.alert_ = SSL_alert_desc_string_long(value);
  }

  static int certificate_wanted(SSL* connection, void*) {
    TlsPeer& peer = peer_of(connection);
    peer.asked_for_certificate_ = true;
    const ClientCertificate* client = peer.settings_.client.get();
    if (!client) return 1;
    STACK_OF(X509)* rest = sk_X509_dup(client->chain.get());
    X509* leaf = sk_X509_shift(rest);
    const int used = SSL_use_cert_and_key(connection, leaf, client->key.get(), rest, 1);
    sk_X509_free(rest);
    return used;
  }

  static void message(int writing, int, int type, const void* bytes, std::size_t size, SSL* connection, void*) {
    if (!writing && type == SSL3_RT_HANDSHAKE && size > 0 &&
        *static_cast<const unsigned char*>(bytes) == SSL3_MT_NEWSESSION_TICKET)
      peer_of(connection).got_ticket_ = true;
  }
};

TlsPeer::TlsPeer(const TlsSettings& settings, WallTime now) : settings_(settings), now_(now) {}
TlsPeer::~TlsPeer() = default;

OpenSsl<ssl_st> TlsPeer::connection() {
  SSL_CTX* const context = settings_.trust->context.get();
  if (!context) return nullptr;
  SSL_CTX_set_cert_verify_callback(context, &Callbacks::verify, nullptr);
  OpenSsl<ssl_st> made(SSL_new(context));
  SSL* const tls = made.get();
  if (!tls) return nullptr;
  SSL_set_app_data(tls, this);
  SSL_set_connect_state(tls);
  SSL_set_min_proto_version(tls, settings_.min_version);
  SSL_set_max_proto_version(tls, settings_.max_version);
  SSL_set_security_level(tls, 0);  // what is weak is read and then said
  SSL_set_max_cert_list(tls, kMostChainBytes);
  SSL_set_mode(tls,
               SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_set_tlsext_status_type(tls, TLSEXT_STATUSTYPE_ocsp);
  SSL_set_verify(tls, SSL_VERIFY_PEER, nullptr);
  SSL_set_info_callback(tls, &Callbacks::info);
  SSL_set_cert_cb(tls, &Callbacks::certificate_wanted, nullptr);
  SSL_set_msg_callback(tls, &Callbacks::message);
  std::string name = settings_.server_name;
  if (name.size() > 1 && name.back() == '.') name.pop_back();  // RFC 6066, 3: without a trailing dot
  if (!is_address(name)) SSL_set_tlsext_host_name(tls, name.c_str());
  if (!settings_.cipher_list.empty()) SSL_set_cipher_list(tls, settings_.cipher_list.c_str());
  if (!settings_.cipher_suites.empty()) SSL_set_ciphersuites(tls, settings_.cipher_suites.c_str());
  const std::string alpn = alpn_wire(settings_.alpn);
  if (!alpn.empty())
    SSL_set_alpn_protos(tls, reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned>(alpn.size()));
  return made;
}

void TlsPeer::judge_staple(ssl_st* connection) {
  const auto fact = staple_fact(connection, leaf_.get(), sent_.get(), *settings_.trust, now_);
  if (!fact) return;
  facts_.set_ocsp(*fact);
  if (*fact == "revoked")
    add(verdict_->findings,
        {TlsFault::revoked, "was revoked", X509_verify_cert_error_string(X509_V_ERR_CERT_REVOKED)});
}

void TlsPeer::judge_key_exchange(ssl_st* connection) {
  EVP_PKEY* exchange = nullptr;
  if (SSL_get_peer_tmp_key(connection, &exchange) != 1) return;
  if (EVP_PKEY_get_security_bits(exchange) < kLeastSecurityBits)
    add(verdict_->findings,
        {TlsFault::weak, fmt::format("comes with a weak key exchange ({})", key_text(exchange)),
         "dh key too small"});
  EVP_PKEY_free(exchange);
}

void TlsPeer::take_connection(ssl_st* connection) {
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(connection)) {
    facts_.set_version(version_text(SSL_get_version(connection)));
    if (const char* name = SSL_CIPHER_standard_name(cipher)) facts_.set_cipher(name);
  }
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(connection, &alpn, &size);
  if (size > 0) facts_.set_alpn(std::string(reinterpret_cast<const char*>(alpn), size));
}

void TlsPeer::conclude(ssl_st* connection) {
  if (std::exchange(concluded_, true)) return;
  if (connection) take_connection(connection);
  if (!verdict_ || verdict_->over_bounds) return;
  if (connection) {
    judge_staple(connection);
    judge_key_exchange(connection);
  }
  ERR_clear_error();

  std::optional<double> earliest;
  for (int i = 0; i < sk_X509_num(sent_.get()); ++i) {
    auto& certificate = *facts_.add_certificates();
    certificate = certificate_facts(sk_X509_value(sent_.get(), i));
    if (certificate.has_not_after())
      earliest = std::min(earliest.value_or(certificate.not_after()), certificate.not_after());
  }
  if (earliest) facts_.set_earliest_expiry(*earliest);
  const auto& findings = verdict_->findings;
  facts_.set_verified(settings_.verify && findings.empty());
  if (!findings.empty()) facts_.set_verify_error(findings.front().verify_error);
  if (facts_.verified() && verdict_->chain_expiry) facts_.set_chain_expiry(unix_seconds(*verdict_->chain_expiry));
}

std::optional<Failure> TlsPeer::failure() const {
  if (!verdict_) return std::nullopt;
  if (verdict_->over_bounds)
    return Failure{proto::REASON_TLS_PROTOCOL,
                   "the server's certificate chain is over the bounds (8 above the leaf, "
                   "RSA keys of 8192 bits)"};
  if (!settings_.verify || verdict_->findings.empty()) return std::nullopt;
  return failure_of(verdict_->findings, settings_.server_name, leaf_.get());
}

Failure failure_of(const std::vector<TlsFinding>& findings, const std::string& name, x509_st* leaf) {
  std::vector<std::string> words;
  for (const TlsFinding& finding : findings) words.push_back(finding.words);
  const std::string subject = name_text(X509_get_subject_name(leaf));
  return {reason_of(findings.front().fault),
          fmt::format("certificate of {} {} ({}, issued by {})", name, fmt::join(words, " and "),
                      subject.empty() ? "no subject" : subject, short_name(X509_get_issuer_name(leaf)))};
}

}  // namespace parallax
