// Whether a certificate is believed. OpenSSL builds one chain and judges that; a server in the middle of a change
// of roots sends certificates for two, and which one OpenSSL takes is chance. So we look for every path from the
// leaf to an authority by names and key identifiers (cheap), let OpenSSL verify each path by itself, and take the
// one that lasts longest of those that verify. Nearly always there is one path. A chain without a fault is worked
// out again only when one of its dates has passed: signatures are most of what that costs.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <tuple>

#include "probe/net/tls_facts.h"
#include "probe/net/tls_verify.h"

namespace parallax {
namespace {

// Bounds against hostile servers (RFC 5280 has none).
constexpr int kMostSent = 9;  // a leaf and eight above it
constexpr std::size_t kLongestPath = 9;
constexpr std::size_t kMostPaths = 16;
constexpr int kMostSteps = 256;  // of the search
constexpr int kMostKeyBits = 8192;
constexpr int kLeastSecurityBits = 112;  // RSA 2048, SHA-224

using Path = std::vector<X509*>;  // leaf first, the authority last

struct Verified {
  std::vector<TlsFinding> findings;
  WallTime expiry{};
};

bool is_over_bounds(const STACK_OF(X509) * sent) {
  if (sk_X509_num(sent) > kMostSent) return true;
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    const EVP_PKEY* key = X509_get0_pubkey(sk_X509_value(sent, i));
    // Of whatever kind: RSA-PSS is another one to OpenSSL, and all but RSA's are far shorter.
    if (key && EVP_PKEY_get_bits(key) > kMostKeyBits) return true;
  }
  return false;
}

// Depth first over "who may have issued this". The paths point into the search and into what was sent.
class PathSearch {
 public:
  PathSearch(X509_STORE* store, STACK_OF(X509) * sent) : sent_(sent), lookup_(X509_STORE_CTX_new()) {
    X509_STORE_CTX_init(lookup_.get(), store, nullptr, nullptr);
  }

  std::vector<Path> from(X509* leaf) {
    Path path{leaf};
    extend(path);
    return std::move(found_);
  }

 private:
  OpenSsl<stack_st_X509> in_store(const X509_NAME* name) {
    OpenSsl<stack_st_X509> all(X509_STORE_CTX_get1_certs(lookup_.get(), name));
    ERR_clear_error();
    return all;
  }

  static bool holds(const STACK_OF(X509) * all, const X509* certificate) {
    for (int i = 0; i < sk_X509_num(all); ++i)
      if (X509_cmp(sk_X509_value(all, i), certificate) == 0) return true;
    return false;
  }

  void extend(Path& path) {
    if (++steps_ > kMostSteps || found_.size() >= kMostPaths) return;
    X509* last = path.back();
    if (holds(in_store(X509_get_subject_name(last)).get(), last)) {
      found_.push_back(path);
      return;
    }
    if (path.size() >= kLongestPath) return;
    kept_.push_back(in_store(X509_get_issuer_name(last)));
    try_each(path, kept_.back().get());
    try_each(path, sent_);
  }

  void try_each(Path& path, STACK_OF(X509) * candidates) {
    for (int i = 0; i < sk_X509_num(candidates); ++i) {
      X509* candidate = sk_X509_value(candidates, i);
      const bool in_path =
          std::any_of(path.begin(), path.end(), [&](const X509* one) { return X509_cmp(one, candidate) == 0; });
      if (in_path || X509_check_issued(candidate, path.back()) != X509_V_OK) continue;
      path.push_back(candidate);
      extend(path);
      path.pop_back();
    }
  }

