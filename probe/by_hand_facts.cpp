#include "probe/by_hand_facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time.h"
#include "probe/terminal.h"

namespace parallax {
namespace {

using Lines = std::vector<FactLine>;

constexpr int kMostNames = 8;  // of a certificate; some have hundreds
constexpr double kLastSecondOfYear9999 = 253402300799;

std::string date(double unix_time) {
  if (!(unix_time >= 0 && unix_time <= kLastSecondOfYear9999)) return "no date";
  return to_text(from_unix_us(static_cast<std::int64_t>(unix_time) * 1'000'000), 0);
}

std::string in_words(double s) { return to_text(Nanoseconds(static_cast<std::int64_t>(s * 1e9))); }

std::string count(std::int64_t number, const char* one, const char* more) {
  return fmt::format("{} {}", number, number == 1 ? one : more);
}

void add(Lines& lines, std::string label, const std::string& text) {
  if (!text.empty()) lines.push_back({std::move(label), printable(text)});
}

// One after the other, as long as there is one more: "a, b".
void join(std::string& text, const std::string& more, const char* between = ", ") {
  if (!more.empty()) text += (text.empty() ? "" : between) + more;
}

void tell_addresses(const proto::Facts& facts, Lines& lines) {
  if (facts.addresses().empty()) {
    if (!facts.address().empty())
      add(lines, "address", fmt::format("{} (IPv{})", facts.address(), facts.ip_protocol()));
    return;
  }
  std::size_t width = 0;
  for (const auto& one : facts.addresses()) width = std::max(width, one.address().size());
  for (const auto& one : facts.addresses()) {
    add(lines, lines.empty() ? "addresses" : "",
        fmt::format("{:<{}}  {:<8}  {}: {}", one.address(), width, one.state(), one.reason(), one.detail()));
  }
}

// Without an answer there is nothing to tell.
void tell_http(const proto::HttpFacts& http, Lines& lines) {
  if (!http.has_status()) return;
  std::string answer = fmt::format("status {}", http.status());
  if (http.has_version()) join(answer, fmt::format("HTTP/{}", http.version()));
  if (http.has_redirects()) join(answer, count(http.redirects(), "redirect", "redirects"));
  add(lines, "http", answer);
  if (http.redirects() > 0) add(lines, "final url", http.final_url());

  std::string body;
  if (http.has_body_bytes()) join(body, count(http.body_bytes(), "byte", "bytes"));
  if (http.has_content_length()) join(body, fmt::format("Content-Length {}", http.content_length()));
  if (http.has_last_modified()) join(body, "last modified " + date(http.last_modified()));
  add(lines, "body", body);
  std::string traffic;
  if (http.has_sent_bytes()) join(traffic, count(http.sent_bytes(), "byte", "bytes") + " sent");
  if (http.has_received_bytes()) join(traffic, count(http.received_bytes(), "byte", "bytes") + " received");
  add(lines, "traffic", traffic);
}

void tell_certificate(const proto::Certificate& certificate, int position, double now, Lines& lines) {
  add(lines, fmt::format("chain {}", position),
      fmt::format("{}, issued by {}", certificate.subject().empty() ? "no subject" : certificate.subject(),
                  certificate.issuer() == certificate.subject() ? "itself" : certificate.issuer()));
  std::string more = certificate.not_before() > now
                         ? fmt::format("not valid before {}", date(certificate.not_before()))
                         : time_left(certificate.not_after(), now);
  join(more, certificate.key());
  join(more, certificate.signature());
  add(lines, "", more);
  std::string names;
  for (int i = 0; i < std::min(certificate.sans_size(), kMostNames); ++i) join(names, certificate.sans(i));
  if (certificate.sans_size() > kMostNames)
    names += fmt::format(" and {} more", certificate.sans_size() - kMostNames);
  if (!names.empty()) add(lines, "", "for " + names);
}

void tell_tls(const proto::TlsFacts& tls, double now, Lines& lines) {
  std::string session;
  if (tls.has_version()) join(session, tls.version());
  if (tls.has_cipher()) join(session, tls.cipher());
  if (tls.has_version()) join(session, tls.has_alpn() ? "ALPN " + tls.alpn() : "no ALPN");
  if (tls.has_ocsp()) join(session, "stapled OCSP response " + tls.ocsp());
  add(lines, "tls", session);
  if (tls.has_verified())
    add(lines, "verified", tls.verified() ? "yes" : tls.has_verify_error() ? "no: " + tls.verify_error() : "no");
  if (tls.has_chain_expiry()) add(lines, "expiry", "verified chain: " + time_left(tls.chain_expiry(), now));
  if (tls.has_earliest_expiry() && (!tls.has_chain_expiry() || tls.chain_expiry() != tls.earliest_expiry()))
    add(lines, tls.has_chain_expiry() ? "" : "expiry",
        "earliest of those sent: " + time_left(tls.earliest_expiry(), now));
}

// Whether a certificate is what the run is about.
bool is_about_certificates(const proto::RunResult& result) {
  switch (result.reason()) {
    case proto::REASON_EXPIRES_SOON:
    case proto::REASON_CERTIFICATE:
    case proto::REASON_WEAK:
      return true;
    default:
      return result.facts().tls().has_verified() && !result.facts().tls().verified();
  }
}

void tell_ping(const proto::PingFacts& ping, Lines& lines) {
  auto packets = fmt::format("{} sent, {} received", ping.sent(), ping.received());
  if (ping.has_loss()) join(packets, fmt::format("{:.3g} % lost", ping.loss() * 100));
  join(packets, count(ping.duplicates(), "duplicate", "duplicates"));
  join(packets, fmt::format("{} late", ping.late()));
  add(lines, "packets", packets);
  std::string times;
  const auto time = [&](const char* what, bool has, double s) {
    if (has) join(times, fmt::format("{} {}", what, in_words(s)));
  };
  time("min", ping.has_min(), ping.min());
  time("mean", ping.has_mean(), ping.mean());
  time("median", ping.has_median(), ping.median());
  time("p95", ping.has_p95(), ping.p95());
  time("max", ping.has_max(), ping.max());
  time("stddev", ping.has_stddev(), ping.stddev());
  time("jitter", ping.has_jitter(), ping.jitter());
  add(lines, "round trip", times);
  std::string how;
  if (ping.has_timestamps())
    how =
        ping.timestamps() == "kernel" ? "by the kernel" : "by the program: this host's load is in the round trips";
  if (ping.has_hop_limit()) join(how, fmt::format("hop limit {}", ping.hop_limit()), "; ");
  add(lines, "timed", how);
}

}  // namespace

std::string time_left(double until, double now) {
  if (until < now) return fmt::format("expired {} ago ({})", in_words(now - until), date(until));
  return fmt::format("{} left ({})", in_words(until - now), date(until));
}

std::vector<FactLine> fact_lines(const proto::RunResult& result, bool all) {
  Lines lines;
  const double now = static_cast<double>(result.started_us()) / 1e6;
  const auto& facts = result.facts();
  tell_addresses(facts, lines);
  if (facts.has_http()) tell_http(facts.http(), lines);
  if (facts.has_tls()) tell_tls(facts.tls(), now, lines);
  if (all || is_about_certificates(result))
    for (int i = 0; i < facts.tls().certificates_size(); ++i)
      tell_certificate(facts.tls().certificates(i), i, now, lines);
  if (facts.has_ping()) tell_ping(facts.ping(), lines);
  return lines;
}

}  // namespace parallax
