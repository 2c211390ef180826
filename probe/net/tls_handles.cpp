#include "probe/net/tls_handles.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace parallax {

void FreeOpenSsl::operator()(bio_st* p) const { BIO_free_all(p); }
void FreeOpenSsl::operator()(evp_pkey_st* p) const { EVP_PKEY_free(p); }
void FreeOpenSsl::operator()(ocsp_basic_response_st* p) const { OCSP_BASICRESP_free(p); }
void FreeOpenSsl::operator()(ocsp_response_st* p) const { OCSP_RESPONSE_free(p); }
void FreeOpenSsl::operator()(ssl_ctx_st* p) const { SSL_CTX_free(p); }
void FreeOpenSsl::operator()(ssl_st* p) const { SSL_free(p); }
void FreeOpenSsl::operator()(stack_st_X509* p) const { sk_X509_pop_free(p, X509_free); }
void FreeOpenSsl::operator()(x509_st* p) const { X509_free(p); }
void FreeOpenSsl::operator()(x509_store_ctx_st* p) const { X509_STORE_CTX_free(p); }
void FreeOpenSsl::operator()(x509_store_st* p) const { X509_STORE_free(p); }

}  // namespace parallax
