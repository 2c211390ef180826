#include "controller/web_routes.h"

#include <fmt/format.h>

#include "base/gzip.h"
#include "base/process_figures.h"
#include "controller/explain.h"
#include "controller/exposition.h"
#include "controller/state_json.h"

namespace parallax {
namespace {

constexpr std::string_view kLanding = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Parallax controller</title></head><body>
<h1>Parallax controller {version}</h1>
<p>Revision {revision}: {checks} checks; connected probes: {probes}.</p>
<ul>
<li><a href="/metrics">/metrics</a>: what Prometheus scrapes; <code>?service=...&amp;location=...</code> gives a part</li>
<li><a href="/api/v1/state">/api/v1/state</a>: every service, check and location as it is now</li>
<li><a href="/-/healthy">/-/healthy</a>: the process runs</li>
<li><a href="/-/ready">/-/ready</a>: definitions are in force and both ports listen</li>
<li><code>POST /-/reload</code>: read the definitions now</li>
</ul></body></html>
)";

WebResponse plain(int status, std::string text) {
  WebResponse response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

WebResponse not_allowed(const std::string& allowed) {
  WebResponse response = plain(405, fmt::format("this path takes {} only\n", allowed));
  response.headers["Allow"] = allowed;
  return response;
}

bool is_read(const WebRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

std::string escaped_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

Task<WebResponse> metrics(Shown& shown, const WebRequest& request) {
  PageMaker::Wish wish;
  wish.format = negotiate(request.accept);
  wish.compressed = accepts_gzip(request.accept_encoding);
  for (const auto& [name, value] : request.query) {
    if (name == "service") wish.filter.services.insert(value);
    if (name == "location") wish.filter.locations.insert(value);
  }
  ControllerFigures figures;
  figures.version = PARALLAX_VERSION;
  figures.last_reload_ok = shown.reload.last_ok();
  figures.journal_failing = shown.journal.is_failing();
  figures.last_reload_success = shown.reload.last_success();
  if (const auto process = read_process_figures()) figures.process = *process;
  return shown.pages.make(std::move(wish), shown.ledger, shown.fleet_book, std::move(figures));
}

WebResponse landing(const Shown& shown) {
  WebResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.body = kLanding;
  const std::pair<std::string_view, std::string> values[] = {
      {"{version}", PARALLAX_VERSION},
      {"{revision}", escaped_html(shown.reload.in_force().revision)},
      {"{checks}", std::to_string(shown.reload.in_force().checks.size())},
      {"{probes}", std::to_string(shown.fleet.connected().size())}};
  for (const auto& [mark, value] : values) response.body.replace(response.body.find(mark), mark.size(), value);
  return response;
}

WebResponse state(const Shown& shown) {
  WebResponse response;
  response.content_type = "application/json";
  response.body = write_state_json(shown.ledger, shown.fleet_book, shown.clock.wall());
  return response;
}

WebResponse reload(Shown& shown) {
  const Reload::Report report = shown.reload.reload("POST /-/reload");
  return plain(report.ok ? 200 : 500, report.text);
}

std::string asked_for(const WebRequest& request, const std::string& name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? "" : found->second;
}

WebResponse explain_check(const Shown& shown, const WebRequest& request) {
  const std::string id = asked_for(request, "check");
  const auto& definitions = shown.reload.in_force();
  const WallTime now = shown.clock.wall();
  const auto explanation =
      explain(id, definitions, shown.reload.since(id), shown.ledger, shown.fleet.connected(), now);
  if (!explanation) return plain(404, no_such_check(id, definitions) + "\n");
  return plain(200, asked_for(request, "output") == "json" ? to_json(*explanation) : to_table(*explanation, now));
}

WebResponse forget_probe(Shown& shown, const WebRequest& request) {
  const std::string probe = asked_for(request, "probe");
  if (shown.fleet.forget(probe)) return plain(200, fmt::format("probe {} is forgotten\n", probe));
  return plain(404, fmt::format("there is no probe \"{}\" that is not connected\n", probe));
}

}  // namespace

Task<WebResponse> answer_web(Shown& shown, WebRequest request) {
  const std::string& path = request.path;
  if (path == "/-/reload") co_return request.method == "POST" ? reload(shown) : not_allowed("POST");
  if (!is_read(request)) co_return not_allowed("GET, HEAD");
  if (path == "/metrics") co_return co_await metrics(shown, request);
  if (path == "/-/healthy") co_return plain(200, "healthy\n");
  if (path == "/-/ready")
    co_return shown.ready ? plain(200, "ready\n") : plain(503, "not ready: definitions or a port are missing\n");
  if (path == "/api/v1/state") co_return state(shown);
  if (path == "/") co_return landing(shown);
  co_return plain(404, "there is nothing here; / has the links\n");
}

Task<WebResponse> answer_control(Shown& shown, WebRequest request) {
  if (request.path == "/explain")
    co_return is_read(request) ? explain_check(shown, request) : not_allowed("GET, HEAD");
  if (request.path == "/forget")
    co_return request.method == "POST" ? forget_probe(shown, request) : not_allowed("POST");
  co_return plain(404, "this controller does not know that command; do the two versions fit?\n");
}

}  // namespace parallax
