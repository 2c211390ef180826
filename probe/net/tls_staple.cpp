// The OCSP response that a server staples to its handshake (RFC 6066, RFC 6960).
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include "probe/net/tls_facts.h"
#include "probe/net/tls_verify.h"

namespace parallax {
namespace {

// Clocks differ: a response made "in five minutes" is fine.
constexpr std::chrono::minutes kClockTolerance{5};

// The one among the sent certificates and the store that issued the leaf; null when it is nowhere.
OpenSsl<x509_st> issuer_of(x509_st* leaf, stack_st_X509* sent, const TrustStore& trust) {
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* candidate = sk_X509_value(sent, i);
    if (X509_check_issued(candidate, leaf) != X509_V_OK) continue;
    X509_up_ref(candidate);
    return OpenSsl<x509_st>(candidate);
  }
  const OpenSsl<x509_store_ctx_st> lookup(X509_STORE_CTX_new());
  X509_STORE_CTX_init(lookup.get(), trust.store.get(), nullptr, nullptr);
  X509* found = nullptr;
  X509_STORE_CTX_get1_issuer(&found, lookup.get(), leaf);
  return OpenSsl<x509_st>(found);
}

// What `basic` says of the leaf; null: nothing. A responder may name a certificate by any digest, SHA-1 or newer.
OCSP_SINGLERESP* answer_for(x509_st* leaf, x509_st* issuer, OCSP_BASICRESP* basic) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* one = OCSP_resp_get0(basic, i);
    auto* named = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(one));
    ASN1_OBJECT* digest = nullptr;
    if (OCSP_id_get0_info(nullptr, &digest, nullptr, nullptr, named) != 1) continue;
    const EVP_MD* known = EVP_get_digestbyobj(digest);
    OCSP_CERTID* wanted = known ? OCSP_cert_to_id(known, leaf, issuer) : nullptr;
    const bool is_meant = wanted && OCSP_id_cmp(named, wanted) == 0;
    OCSP_CERTID_free(wanted);
    if (is_meant) return one;
  }
  return nullptr;
}

const char* judge(OCSP_BASICRESP* basic, x509_st* leaf, stack_st_X509* sent, const TrustStore& trust,
                  WallTime now) {
  const OpenSsl<x509_st> issuer = issuer_of(leaf, sent, trust);
  if (!issuer) return "invalid";
  // Signed by the issuer itself, or by a certificate in the response that the issuer made for it.
  const OpenSsl<stack_st_X509> issuers(sk_X509_new_null());
  X509_up_ref(issuer.get());
  sk_X509_push(issuers.get(), issuer.get());
  if (OCSP_basic_verify(basic, issuers.get(), trust.store.get(), OCSP_TRUSTOTHER) != 1) return "invalid";

  OCSP_SINGLERESP* said = answer_for(leaf, issuer.get(), basic);
  if (!said) return "invalid";
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  const int status = OCSP_single_get0_status(said, nullptr, nullptr, &this_update, &next_update);
  if (!this_update || moment_of(this_update) > now + kClockTolerance) return "invalid";
  if (next_update && moment_of(next_update) + kClockTolerance < now) return "expired";
  if (status == V_OCSP_CERTSTATUS_REVOKED) return "revoked";
  return status == V_OCSP_CERTSTATUS_GOOD ? "good" : "invalid";
}

}  // namespace

std::optional<std::string> staple_fact(ssl_st* connection, x509_st* leaf, stack_st_X509* sent,
                                       const TrustStore& trust, WallTime now) {
  const unsigned char* bytes = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(connection, &bytes);
  if (size <= 0 || !bytes) return std::nullopt;
  const OpenSsl<ocsp_response_st> response(d2i_OCSP_RESPONSE(nullptr, &bytes, size));
  const bool successful = response && OCSP_response_status(response.get()) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
  const OpenSsl<ocsp_basic_response_st> basic(successful ? OCSP_response_get1_basic(response.get()) : nullptr);
  const char* fact = basic ? judge(basic.get(), leaf, sent, trust, now) : "invalid";
  ERR_clear_error();
  return fact;
}

}  // namespace parallax
