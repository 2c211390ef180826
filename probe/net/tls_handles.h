// Owners of OpenSSL's objects, for the files that are doors to it; without its headers.
#pragma once

#include <memory>

struct ocsp_basic_response_st;
struct ocsp_response_st;
struct evp_pkey_st;
struct ssl_ctx_st;
struct ssl_st;
struct stack_st_X509;
struct x509_st;
struct x509_store_ctx_st;
struct x509_store_st;
struct bio_st;

namespace parallax {

struct FreeOpenSsl {
  void operator()(bio_st* p) const;
  void operator()(evp_pkey_st* p) const;
  void operator()(ocsp_basic_response_st* p) const;
  void operator()(ocsp_response_st* p) const;
  void operator()(ssl_ctx_st* p) const;
  void operator()(ssl_st* p) const;
  void operator()(stack_st_X509* p) const;  // and the certificates in it
  void operator()(x509_st* p) const;
  void operator()(x509_store_ctx_st* p) const;
  void operator()(x509_store_st* p) const;
};
template <class T>
using OpenSsl = std::unique_ptr<T, FreeOpenSsl>;

}  // namespace parallax
