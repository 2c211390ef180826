// What a server showed of itself in one TLS handshake, and everything that is wrong with it.
//
// One verification for every check type: it never stops a handshake, it records. So facts exist for a bad
// certificate too, and its reason is exact. Whoever makes the connection asks failure() before sending anything.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "probe/net/tls_handles.h"
#include "probe/net/tls_settings.h"
#include "probe/outcome.h"

namespace parallax {

// In the order in which they become the reason: the first outweighs the others.
enum class TlsFault { self_signed, untrusted, revoked, expired, not_yet_valid, name_mismatch, weak };

// A fault in words ("expired 2 days ago") and in those of OpenSSL ("certificate has expired").
struct TlsFinding {
  TlsFault fault;
  std::string words;
  std::string verify_error;
  int depth = 0;  // whose: 0 is the leaf
};

// What verifying the certificates gave. `chain_expiry`: of the best chain that verified.
struct ChainVerdict {
  std::vector<TlsFinding> findings;
  std::optional<WallTime> chain_expiry;
  bool over_bounds = false;  // too long, or a key that would be expensive: not looked at
};

// Verifies `leaf` with what else was sent (with or without the leaf) against `trust` for `name` (DNS name or
// address literal) at `now`. Searches all chains: of those that verify the one that lasts longest counts.
ChainVerdict verify_chain(x509_st* leaf, stack_st_X509* sent, const TrustStore& trust, const std::string& name,
                          WallTime now);

// One connection's peer; it must outlive the connection.
class TlsPeer {
 public:
  // `now`: the moment at which certificates are judged. Requires: settings outlive this.
  TlsPeer(const TlsSettings& settings, WallTime now);
  ~TlsPeer();
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;

  // A new connection with the settings applied, that tells this what happens; null when memory is out. It shares
  // the context of its trust store and nothing else: no connection resumes another's session.
  OpenSsl<ssl_st> connection();

  // Takes the facts after the handshake, or what there is of them when it failed; null: the connection is gone.
  // Only the first call counts.
  void conclude(ssl_st* connection);

  const proto::TlsFacts& facts() const { return facts_; }

  // Why nothing may be sent: tls_expired and its like, when verification is asked for. After conclude().
  std::optional<Failure> failure() const;

  // The words of the fatal alert that came, if one did: "handshake failure".
  const std::optional<std::string>& alert() const { return alert_; }

  bool was_asked_for_certificate() const { return asked_for_certificate_; }
  bool got_ticket() const { return got_ticket_; }
  bool over_bounds() const { return verdict_ && verdict_->over_bounds; }

 private:
  struct Callbacks;

  void take_connection(ssl_st* connection);
  void judge_staple(ssl_st* connection);
  void judge_key_exchange(ssl_st* connection);

  const TlsSettings& settings_;
  WallTime now_;
  OpenSsl<x509_st> leaf_;
  OpenSsl<stack_st_X509> sent_;
  std::optional<ChainVerdict> verdict_;
  proto::TlsFacts facts_;
  std::optional<std::string> alert_;
  bool asked_for_certificate_ = false;
  bool got_ticket_ = false;
  bool concluded_ = false;
};

// The staple's fact ("good", "revoked", "expired", "invalid"; nothing when there was none) for `leaf`.
std::optional<std::string> staple_fact(ssl_st* connection, x509_st* leaf, stack_st_X509* sent,
                                       const TrustStore& trust, WallTime now);

// The sentence for the findings: "certificate of shop.example expired 2 days ago (CN=shop.example, issued by
// Example CA)". Requires: not empty; sorted by precedence.
Failure failure_of(const std::vector<TlsFinding>& findings, const std::string& name, x509_st* leaf);

}  // namespace parallax