  STACK_OF(X509) * sent_;
  OpenSsl<x509_store_ctx_st> lookup_;
  std::vector<OpenSsl<stack_st_X509>> kept_;  // what the paths point into
  std::vector<Path> found_;
  int steps_ = 0;
};

// "" for the leaf itself, else "has an issuer (CN=...) that ".
std::string whose(X509* certificate, int depth) {
  if (depth == 0 || !certificate) return "";
  return fmt::format("has an issuer ({}) that ", name_text(X509_get_subject_name(certificate)));
}

TlsFinding finding_of(int error, int depth, X509* at, WallTime now) {
  const std::string verify_error = X509_verify_cert_error_string(error);
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {TlsFault::self_signed, "is self-signed", verify_error};
    case X509_V_ERR_CERT_REVOKED:
      return {TlsFault::revoked, whose(at, depth) + "was revoked", verify_error};
    case X509_V_ERR_CERT_HAS_EXPIRED: {
      const Nanoseconds ago = -left_until(unix_seconds(moment_of(X509_get0_notAfter(at))), now);
      return {TlsFault::expired, fmt::format("{}expired {} ago", whose(at, depth), to_text(ago)), verify_error};
    }
    case X509_V_ERR_CERT_NOT_YET_VALID: {
      const WallTime begin = moment_of(X509_get0_notBefore(at));
      return {TlsFault::not_yet_valid,
              fmt::format("{}is not valid before {}", whose(at, depth), to_text(begin, 0)), verify_error};
    }
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {TlsFault::untrusted, "is not signed by a trusted authority", verify_error};
    default:
      return {TlsFault::untrusted, fmt::format("{}is not trusted: {}", whose(at, depth), verify_error),
              verify_error};
  }
}

void add_once(std::vector<TlsFinding>& findings, TlsFinding finding) {
  for (const TlsFinding& known : findings) {
    if (known.fault == finding.fault && known.words == finding.words) return;
    // A self-signed leaf is untrusted by definition: said once.
    if (known.fault == TlsFault::self_signed && finding.fault == TlsFault::untrusted) return;
  }
  findings.push_back(std::move(finding));
}

struct Noted {
  std::vector<TlsFinding> findings;
  WallTime now;
  WallTime expiry = WallTime::max();  // the earliest of the chain that OpenSSL built
  bool too_long = false;
};

// Called by OpenSSL for every fault (ok = 0): noted, and on it goes.
int note_fault(int ok, X509_STORE_CTX* context) {
  if (ok) return 1;
  auto& noted = *static_cast<Noted*>(X509_STORE_CTX_get_app_data(context));
  const int error = X509_STORE_CTX_get_error(context);
  if (error == X509_V_ERR_CERT_CHAIN_TOO_LONG) noted.too_long = true;
  X509* at = X509_STORE_CTX_get_current_cert(context);
  TlsFinding finding = finding_of(error, X509_STORE_CTX_get_error_depth(context), at, noted.now);
  finding.depth = X509_STORE_CTX_get_error_depth(context);
  add_once(noted.findings, std::move(finding));
  return 1;
}

// Lets OpenSSL verify `leaf` with `untrusted` against a store, or against `trusted` alone when it is not null.
Noted verify_once(X509* leaf, STACK_OF(X509) * untrusted, X509_STORE* store, STACK_OF(X509) * trusted,
                  WallTime now) {
  Noted noted;
  noted.now = now;
  const OpenSsl<x509_store_ctx_st> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store, leaf, untrusted);
  if (trusted) X509_STORE_CTX_set0_trusted_stack(context.get(), trusted);
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, unix_us(now) / 1'000'000);
  X509_VERIFY_PARAM_set_depth(param, static_cast<int>(kLongestPath));
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_STORE_CTX_set_app_data(context.get(), &noted);
  X509_STORE_CTX_set_verify_cb(context.get(), &note_fault);
  if (X509_verify_cert(context.get()) <= 0 && noted.findings.empty()) {
    const int error = X509_STORE_CTX_get_error(context.get());
    add_once(noted.findings, finding_of(error, 0, leaf, now));
  }
  const STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(built); ++i)
    noted.expiry = std::min(noted.expiry, moment_of(X509_get0_notAfter(sk_X509_value(built, i))));
  noted.too_long = noted.too_long || sk_X509_num(built) > static_cast<int>(kLongestPath);
  ERR_clear_error();
  return noted;
}

