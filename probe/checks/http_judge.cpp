#include "probe/checks/http_judge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <strings.h>

#include <algorithm>

#include "base/pattern.h"
#include "probe/checks/http_json.h"
#include "probe/checks/judge_expiry.h"

namespace parallax {
namespace {

using Judged = std::optional<Failure>;

Failure failed(proto::Reason reason, std::string words) { return {reason, std::move(words)}; }

// A pattern that does not compile was let through by a newer or broken controller: our side's fault.
Failure bad_pattern(const Error& error) { return {proto::REASON_PROBE_FAULT, error.what}; }

// For people: no control characters, not too long.
std::string shown(std::string_view text) {
  std::string plain(text.substr(0, 80));
  for (char& c : plain)
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  return text.size() > 80 ? plain + "..." : plain;
}

// Its size, and never a part of it: a server may send our own credentials back.
std::string body_of(const HttpAnswer& answer) {
  if (answer.body.empty()) return "the body, which is empty,";
  return fmt::format("the body ({} bytes)", answer.body_bytes);
}

Judged judge_status(const proto::HttpExpect& rules, int status, bool by_default) {
  if (rules.status().empty()) {
    if (!by_default || (status >= 200 && status <= 299)) return std::nullopt;
    return failed(proto::REASON_STATUS, fmt::format("status {}, wanted 200-299", status));
  }
  std::vector<std::string> wanted;
  for (const proto::Range& range : rules.status()) {
    if (status >= range.from() && status <= range.to()) return std::nullopt;
    wanted.push_back(range.from() == range.to() ? fmt::format("{}", range.from())
                                                : fmt::format("{}-{}", range.from(), range.to()));
  }
  return failed(proto::REASON_STATUS, fmt::format("status {}, wanted {}", status, fmt::join(wanted, " or ")));
}

Judged judge_version(const proto::HttpExpect& rules, const HttpEvidence& evidence) {
  const auto& wanted = rules.http_version();
  if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), evidence.answer.version) == wanted.end())
    return failed(proto::REASON_HTTP_VERSION,
                  fmt::format("HTTP/{}, wanted {}", evidence.answer.version, fmt::join(wanted, " or ")));
  if (rules.tls() == "required" && !evidence.tls)
    return failed(proto::REASON_TLS_PROTOCOL, "the answer came without TLS, which is required");
  if (rules.tls() == "forbidden" && evidence.tls)
    return failed(proto::REASON_TLS_PROTOCOL, "the answer came over TLS, which is forbidden");
  return std::nullopt;
}

Judged judge_header(const proto::HeaderRule& rule, const HttpAnswer& answer) {
  std::vector<std::string> values;
  for (const auto& [name, value] : answer.headers)
    if (::strcasecmp(name.c_str(), rule.name().c_str()) == 0) values.push_back(value);
  if (values.empty()) {
    if (rule.optional()) return std::nullopt;
    const auto wanted =
        rule.matches().empty() ? "one without a match of " + rule.lacks() : "one that matches " + rule.matches();
    return failed(proto::REASON_HEADER, fmt::format("there is no header {}, wanted {}", rule.name(), wanted));
  }
  const auto pattern = Pattern::compile(rule.matches().empty() ? rule.lacks() : rule.matches());
  if (!pattern) return bad_pattern(pattern.error());
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const auto& v) { return pattern->found_in(v); });
  if (!rule.matches().empty() && found == values.end())
    return failed(proto::REASON_HEADER, fmt::format("header {} is \"{}\", wanted one that matches {}", rule.name(),
                                                    shown(values.front()), rule.matches()));
  if (!rule.lacks().empty() && found != values.end())
    return failed(proto::REASON_HEADER, fmt::format("header {} is \"{}\", wanted none that matches {}",
                                                    rule.name(), shown(*found), rule.lacks()));
  return std::nullopt;
}

// One rule may have both patterns: each is a rule of its own then.
Judged judge_headers(const proto::HttpExpect& rules, const HttpAnswer& answer) {
  for (const proto::HeaderRule& rule : rules.headers()) {
    proto::HeaderRule part = rule;
    part.clear_lacks();
    if (!rule.matches().empty() || rule.lacks().empty())
      if (auto broken = judge_header(part, answer)) return broken;
    if (rule.lacks().empty()) continue;
    part.set_lacks(rule.lacks());
    part.clear_matches();
    if (auto broken = judge_header(part, answer)) return broken;
  }
  return std::nullopt;
}

Judged judge_body(const proto::HttpExpect& rules, const HttpAnswer& answer) {
  if (answer.body_cut && (!rules.body_lacks().empty() || !rules.json().empty()))
    return failed(proto::REASON_BODY_TOO_LARGE,
                  fmt::format("the body has {} bytes, more than max_body ({}): not all of it could be judged",
                              answer.body_bytes, answer.body.size()));
  for (const std::string& expression : rules.body_matches()) {
    const auto pattern = Pattern::compile(expression);
    if (!pattern) return bad_pattern(pattern.error());
    if (!pattern->found_in(answer.body))
      return failed(proto::REASON_BODY, fmt::format("{} does not match {}", body_of(answer), expression));
  }
  for (const std::string& expression : rules.body_lacks()) {
    const auto pattern = Pattern::compile(expression);
    if (!pattern) return bad_pattern(pattern.error());
    if (pattern->found_in(answer.body))
      return failed(proto::REASON_BODY,
                    fmt::format("{} matches {}, wanted no match", body_of(answer), expression));
  }
  return std::nullopt;
}

