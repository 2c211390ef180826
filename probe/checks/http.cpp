#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>

#include "probe/checks/checks.h"
#include "probe/checks/http_hop.h"
#include "probe/checks/http_judge.h"
#include "probe/net/connect.h"
#include "probe/net/http_engine.h"
#include "probe/net/proxy.h"
#include "probe/net/target.h"
#include "probe/net/tls_settings.h"

namespace parallax {
namespace {

// One run: its outcome as it grows, and what its hops share.
struct Run {
  const proto::Check& check;
  Tools& tools;
  Instant deadline;
  Instant started;
  Route route;
  Outcome outcome;
  HttpEngine::Session session;

  Run(const proto::Check& c, Tools& t, Instant d, std::optional<Route::Pinned> pinned)
      : check(c),
        tools(t),
        deadline(d),
        started(t.clock.now()),
        route(route_of(c, std::move(pinned))),
        session(t.http, t.clock) {}

  const proto::HttpCheck& http() const { return check.http(); }
  void die(Failure failure) { outcome.die(std::move(failure), tools.clock.now()); }
};

// Bytes of the body that some rule needs.
std::size_t body_to_keep(const proto::HttpCheck& check) {
  const bool needed = needs_body(check.expect()) || needs_body(check.warn());
  return needed ? static_cast<std::size_t>(check.max_body_bytes()) : 0;
}

// By ALPN, where the definition does not say it itself.
std::vector<std::string> versions_offered(const std::string& version) {
  if (version == "1.1") return {"http/1.1"};
  if (version == "2") return {"h2"};
  return {"h2", "http/1.1"};
}

// How the connection of this hop is made. A client certificate is a credential.
Step<TlsSettings> settings_for(const Run& run, const HopPlan& plan) {
  // As it is nearly always: not copied, its ca_file may be long.
  const proto::TlsOptions* options = &run.http().tls();
  proto::TlsOptions elsewhere;
  if (!plan.may_have_credentials()) {
    elsewhere = *options;
    elsewhere.clear_cert_file();
    // Another name than the URL's is meant for the URL's host, not for wherever a redirect leads.
    if (plan.redirects() > 0) elsewhere.clear_server_name();
    options = &elsewhere;
  }
  auto settings = tls_settings(*options, plan.url().host, run.tools);
  if (settings && settings->alpn.empty()) settings->alpn = versions_offered(run.http().http_version());
  return settings;
}

void note_answer(const HttpAnswer& answer, const HopPlan& plan, proto::Facts& facts) {
  proto::HttpFacts& http = *facts.mutable_http();
  http.set_sent_bytes(http.sent_bytes() + answer.sent_bytes);
  http.set_received_bytes(http.received_bytes() + answer.received_bytes);
  http.set_redirects(plan.redirects());
  http.set_final_url(plan.url().text);
  http.set_ssl(plan.url().is_https());
  http.clear_content_length();
  http.clear_last_modified();
  if (answer.status == 0) return;
  http.set_status(answer.status);
  http.set_version(answer.version);
  http.set_body_bytes(answer.body_bytes);
  if (answer.content_length) http.set_content_length(*answer.content_length);
  if (answer.last_modified) http.set_last_modified(*answer.last_modified);
}

// The proxy of this hop, if it has one: "proxy.example:3128".
std::optional<HostAndPort> proxy_for(const proto::HttpCheck& check, const Url& url) {
  const std::vector<std::string> around(check.no_proxy().begin(), check.no_proxy().end());
  if (check.proxy().empty() || goes_around_proxy(around, url.host)) return std::nullopt;
  return split_address(check.proxy());
}

Task<Step<TcpSocket>> connect_to_host(Run& run, std::string host, std::uint16_t port) {
  const auto address = co_await find_address(run.tools, host, port, run.route, run.deadline);
  if (!address) co_return std::unexpected(address.error());
  note_address(run.outcome.facts, *address);
  const boost::asio::ip::tcp::endpoint endpoint(*address, port);
  co_return co_await connect_in_phase(run.tools.loop, endpoint, run.route.source, run.outcome.phases,
                                      run.tools.clock, run.deadline);
}

// Everything up to the proxy, and its tunnel, is phase connect: of the host itself nothing is looked up here.
Task<Step<TcpSocket>> connect_for(Run& run, const HopPlan& plan, std::optional<HostAndPort> proxy) {
  if (!proxy) co_return co_await connect_to_host(run, plan.url().host, plan.url().port);
  const std::string& called = run.http().proxy();
  run.outcome.phases.enter(proto::PHASE_CONNECT, run.tools.clock.now());
  auto socket = co_await connect_to_host(run, proxy->host, proxy->port);
  if (!socket) co_return std::unexpected(proxy_trouble(called, socket.error()));
  if (!plan.url().is_https()) co_return std::move(socket);
  const auto opened =
      co_await open_tunnel(*socket, plan.host_and_port(), plan.proxy_authorization(), run.deadline);
  if (!opened) co_return std::unexpected(proxy_trouble(called, opened.error()));
  co_return std::move(socket);
}

// Plain http: the whole URL, said to the proxy itself.
void ask_by_proxy(HttpRequest& request, const HopPlan& plan) {
  request.by_proxy = true;
  if (!plan.proxy_authorization().empty())
    request.headers.emplace_back("Proxy-Authorization", plan.proxy_authorization());
}

// Resolves, connects and asks for one hop; the failure is where the run dies.
Task<Step<HttpAnswer>> ask(Run& run, HopPlan& plan) {
  Phases& phases = run.outcome.phases;
  phases.enter(proto::PHASE_RESOLVE, run.tools.clock.now());
  run.outcome.facts.clear_tls();
  TlsSettings settings;
  if (plan.url().is_https()) {
    auto made = settings_for(run, plan);
    if (!made) co_return std::unexpected(made.error());
    settings = std::move(*made);
  }
  const auto proxy = proxy_for(run.http(), plan.url());
  auto socket = co_await connect_for(run, plan, proxy);
  if (!socket) co_return std::unexpected(socket.error());

  HttpRequest request = plan.request(run.tools.clock.wall());
  if (proxy && !plan.url().is_https()) ask_by_proxy(request, plan);
  request.max_body = body_to_keep(run.http());
  TlsPeer peer(settings, run.tools.clock.wall());
  TlsPeer* const used = plan.url().is_https() ? &peer : nullptr;
  auto exchange = co_await run.session.exchange(request, std::move(*socket), used, phases, run.deadline);
  if (!peer.facts().version().empty() || !peer.facts().certificates().empty())
    *run.outcome.facts.mutable_tls() = peer.facts();
  note_answer(exchange.answer, plan, run.outcome.facts);
  if (exchange.failure) co_return std::unexpected(*exchange.failure);
  if (request.by_proxy && exchange.answer.status == 407) {
    phases.enter(proto::PHASE_CONNECT, run.tools.clock.now());
    co_return std::unexpected(
        Failure{proto::REASON_PROXY, fmt::format("proxy {}: it wants to know who asks: 407", run.http().proxy())});
  }
  co_return std::move(exchange.answer);
}

// Follows the redirect in `answer` when that is wanted. True: there is a next hop. False: the run has ended, or
// `answer` is the final one and `outcome` is untouched.
enum class After { next_hop, final_answer, ended };

After after(Run& run, HopPlan& plan, const HttpAnswer& answer) {
  if (!HopPlan::is_redirect(answer)) return After::final_answer;
  proto::HttpFacts& facts = *run.outcome.facts.mutable_http();
  const bool follows = !run.http().has_follow_redirects() || run.http().follow_redirects() > 0;
  if (!follows) {
    facts.set_redirects(plan.redirects() + 1);
    return After::final_answer;
  }
  const bool was_https = plan.url().is_https();
  const auto followed = plan.follow(answer);
  facts.set_redirects(plan.redirects());
  if (!followed) {
    run.die(followed.error());
    return After::ended;
  }
  if (was_https && !plan.url().is_https() && run.http().expect().tls() == "required") {
    Failure failure{
        proto::REASON_TLS_PROTOCOL,
        fmt::format("redirected by {} from https to {}, but TLS is required", answer.status, plan.url().text)};
    run.outcome.fail_rule(std::move(failure), proto::STATE_DOWN);
    return After::ended;
  }
  return After::next_hop;
}

void judge(Run& run, const HttpAnswer& answer) {
  Outcome& outcome = run.outcome;
  const proto::TlsFacts* const tls = outcome.facts.has_tls() ? &outcome.facts.tls() : nullptr;
  const Nanoseconds duration = run.tools.clock.now() - run.started;
  const HttpEvidence evidence{answer, tls, duration, run.tools.clock.wall()};
  const auto broken = judge_http(run.http().expect(), evidence, true);
  const bool by_pattern =
      broken && (broken->reason == proto::REASON_BODY || broken->reason == proto::REASON_HEADER);
  outcome.facts.mutable_http()->set_failed_due_to_regex(by_pattern);
  if (broken) {
    // A rule that this probe cannot even judge is our fault, not the target's.
    outcome.fail_rule(*broken, state_of(broken->reason));
  } else if (const auto warned = judge_http(run.http().warn(), evidence, false)) {
    const bool ours = state_of(warned->reason) == proto::STATE_UNKNOWN;
    outcome.fail_rule(*warned, ours ? proto::STATE_UNKNOWN : proto::STATE_DEGRADED);
  } else {
    const std::string phrase = answer.phrase.empty() ? "" : " " + answer.phrase.substr(0, 64);
    outcome.succeed(fmt::format("{}{} in {}", answer.status, phrase, to_text(duration)));
  }
}

}  // namespace

Task<Outcome> http(const proto::Check& check, Tools& tools, Instant deadline,
                   std::optional<Route::Pinned> pinned) {
  Run run(check, tools, deadline, std::move(pinned));
  run.outcome.phases.enter(proto::PHASE_RESOLVE, tools.clock.now());
  auto plan = HopPlan::begin(check.http(), tools.secrets);
  if (!plan) {
    run.die(plan.error());
    co_return std::move(run.outcome);
  }
  for (;;) {
    const auto answer = co_await ask(run, *plan);
    if (!answer) {
      run.die(answer.error());
      co_return std::move(run.outcome);
    }
    const After next = after(run, *plan, *answer);
    if (next == After::final_answer) judge(run, *answer);
    if (next != After::next_hop) co_return std::move(run.outcome);
  }
}

}  // namespace parallax
