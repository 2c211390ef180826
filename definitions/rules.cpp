#include "definitions/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/certificate.h"
#include "base/notation.h"
#include "definitions/address.h"
#include "definitions/route_rules.h"

namespace parallax {
namespace {

constexpr std::int64_t kDefaultTimeoutMs = 10'000;
constexpr int kVersionWords = 4;
constexpr const char* kVersions[kVersionWords] = {"1.0", "1.1", "1.2", "1.3"};

int rank(const std::string& version) {
  return static_cast<int>(std::find(kVersions, kVersions + kVersionWords, version) - kVersions);
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7F; });
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// The URL as a message may show it: what may be a password is left out.
std::string shown(std::string_view url) {
  const std::size_t begin = url.find("://") == std::string_view::npos ? 0 : url.find("://") + 3;
  const std::size_t at = url.substr(0, url.find_first_of("/?#", begin)).rfind('@');
  if (at == std::string_view::npos || at < begin) return std::string(url);
  return fmt::format("{}...{}", url.substr(0, begin), url.substr(at));
}

// A token (RFC 9110, section 5.6.2), which the name of a header is.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  const auto fits = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kMarks.contains(c);
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

// Rules of every type.

void apply_timing(WrittenCheck& written, Problems& problems) {
  proto::Check& check = written.check;
  // What was refused is told already.
  const bool every_is_known = written.find({"every"}) == nullptr || check.every_ms() != 0;
  const bool timeout_is_known = written.find({"timeout"}) == nullptr || check.timeout_ms() != 0;
  if (!every_is_known || !timeout_is_known) return;
  if (check.timeout_ms() == 0) check.set_timeout_ms(std::min(kDefaultTimeoutMs, check.every_ms()));
  const std::int64_t longest = check.attempts() * check.timeout_ms();
  if (longest <= check.every_ms()) return;
  const auto key = written.find({"timeout"}) != nullptr ? "timeout" : "attempts";
  const std::string timeout = duration_text(check.timeout_ms());
  const std::string every = duration_text(check.every_ms());
  const std::string text =
      check.attempts() == 1
          ? fmt::format("\"timeout\" is {}, more than \"every\", {}", timeout, every)
          : fmt::format("{} attempts of {} take {}, more than \"every\", {}; expected attempts x timeout <= every",
                        check.attempts(), timeout, duration_text(longest), every);
  problems.push_back(written.problem_at({key}, text));
}

void apply_locations(WrittenCheck& written, Problems& problems) {
  if (const TomlValue* list = written.find({"locations"});
      list != nullptr && list->list.empty() && list->kind == TomlValue::Kind::list)
    problems.push_back(written.problem_at({"locations"},
                                          "\"locations\" is an empty list; to run it nowhere, write "
                                          "enabled = false"));
}

// Rules of the tables that several types share.

void check_secret(const WrittenCheck& written, std::initializer_list<std::string_view> path, bool is_set,
                  const proto::Secret& secret, Problems& problems) {
  const TomlValue* value = written.find(path);
  if (!is_set || value == nullptr || value->kind != TomlValue::Kind::table) return;
  if (!secret.file().empty() && !secret.env().empty())
    problems.push_back(written.problem_at(path, "a secret with both \"file\" and \"env\"; expected one of them"));
  if (value->table.empty())
    problems.push_back(written.problem_at(path, "a secret without \"file\" or \"env\"; expected one of them"));
}

// `prefix`: the key of the table that holds the options, or nothing where they stand in the check's own table.
void check_tls_options(const WrittenCheck& written, const char* prefix, const proto::TlsOptions& tls,
                       Problems& problems) {
  const auto report = [&](const char* key, std::string text) {
    problems.push_back(prefix == nullptr ? written.problem_at({key}, std::move(text))
                                         : written.problem_at({prefix, key}, std::move(text)));
  };
  if (tls.cert_file().empty() != tls.key_file().empty()) {
    const bool lacks_key = tls.key_file().empty();
    report(lacks_key ? "cert_file" : "key_file",
           fmt::format("\"{}\" without \"{}\"; a client certificate needs both",
                       lacks_key ? "cert_file" : "key_file", lacks_key ? "key_file" : "cert_file"));
  }
  if (!tls.min_version().empty() && !tls.max_version().empty() &&
      rank(tls.min_version()) > rank(tls.max_version()))
    report("max_version", fmt::format("\"max_version\" is \"{}\", older than \"min_version\", \"{}\"",
                                      tls.max_version(), tls.min_version()));
  for (const std::string& protocol : tls.alpn())
    if (protocol.size() > 255) report("alpn", "an ALPN protocol of more than 255 bytes (RFC 7301)");
  for (const std::string& cipher : tls.ciphers())
    if (!is_cipher(cipher))
      report("ciphers", fmt::format("\"ciphers\" names {}, which OpenSSL does not know", cipher));
  if (!tls.server_name().empty())
    if (const auto host = parse_host(tls.server_name()); !host)
      report("server_name", fmt::format("\"server_name\" is \"{}\": it {}", tls.server_name(), host.error().what));
}

// http

void check_request_headers(const WrittenCheck& written, const proto::HttpCheck& http, Problems& problems) {
  const TomlValue* headers = written.find({"headers"});
  if (headers == nullptr) return;
  std::set<std::string> seen;
  for (const TomlEntry& header : headers->table) {
    const auto report = [&](std::string text) {
      problems.push_back({written.file, header.place.line, header.place.column, std::move(text)});
    };
    const std::string name = lower(header.key);
    if (!is_token(header.key)) report(fmt::format("{} is no name of a header", in_quotes(header.key)));
    if (!seen.insert(name).second) report(fmt::format("the header \"{}\" is there twice", header.key));
    if (has_control_character(header.value.text))
      report(fmt::format("the value of the header \"{}\" has a control character", header.key));
    if (name == "accept-encoding" && http.compression_size() > 0)
      report(fmt::format("the header \"{}\" beside \"compression\", which sends it", header.key));
    const char* sender = http.has_bearer() ? "bearer" : http.has_basic_auth() ? "basic_auth" : "aws_sigv4";
    if (name == "authorization" && (http.has_basic_auth() || http.has_bearer() || http.has_aws_sigv4()))
      report(fmt::format("the header \"{}\" beside \"{}\", which sends it", header.key, sender));
    if (name == "proxy-authorization" && http.proxy().empty())
      report(fmt::format("the header \"{}\" without a \"proxy\", which it would go to", header.key));
  }
}

void check_aws_keys(const WrittenCheck& written, const proto::HttpCheck& http, Problems& problems) {
  const proto::AwsSigV4& keys = http.aws_sigv4();
  check_secret(written, {"aws_sigv4", "access_key"}, keys.has_access_key(), keys.access_key(), problems);
  check_secret(written, {"aws_sigv4", "secret_key"}, keys.has_secret_key(), keys.secret_key(), problems);
  check_secret(written, {"aws_sigv4", "session_token"}, keys.has_session_token(), keys.session_token(), problems);
  if (http.has_aws_sigv4() && (http.has_basic_auth() || http.has_bearer()))
    problems.push_back(
        written.problem_at({"aws_sigv4"}, fmt::format("both \"{}\" and \"aws_sigv4\"; expected one of them",
                                                      http.has_bearer() ? "bearer" : "basic_auth")));
}

// Each rule of a list of tables, with its place.
template <class Rules, class Judge>
void each_rule(const WrittenCheck& written, const char* table, const char* key, const Rules& rules, Judge judge) {
  const TomlValue* list = written.find({table, key});
  if (list == nullptr || list->kind != TomlValue::Kind::list) return;
  for (int i = 0; i < rules.size(); ++i) {
    const TomlValue& value = list->list[static_cast<std::size_t>(i)];  // what was refused left an empty rule
    if (value.kind == TomlValue::Kind::table) judge(rules[i], value);
  }
}

// Whether a key was written, be its value good or refused already.
bool has(const TomlValue& table, const char* key) { return table.find(key) != nullptr; }

std::string json_rule_problem(const proto::JsonRule& rule, const TomlValue& table) {
  for (std::size_t at = rule.pointer().find('~'); at != std::string::npos; at = rule.pointer().find('~', at + 1))
    if (at + 1 == rule.pointer().size() || (rule.pointer()[at + 1] != '0' && rule.pointer()[at + 1] != '1'))
      return fmt::format("\"pointer\" is {}; a ~ is written ~0 there, a / in a name ~1 (RFC 6901)",
                         in_quotes(rule.pointer()));
  const int conditions = int{has(table, "equals")} + int{has(table, "matches")} + int{has(table, "exists")} +
                         int{has(table, "above") || has(table, "below")};
  if (conditions == 0)
    return "a json rule without a condition; expected one of equals, matches, above, below, exists";
  if (conditions > 1)
    return "a json rule with several conditions; expected one (only above and below go together)";
  if (rule.has_above() && rule.has_below() && rule.above() >= rule.below())
    return fmt::format("nothing is above {} and below {}", rule.above(), rule.below());
  return "";
}

std::string header_rule_problem(const proto::HeaderRule& rule, const TomlValue& table) {
  if (!rule.name().empty() && !is_token(rule.name()))
    return fmt::format("{} is no name of a header", in_quotes(rule.name()));
  if (has(table, "matches") == has(table, "lacks"))
    return "a header rule wants one of \"matches\" and \"lacks\", and only one";
  return "";
}

void check_http_rules(const WrittenCheck& written, const char* table, const proto::HttpExpect& rules,
                      std::uint32_t redirects, Problems& problems) {
  const auto report = [&](const TomlValue& value, std::string text, bool is_warning = false) {
    if (!text.empty())
      problems.push_back({written.file, value.place.line, value.place.column, std::move(text), is_warning});
  };
  each_rule(written, table, "headers", rules.headers(),
            [&](const proto::HeaderRule& rule, const TomlValue& value) {
              report(value, header_rule_problem(rule, value));
            });
  each_rule(written, table, "json", rules.json(), [&](const proto::JsonRule& rule, const TomlValue& value) {
    report(value, json_rule_problem(rule, value));
  });
  const TomlValue* status = written.find({table, "status"});
  if (status != nullptr && status->kind == TomlValue::Kind::list && status->list.empty())
    report(*status, "\"status\" is an empty list; expected codes or ranges like \"200-299\"");
  const auto lists_redirects = [](const proto::Range& range) { return range.from() <= 399 && range.to() >= 300; };
  if (status != nullptr && redirects > 0 &&
      std::any_of(rules.status().begin(), rules.status().end(), lists_redirects))
    report(*status, "\"status\" lists 3xx, but redirects are followed; write follow_redirects = 0 to judge them",
           true);
}

void apply_url(WrittenCheck& written, proto::HttpCheck& http, Problems& problems) {
  if (written.find({"url"}) == nullptr || written.find({"url"})->kind != TomlValue::Kind::text) return;
  written.check.set_target(http.url());
  const auto url = normal_http_url(http.url());
  if (!url)
    problems.push_back(written.problem_at(
        {"url"}, fmt::format("\"url\" is {}: it {}", in_quotes(shown(http.url())), url.error().what)));
  else
    http.set_url(*url);
}

void apply_http_rules(WrittenCheck& written, Problems& problems) {
  proto::HttpCheck& http = *written.check.mutable_http();
  apply_url(written, http, problems);
  check_request_headers(written, http, problems);
  check_secret(written, {"basic_auth", "password"}, http.basic_auth().has_password(), http.basic_auth().password(),
               problems);
  check_secret(written, {"bearer"}, http.has_bearer(), http.bearer(), problems);
  check_aws_keys(written, http, problems);
  if (http.has_basic_auth() && http.has_bearer())
    problems.push_back(written.problem_at({"bearer"}, "both \"basic_auth\" and \"bearer\"; expected one of them"));
  if (http.has_basic_auth() && http.basic_auth().username().find(':') != std::string::npos)
    problems.push_back(written.problem_at({"basic_auth", "username"}, "\"username\" has a colon (RFC 7617)"));
  if (written.find({"body"}) != nullptr && written.find({"body_file"}) != nullptr)
    problems.push_back(written.problem_at({"body_file"}, "both \"body\" and \"body_file\"; expected one of them"));
  check_tls_options(written, "tls", http.tls(), problems);
  check_http_rules(written, "expect", http.expect(), http.follow_redirects(), problems);
  check_http_rules(written, "warn", http.warn(), http.follow_redirects(), problems);
  if (written.find({"expect", "status"}) == nullptr) {
    proto::Range& good = *http.mutable_expect()->add_status();
    good.set_from(200);
    good.set_to(299);
  }
}

// tls

void normalise(proto::TlsExpect& rules) {
  for (std::string& fingerprint : *rules.mutable_fingerprint_sha256()) {
    std::erase(fingerprint, ':');
    fingerprint = lower(fingerprint);
  }
}

// Whether at least one rule is written and every one is about the certificate's age.
bool has_only_age_rules(const proto::TlsCheck& tls) {
  int age_rules = 0;
  int other_rules = 0;
  for (const proto::TlsExpect* rules : {&tls.expect(), &tls.warn()}) {
    std::vector<const google::protobuf::FieldDescriptor*> written;
    rules->GetReflection()->ListFields(*rules, &written);
    for (const auto* field : written)
      (field->number() == proto::TlsExpect::kExpiresInMsFieldNumber ? age_rules : other_rules) += 1;
  }
  return age_rules > 0 && other_rules == 0;
}

void apply_tls_rules(WrittenCheck& written, Problems& problems) {
  proto::TlsCheck& tls = *written.check.mutable_tls();
  if (const TomlValue* text = written.find({"address"}); text != nullptr && text->kind == TomlValue::Kind::text) {
    written.check.set_target(tls.address());
    const auto address = parse_host_port(tls.address(), 443);
    if (!address)
      problems.push_back(written.problem_at(
          {"address"}, fmt::format("\"address\" is {}: it {}", to_text(*text), address.error().what)));
    else
      tls.set_address(to_text(*address));
  }
  check_tls_options(written, nullptr, tls.tls(), problems);
  if (tls.has_expect()) normalise(*tls.mutable_expect());
  if (tls.has_warn()) normalise(*tls.mutable_warn());
}

// ping

void apply_ping_rules(WrittenCheck& written, Problems& problems) {
  proto::PingCheck& ping = *written.check.mutable_ping();
  if (const TomlValue* text = written.find({"host"}); text != nullptr && text->kind == TomlValue::Kind::text) {
    written.check.set_target(ping.host());
    const auto host = parse_host(ping.host());
    if (!host)
      problems.push_back(
          written.problem_at({"host"}, fmt::format("\"host\" is {}: it {}", to_text(*text), host.error().what)));
    else
      ping.set_host(*host);
  }
  if (ping.packets() == 0 || ping.spacing_ms() == 0 || written.check.timeout_ms() == 0) return;  // told already
  const std::int64_t sending = (std::int64_t{ping.packets()} - 1) * ping.spacing_ms();
  if (sending < written.check.timeout_ms()) return;
  problems.push_back(written.problem_at(
      {written.find({"spacing"}) != nullptr ? "spacing" : "packets"},
      fmt::format("{} packets every {} take {}, not less than \"timeout\", {}; expected (packets - 1) x spacing < "
                  "timeout",
                  ping.packets(), duration_text(ping.spacing_ms()), duration_text(sending),
                  duration_text(written.check.timeout_ms()))));
}

}  // namespace

void apply_rules(WrittenCheck& written, Problems& problems) {
  apply_timing(written, problems);
  apply_locations(written, problems);
  apply_route_rules(written, problems);
  proto::Check& check = written.check;
  switch (check.type_case()) {
    case proto::Check::kHttp:
      apply_http_rules(written, problems);
      break;
    case proto::Check::kTls:
      apply_tls_rules(written, problems);
      break;
    case proto::Check::kPing:
      apply_ping_rules(written, problems);
      break;
    case proto::Check::TYPE_NOT_SET:
      break;
  }
  if (!check.has_counts()) check.set_counts(!(check.has_tls() && has_only_age_rules(check.tls())));
}

}  // namespace parallax