void check_strength(const Path& path, bool has_anchor, std::vector<TlsFinding>& findings) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const int depth = static_cast<int>(i);
    EVP_PKEY* key = X509_get0_pubkey(path[i]);
    if (key && EVP_PKEY_get_security_bits(key) < kLeastSecurityBits)
      add_once(findings,
               {TlsFault::weak, fmt::format("{}has a weak key ({})", whose(path[i], depth), key_text(key)),
                X509_verify_cert_error_string(depth ? X509_V_ERR_CA_KEY_TOO_SMALL : X509_V_ERR_EE_KEY_TOO_SMALL),
                depth});
    // Nobody checks the signature of an authority that is believed for itself.
    const bool signature_counts = !has_anchor || i + 1 < path.size();
    int bits = 0;
    if (signature_counts && X509_get_signature_info(path[i], nullptr, nullptr, &bits, nullptr) == 1 &&
        bits < kLeastSecurityBits)
      add_once(findings, {TlsFault::weak,
                          fmt::format("{}has a weak signature ({})", whose(path[i], depth),
                                      OBJ_nid2ln(X509_get_signature_nid(path[i]))),
                          X509_verify_cert_error_string(X509_V_ERR_CA_MD_TOO_WEAK), depth});
  }
  ERR_clear_error();
}

Verified verify_path(const Path& path, X509_STORE* store, WallTime now) {
  const OpenSsl<stack_st_X509> between(sk_X509_new_null());
  const OpenSsl<stack_st_X509> anchor(sk_X509_new_null());
  for (std::size_t i = 1; i < path.size(); ++i) {
    STACK_OF(X509)* to = i + 1 == path.size() ? anchor.get() : between.get();
    X509_up_ref(path[i]);
    sk_X509_push(to, path[i]);
  }
  if (path.size() == 1) {
    X509_up_ref(path[0]);
    sk_X509_push(anchor.get(), path[0]);
  }
  Verified verified{verify_once(path[0], between.get(), store, anchor.get(), now).findings, WallTime::max()};
  for (const X509* certificate : path)
    verified.expiry = std::min(verified.expiry, moment_of(X509_get0_notAfter(certificate)));
  check_strength(path, true, verified.findings);
  return verified;
}

// The better of two: one without faults that lasts longer, else the one whose worst fault is lighter.
bool is_better(const Verified& a, const Verified& b) {
  if (a.findings.empty() != b.findings.empty()) return a.findings.empty();
  if (a.findings.empty()) return a.expiry > b.expiry;
  const auto worst = [](const Verified& v) {
    return std::min_element(v.findings.begin(), v.findings.end(),
                            [](const auto& x, const auto& y) { return x.fault < y.fault; })
        ->fault;
  };
  return worst(a) > worst(b);
}

std::string names_of(X509* leaf) {
  const proto::Certificate facts = certificate_facts(leaf);
  if (facts.sans().empty()) return "no name at all";
  const int shown = std::min(facts.sans_size(), 3);
  const std::vector<std::string> first(facts.sans().begin(), facts.sans().begin() + shown);
  const std::string more = facts.sans_size() > shown ? fmt::format(" and {} more", facts.sans_size() - shown) : "";
  return fmt::format("{}{}", fmt::join(first, ", "), more);
}

// RFC 9525: names in the subject alternative name only, the common name never.
void check_name(X509* leaf, std::string name, std::vector<TlsFinding>& findings) {
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(name, error);
  const bool is_address = !error;
  bool fits = false;
  if (is_address && address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    fits = X509_check_ip(leaf, bytes.data(), bytes.size(), 0) == 1;
  } else if (is_address) {
    const auto bytes = address.to_v6().to_bytes();
    fits = X509_check_ip(leaf, bytes.data(), bytes.size(), 0) == 1;
  } else {
    const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
    fits = X509_check_host(leaf, name.data(), name.size(), flags, nullptr) == 1;
  }
  ERR_clear_error();
  if (fits) return;
  const int code = is_address ? X509_V_ERR_IP_ADDRESS_MISMATCH : X509_V_ERR_HOSTNAME_MISMATCH;
  findings.push_back({TlsFault::name_mismatch, fmt::format("is for {}, not for {}", names_of(leaf), name),
                      X509_verify_cert_error_string(code)});
}

