#include "probe/checks/http_hop.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

namespace parallax {
namespace {

bool same(const std::string& a, const char* b) { return ::strcasecmp(a.c_str(), b) == 0; }

// RFC 4648, 4.
std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) { return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U; };
    const unsigned three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    text += kDigits[three >> 18];
    text += kDigits[three >> 12 & 63];
    text += i + 1 < bytes.size() ? kDigits[three >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kDigits[three & 63] : '=';
  }
  return text;
}

Step<std::vector<HopHeader>> headers_of(const proto::HttpCheck& check, const Secrets& secrets) {
  std::vector<HopHeader> headers;
  for (const auto& [name, value] : check.headers()) {
    auto text = secrets.read(value);
    if (!text) return std::unexpected(text.error());
    const bool is_credential = value.from_case() != proto::Value::kText || same(name, "Authorization") ||
                               same(name, "Proxy-Authorization");
    headers.push_back({name, std::move(*text), is_credential});
  }
  // A map has no order of its own: requests of one check look the same every time.
  std::sort(headers.begin(), headers.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (check.has_basic_auth()) {
    const auto password = secrets.read(check.basic_auth().password());
    if (!password) return std::unexpected(password.error());
    const std::string both = check.basic_auth().username() + ":" + *password;
    headers.push_back({"Authorization", "Basic " + base64(both), true});
  }
  if (check.has_bearer()) {
    const auto token = secrets.read(check.bearer());
    if (!token) return std::unexpected(token.error());
    headers.push_back({"Authorization", "Bearer " + *token, true});
  }
  for (const HopHeader& header : headers)
    if (header.value.find_first_of("\r\n") != std::string::npos)
      return std::unexpected(
          Failure{proto::REASON_PROBE_FAULT,
                  fmt::format("the value of the request header {} holds a line break", header.name)});
  return headers;
}

Step<AwsCredentials> aws_credentials(const proto::AwsSigV4& keys, const Secrets& secrets) {
  AwsCredentials credentials;
  credentials.region = keys.region();
  credentials.service = keys.service();
  auto access = secrets.read(keys.access_key());
  if (!access) return std::unexpected(access.error());
  auto secret = secrets.read(keys.secret_key());
  if (!secret) return std::unexpected(secret.error());
  credentials.access_key = std::move(*access);
  credentials.secret_key = std::move(*secret);
  if (keys.has_session_token()) {
    auto token = secrets.read(keys.session_token());
    if (!token) return std::unexpected(token.error());
    credentials.session_token = std::move(*token);
  }
  if ((credentials.access_key + credentials.session_token).find_first_of("\r\n") != std::string::npos)
    return std::unexpected(Failure{proto::REASON_PROBE_FAULT, "a key of aws_sigv4 holds a line break"});
  return credentials;
}

}  // namespace

Step<HopPlan> HopPlan::begin(const proto::HttpCheck& check, const Secrets& secrets) {
  HopPlan plan;
  auto url = parse_url(check.url());
  if (!url) return std::unexpected(Failure{proto::REASON_PROBE_FAULT, url.error().what});
  plan.url_ = plan.first_ = std::move(*url);
  plan.was_https_ = plan.url_.is_https();
  auto headers = headers_of(check, secrets);
  if (!headers) return std::unexpected(headers.error());
  for (HopHeader& header : *headers) {
    if (same(header.name, "Proxy-Authorization"))
      plan.proxy_authorization_ = std::move(header.value);
    else
      plan.headers_.push_back(std::move(header));
  }
  if (check.has_aws_sigv4()) {
    auto credentials = aws_credentials(check.aws_sigv4(), secrets);
    if (!credentials) return std::unexpected(credentials.error());
    plan.aws_ = std::move(*credentials);
  }
  plan.method_ = check.method().empty() ? "GET" : check.method();
  if (!check.body().empty() || plan.method_ == "POST" || plan.method_ == "PUT" || plan.method_ == "PATCH")
    plan.body_ = check.body();
  plan.version_ = check.http_version().empty() ? "auto" : check.http_version();
  plan.compression_.assign(check.compression().begin(), check.compression().end());
  if (check.has_follow_redirects()) plan.most_redirects_ = static_cast<int>(check.follow_redirects());
  return plan;
}

// At the host name that the definition names; the case of a name says nothing.
bool HopPlan::is_at_home() const { return same(url_.host, first_.host.c_str()); }

bool HopPlan::may_have_credentials() const { return is_at_home() && (url_.is_https() || !was_https_); }

HttpRequest HopPlan::request(WallTime now) const {
  HttpRequest request;
  request.url = url_;
  request.method = method_;
  for (const HopHeader& header : headers_) {
    if (header.is_credential && !may_have_credentials()) continue;
    // Without its body a request has none of the headers that describe one; Host is for the host it was written
    // for.
    if (lost_body_ && (same(header.name, "Content-Type") || same(header.name, "Content-Length"))) continue;
    if (same(header.name, "Host") && !is_at_home()) continue;
    request.headers.emplace_back(header.name, header.value);
  }
  request.body = body_;
  request.version = version_;
  request.compression = compression_;
  if (aws_ && may_have_credentials()) sign(request, now);
  return request;
}

std::string HopPlan::host_and_port() const {
  const bool is_v6 = url_.host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", url_.host, url_.port) : fmt::format("{}:{}", url_.host, url_.port);
}

// Signed is what the engine sends: the part of the URL behind the host, and the Host header.
void HopPlan::sign(HttpRequest& request, WallTime now) const {
  const std::string& url = url_.text;
  const std::string rest = url.substr(std::min(url.find_first_of("/?", url.find("://") + 3), url.size()));
  const std::size_t question = rest.find('?');
  const std::string path = rest.substr(0, question);
  const std::string query = question == std::string::npos ? "" : rest.substr(question + 1);
  std::string host = host_and_port();
  if (url_.port == (url_.is_https() ? 443 : 80)) host.erase(host.rfind(':'));
  for (const auto& [name, value] : request.headers)
    if (same(name, "Host")) host = value;
  const AwsRequest part{request.method, path.empty() ? "/" : path, query, host, request.body.value_or("")};
  for (auto& header : aws_sigv4(*aws_, part, now)) request.headers.push_back(std::move(header));
}

bool HopPlan::is_redirect(const HttpAnswer& answer) {
  const bool by_status = answer.status == 301 || answer.status == 302 || answer.status == 303 ||
                         answer.status == 307 || answer.status == 308;
  return by_status && answer.header("Location") != nullptr;
}

Step<void> HopPlan::follow(const HttpAnswer& redirect) {
  ++redirects_;
  if (redirects_ > most_redirects_)
    return std::unexpected(
        Failure{proto::REASON_REDIRECT_LIMIT,
                fmt::format("redirected more than {} times, last by {}", most_redirects_, url_.text)});
  auto next = resolve_location(url_, *redirect.header("Location"));
  if (!next) return std::unexpected(Failure{proto::REASON_PROTOCOL_ERROR, next.error().what});
  if (next->scheme != "http" && next->scheme != "https")
    return std::unexpected(Failure{proto::REASON_PROTOCOL_ERROR,
                                   fmt::format("redirected to {}, which is neither http nor https", next->text)});
  url_ = std::move(*next);
  was_https_ = was_https_ || url_.is_https();
  const bool to_get = redirect.status == 303 ? method_ != "HEAD" : redirect.status < 303 && method_ == "POST";
  if (to_get) {
    method_ = "GET";
    lost_body_ = lost_body_ || body_.has_value();
    body_.reset();
  }
  return {};
}

}  // namespace parallax
