#include "definitions/route_rules.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "base/notation.h"
#include "definitions/address.h"

namespace asio = boost::asio;

namespace parallax {
namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kProxyPort = 3128;

bool is_address(const std::string& text) {
  boost::system::error_code error;
  asio::ip::make_address(text, error);
  return !error;
}

bool is_prefix(const std::string& text) {
  boost::system::error_code v4, v6;
  asio::ip::make_network_v4(text, v4);
  asio::ip::make_network_v6(text, v6);
  return !v4 || !v6;
}

void apply_resolver(WrittenCheck& written, Problems& problems) {
  const std::string resolver = written.check.resolver();
  if (resolver.empty()) return;
  const auto server = parse_host_port(resolver, kDnsPort);
  std::string why = server ? "" : server.error().what;
  if (server && (!is_address(server->host) || server->host.find('%') != std::string::npos))
    why = "is no address; expected one like \"192.0.2.53\" or \"192.0.2.53:5353\"";
  if (why.empty())
    written.check.set_resolver(to_text(*server));
  else
    problems.push_back(
        written.problem_at({"resolver"}, fmt::format("\"resolver\" is {}: it {}", in_quotes(resolver), why)));
}

void check_source(const WrittenCheck& written, Problems& problems) {
  const proto::Check& check = written.check;
  if ((check.ip() != "4" && check.ip() != "6") || !is_address(check.source())) return;
  const bool is_v6 = check.source().find(':') != std::string::npos;
  if (is_v6 != (check.ip() == "6"))
    problems.push_back(written.problem_at(
        {"source"}, fmt::format("\"source\" is \"{}\", but \"ip\" is {}: nothing can be reached", check.source(),
                                check.ip())));
}

void apply_proxy(WrittenCheck& written, Problems& problems) {
  proto::HttpCheck& http = *written.check.mutable_http();
  if (http.proxy().empty()) return;
  std::string rest = http.proxy();
  const std::string scheme = url_scheme(rest);
  if (!scheme.empty()) rest.erase(0, scheme.size() + 3);
  if (rest.ends_with('/')) rest.pop_back();
  const bool has_credentials = rest.find('@') != std::string::npos;
  const auto proxy = parse_host_port(rest, kProxyPort);
  std::string why = proxy ? "" : proxy.error().what;
  if (has_credentials)
    why = "carries credentials; write them as a header Proxy-Authorization, from a file or a variable";
  if (!scheme.empty() && scheme != "http") why = fmt::format("has the scheme \"{}\"; expected http", scheme);
  if (why.empty())
    http.set_proxy(to_text(*proxy));
  else
    problems.push_back(written.problem_at(
        {"proxy"}, fmt::format("\"proxy\" is {}: it {}", in_quotes(has_credentials ? "..." : http.proxy()), why)));
}

void check_no_proxy(const WrittenCheck& written, Problems& problems) {
  const proto::HttpCheck& http = written.check.http();
  if (http.no_proxy_size() > 0 && http.proxy().empty())
    problems.push_back(written.problem_at({"no_proxy"}, "\"no_proxy\" without a \"proxy\""));
  for (const std::string& entry : http.no_proxy()) {
    const std::string name = entry.starts_with('.') ? entry.substr(1) : entry;
    if (entry == "*" || is_prefix(entry) || parse_host(name)) continue;
    problems.push_back(written.problem_at(
        {"no_proxy"},
        fmt::format("\"no_proxy\" names {}; expected a host name, an address, a prefix or *", in_quotes(entry))));
  }
  if (written.check.addresses() == "each" && !http.proxy().empty())
    problems.push_back(written.problem_at(
        {"addresses"}, "\"addresses\" is \"each\" beside a \"proxy\", which looks the name up itself"));
}

}  // namespace

void apply_route_rules(WrittenCheck& written, Problems& problems) {
  apply_resolver(written, problems);
  check_source(written, problems);
  if (!written.check.has_http()) return;
  apply_proxy(written, problems);
  check_no_proxy(written, problems);
}

}  // namespace parallax