// All that was sent and in which order; empty when memory is out.
std::string digests_of(X509* leaf, STACK_OF(X509) * sent) {
  std::string all;
  for (int i = -1; i < sk_X509_num(sent); ++i) {
    X509* const one = i < 0 ? leaf : sk_X509_value(sent, i);
    if (i >= 0 && one == leaf) {
      all += '.';  // the leaf once more
      continue;
    }
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(one, EVP_sha256(), digest, &size) != 1) return "";
    all.append(reinterpret_cast<const char*>(digest), size);
  }
  return all;
}

// What `paths` gave, with the dates between which every one of them gives it.
VerifiedChains::Verdict between_dates(const std::vector<Path>& paths, WallTime expiry, WallTime now) {
  VerifiedChains::Verdict verdict{expiry, WallTime::min(), WallTime::max()};
  for (const Path& path : paths) {
    for (const X509* certificate : path) {
      for (const auto* date : {X509_get0_notBefore(certificate), X509_get0_notAfter(certificate)}) {
        const WallTime moment = moment_of(date);
        WallTime& bound = moment <= now ? verdict.from : verdict.until;
        bound = moment <= now ? std::max(bound, moment) : std::min(bound, moment);
      }
    }
  }
  return verdict;
}

// The best chain of all that can be built.
ChainVerdict work_out(X509* leaf, STACK_OF(X509) * sent, const std::vector<Path>& paths, X509_STORE* store,
                      WallTime now) {
  ChainVerdict verdict;
  std::optional<Verified> best;
  for (const Path& path : paths) {
    Verified one = verify_path(path, store, now);
    if (!best || is_better(one, *best)) best = std::move(one);
  }
  if (best) {
    if (best->findings.empty()) verdict.chain_expiry = best->expiry;
    verdict.findings = std::move(best->findings);
    return verdict;
  }
  Noted noted = verify_once(leaf, sent, store, nullptr, now);
  verdict.over_bounds = noted.too_long;
  // So many paths that our search gave up, and OpenSSL found one of them.
  if (noted.findings.empty()) verdict.chain_expiry = noted.expiry;
  verdict.findings = std::move(noted.findings);
  Path as_sent;
  for (int i = 0; i < sk_X509_num(sent); ++i) as_sent.push_back(sk_X509_value(sent, i));
  check_strength(as_sent, false, verdict.findings);
  return verdict;
}

// The verdict but for the name: a name costs little, and one certificate serves many.
ChainVerdict verify_but_for_name(X509* leaf, STACK_OF(X509) * sent, const TrustStore& trust, WallTime now) {
  const std::string digests = digests_of(leaf, sent);
  if (const auto* known = trust.verified.find(digests, now)) return {{}, known->expiry};
  PathSearch search(trust.store.get(), sent);
  const std::vector<Path> paths = search.from(leaf);
  ChainVerdict verdict = work_out(leaf, sent, paths, trust.store.get(), now);
  if (!digests.empty() && !paths.empty() && verdict.findings.empty())
    trust.verified.keep(digests, between_dates(paths, *verdict.chain_expiry, now));
  return verdict;
}

}  // namespace

ChainVerdict verify_chain(x509_st* leaf, stack_st_X509* sent, const TrustStore& trust, const std::string& name,
                          WallTime now) {
  ChainVerdict verdict;
  if (is_over_bounds(sent)) {
    verdict.over_bounds = true;
    return verdict;
  }
  verdict = verify_but_for_name(leaf, sent, trust, now);
  check_name(leaf, name, verdict.findings);
  std::stable_sort(verdict.findings.begin(), verdict.findings.end(), [](const auto& a, const auto& b) {
    return std::tie(a.fault, a.depth) < std::tie(b.fault, b.depth);
  });
  return verdict;
}

}  // namespace parallax