bool equals(const JsonValue& value, const proto::Scalar& wanted) {
  switch (wanted.value_case()) {
    case proto::Scalar::kText:
      return value.kind == JsonValue::Kind::text && value.text == wanted.text();
    case proto::Scalar::kNumber:
      return value.kind == JsonValue::Kind::number && value.number == wanted.number();
    case proto::Scalar::kBoolean:
      return value.kind == JsonValue::Kind::boolean && value.boolean == wanted.boolean();
    case proto::Scalar::VALUE_NOT_SET:
      break;
  }
  return true;
}

std::string in_words(const proto::Scalar& scalar) {
  if (scalar.value_case() == proto::Scalar::kText) return fmt::format("\"{}\"", scalar.text());
  if (scalar.value_case() == proto::Scalar::kNumber) return fmt::format("{}", scalar.number());
  return scalar.boolean() ? "true" : "false";
}

// What a rule wants of a value.
std::string wanted_of(const proto::JsonRule& rule) {
  if (rule.has_equals()) return in_words(rule.equals());
  if (rule.has_above() && rule.has_below())
    return fmt::format("one above {} and below {}", rule.above(), rule.below());
  if (rule.has_above()) return fmt::format("one above {}", rule.above());
  if (rule.has_below()) return fmt::format("one below {}", rule.below());
  return rule.matches().empty() ? "one" : "a match of " + rule.matches();
}

Judged judge_json_rule(const proto::JsonRule& rule, const JsonDocument& document) {
  const auto value = document.at(rule.pointer());
  const auto broken = [&](const std::string& words) { return failed(proto::REASON_JSON, words); };
  if (rule.has_exists() && !rule.exists()) {
    if (!value) return std::nullopt;
    return broken(fmt::format("json {} is {}, wanted none", rule.pointer(), shown(value->as_json)));
  }
  if (!value)
    return broken(fmt::format("there is no json value at \"{}\", wanted {}", rule.pointer(), wanted_of(rule)));
  const std::string is = fmt::format("json {} is {}", rule.pointer(), shown(value->as_json));
  if (rule.has_equals() && !equals(*value, rule.equals()))
    return broken(fmt::format("{}, wanted {}", is, in_words(rule.equals())));
  const bool is_number = value->kind == JsonValue::Kind::number;
  if (rule.has_above() && !(is_number && value->number > rule.above()))
    return broken(fmt::format("{}, wanted above {}", is, rule.above()));
  if (rule.has_below() && !(is_number && value->number < rule.below()))
    return broken(fmt::format("{}, wanted below {}", is, rule.below()));
  if (rule.matches().empty()) return std::nullopt;
  const auto pattern = Pattern::compile(rule.matches());
  if (!pattern) return bad_pattern(pattern.error());
  const bool is_text = value->kind == JsonValue::Kind::text;
  if (pattern->found_in(is_text ? value->text : value->as_json)) return std::nullopt;
  return broken(fmt::format("{}, wanted a match of {}", is, rule.matches()));
}

Judged judge_json(const proto::HttpExpect& rules, const HttpAnswer& answer) {
  if (rules.json().empty()) return std::nullopt;
  const auto document = JsonDocument::parse(answer.body);
  if (!document)
    return failed(proto::REASON_JSON, fmt::format("{} is not JSON: {}", body_of(answer), document.error().what));
  for (const proto::JsonRule& rule : rules.json())
    if (auto broken = judge_json_rule(rule, *document)) return broken;
  return std::nullopt;
}

Judged judge_times(const proto::HttpExpect& rules, const HttpEvidence& evidence) {
  const Nanoseconds most = Milliseconds(rules.max_duration_ms());
  if (rules.max_duration_ms() > 0 && evidence.duration > most)
    return failed(proto::REASON_TOO_SLOW,
                  fmt::format("took {}, wanted at most {}", to_text(evidence.duration), to_text(most)));
  if (rules.expires_in_ms() == 0) return std::nullopt;
  const proto::TlsFacts none;
  return judge_expiry(rules.expires_in_ms(), evidence.tls ? *evidence.tls : none, evidence.now);
}

}  // namespace

bool needs_body(const proto::HttpExpect& rules) {
  return !rules.body_matches().empty() || !rules.body_lacks().empty() || !rules.json().empty();
}

std::optional<Failure> judge_http(const proto::HttpExpect& rules, const HttpEvidence& evidence,
                                  bool statuses_by_default) {
  if (auto broken = judge_status(rules, evidence.answer.status, statuses_by_default)) return broken;
  if (auto broken = judge_version(rules, evidence)) return broken;
  if (auto broken = judge_headers(rules, evidence.answer)) return broken;
  if (auto broken = judge_body(rules, evidence.answer)) return broken;
  if (auto broken = judge_json(rules, evidence.answer)) return broken;
  return judge_times(rules, evidence);
}

}  // namespace parallax
