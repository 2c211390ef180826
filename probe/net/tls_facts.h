// Facts of certificates, as they are shown to people and become labels.
#pragma once

#include <string>

#include "base/time.h"
#include "probe/net/tls_handles.h"
#include "proto/result.pb.h"

struct asn1_string_st;
struct X509_name_st;

namespace parallax {

// Subject and issuer in RFC 2253 order, serial in lower-case hex of whole bytes, SANs plain for DNS names and with
// "IP:", "URI:" or "email:" before them else, key like "EC 256", signature by its long name.
proto::Certificate certificate_facts(const x509_st* certificate);

// "CN=shop.example,O=Example"
std::string name_text(const X509_name_st* name);

// The last common name of a name, or the whole name when it has none.
std::string short_name(const X509_name_st* name);

// 1970 for a time that cannot be read.
WallTime moment_of(const asn1_string_st* time);

// From `now` until `unix_time`, negative when that has passed. A certificate may end in the year 9999: what is
// further off than 292 years counts as that.
Nanoseconds left_until(double unix_time, WallTime now);

// "EC 256", "RSA 2048", "Ed25519".
std::string key_text(const evp_pkey_st* key);

// The strength of such a key in RSA bits (NIST SP 800-57, table 2): "EC 256" is 3072. 0 for what is not known.
unsigned rsa_equivalent_bits(const std::string& key);

}  // namespace parallax
