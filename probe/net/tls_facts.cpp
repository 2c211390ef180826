#include "probe/net/tls_facts.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace parallax {
namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  const unsigned char* at = ASN1_STRING_get0_data(bytes);
  const int size = ASN1_STRING_length(bytes);
  if (size == 4) {
    boost::asio::ip::address_v4::bytes_type four;
    std::copy_n(at, four.size(), four.begin());
    return boost::asio::ip::make_address_v4(four).to_string();
  }
  if (size != 16) return hex(at, static_cast<std::size_t>(size));
  boost::asio::ip::address_v6::bytes_type sixteen;
  std::copy_n(at, sixteen.size(), sixteen.begin());
  return boost::asio::ip::make_address_v6(sixteen).to_string();
}

void add_names(const X509* certificate, proto::Certificate& to) {
  auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) to.add_sans(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) to.add_sans("IP:" + address_text(name->d.iPAddress));
    if (name->type == GEN_URI) to.add_sans("URI:" + text_of(name->d.uniformResourceIdentifier));
    if (name->type == GEN_EMAIL) to.add_sans("email:" + text_of(name->d.rfc822Name));
  }
  GENERAL_NAMES_free(names);
}

std::string serial_text(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(serial));
  return size == 0 ? "00" : hex(ASN1_STRING_get0_data(serial), size);
}

}  // namespace

std::string name_text(const X509_name_st* name) {
  const OpenSsl<bio_st> bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string short_name(const X509_name_st* name) {
  int at = -1;
  for (int next = -1; (next = X509_NAME_get_index_by_NID(name, NID_commonName, next)) >= 0;) at = next;
  if (at < 0) return name_text(name);
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return name_text(name);
  std::string result(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
  OPENSSL_free(text);
  return result;
}

WallTime moment_of(const asn1_string_st* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

Nanoseconds left_until(double unix_time, WallTime now) {
  constexpr double kFurthest = 9.2e9;  // seconds that nanoseconds can count
  const double left = std::clamp(unix_time - unix_seconds(now), -kFurthest, kFurthest);
  return std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(left));
}

std::string key_text(const evp_pkey_st* key) {
  if (!key) return "unknown";
  const int bits = EVP_PKEY_get_bits(key);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
      return fmt::format("RSA {}", bits);
    case EVP_PKEY_RSA_PSS:
      return fmt::format("RSA-PSS {}", bits);
    case EVP_PKEY_EC:
      return fmt::format("EC {}", bits);
    case EVP_PKEY_DH:
      return fmt::format("DH {}", bits);
    case EVP_PKEY_DSA:
      return fmt::format("DSA {}", bits);
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_ED448:
      return "Ed448";
    default:
      return fmt::format("{} {}", OBJ_nid2sn(EVP_PKEY_get_base_id(key)), bits);
  }
}

unsigned rsa_equivalent_bits(const std::string& key) {
  if (key == "Ed25519") return 3072;
  if (key == "Ed448") return 15360;
  const auto space = key.find(' ');
  if (space == std::string::npos) return 0;
  unsigned bits = 0;
  std::from_chars(key.data() + space + 1, key.data() + key.size(), bits);
  if (!key.starts_with("EC ")) return bits;
  if (bits >= 512) return 15360;
  if (bits >= 384) return 7680;
  if (bits >= 256) return 3072;
  if (bits >= 224) return 2048;
  return bits >= 160 ? 1024 : 512;
}

proto::Certificate certificate_facts(const x509_st* certificate) {
  proto::Certificate facts;
  facts.set_subject(name_text(X509_get_subject_name(certificate)));
  facts.set_issuer(name_text(X509_get_issuer_name(certificate)));
  facts.set_serial(serial_text(certificate));
  const WallTime not_before = moment_of(X509_get0_notBefore(certificate));
  const WallTime not_after = moment_of(X509_get0_notAfter(certificate));
  if (not_before != WallTime()) facts.set_not_before(unix_seconds(not_before));
  if (not_after != WallTime()) facts.set_not_after(unix_seconds(not_after));
  add_names(certificate, facts);
  facts.set_key(key_text(X509_get0_pubkey(certificate)));
  const char* signature = OBJ_nid2ln(X509_get_signature_nid(certificate));
  facts.set_signature(signature ? signature : "unknown");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest, &size);
  facts.set_fingerprint_sha256(hex(digest, size));
  ERR_clear_error();
  return facts;
}

}  // namespace parallax
