#include "probe/serve.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <set>

#include "probe/attempts.h"
#include "probe/memory_spool.h"
#include "probe/net/guard.h"
#include "probe/net/http_engine.h"
#include "probe/net/icmp.h"
#include "probe/net/resolver.h"
#include "probe/net/trust.h"
#include "probe/reporter.h"
#include "probe/roster.h"
#include "probe/secrets.h"
#include "probe/settings.h"
#include "probe/tools.h"
#include "probe/trouble_log.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kForRunsUnderWay(3);  // when told to stop
constexpr std::chrono::seconds kForTheLastResults(3);
constexpr std::chrono::seconds kControllersAreLookedUp(60);

// Takes all descriptors that the host allows, and says how many runs that makes.
std::size_t most_runs_at_once() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kFewestRuns;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return runs_within(limit.rlim_cur);
}

// A core that is busy with other work makes runs start milliseconds late unless the loop goes before it. Where the
// host does not let us (CAP_SYS_NICE, LimitNICE) all works the same, only later. The threads of gRPC, made after
// this, inherit it. What is in force then.
int go_before_others() {
  constexpr int kNice = -10;
  if (::getpriority(PRIO_PROCESS, 0) > kNice) ::setpriority(PRIO_PROCESS, 0, kNice);
  return ::getpriority(PRIO_PROCESS, 0);
}

proto::Hello hello(IcmpSockets& icmp) {
  proto::Hello hello;
  hello.set_version(PARALLAX_VERSION);
  hello.set_icmp(to_text(icmp.kind()));
  const auto* types = proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < types->field_count(); ++i) hello.add_check_types(types->field(i)->name());
  return hello;
}

std::vector<std::string> list(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

// The whole probe: what it measures with, what it measures, and whom it tells.
class Probe {
 public:
  Probe(const proto::ProbeSettings& settings, Guard guard, Log& log, const Clock& clock);
  void run();

 private:
  Task<> until_told_to_stop();
  Task<> look_at_the_clocks();
  Task<> deny_own_controllers();
  void put_in_force(const proto::Assignment& assignment);
  void record(SpoolRecord&& record, bool state_changed);

  const proto::ProbeSettings& settings_;
  Log& log_;
  const Clock& clock_;
  Loop loop_{1};

  Guard guard_;
  Resolver resolver_{loop_};
  Secrets secrets_;
  TrustStores trust_;
  HttpEngine http_;
  IcmpSockets icmp_;
  Tools tools_;

  MemorySpool spool_;
  Places places_;
  LoopWatch watch_;
  ScheduleLag lag_;
  TroubleLog trouble_;
  RunnerTools runner_tools_;
  Roster roster_;
  Reporter reporter_;
  TaskGroup tasks_{loop_};
};

Probe::Probe(const proto::ProbeSettings& settings, Guard guard, Log& log, const Clock& clock)
    : settings_(settings),
      log_(log),
      clock_(clock),
      guard_(std::move(guard)),
      secrets_(list(settings.secrets().dirs()), list(settings.secrets().env())),
      icmp_(loop_, clock),
      tools_{loop_, clock, guard_, resolver_, secrets_, trust_, http_, icmp_},
      spool_(random_spool_id(), static_cast<std::size_t>(settings.spool().max_bytes())),
      places_(loop_, most_runs_at_once()),
      trouble_(log),
      runner_tools_{loop_,
                    clock,
                    places_,
                    watch_,
                    lag_,
                    [this](const proto::Check& check) { return run_attempts(check, tools_); },
                    [this](SpoolRecord&& made, bool changed) { record(std::move(made), changed); }},
      roster_(runner_tools_),
      reporter_(loop_, log, clock, spool_, lag_,
                {.controllers = list(settings.controllers()),
                 .files = {settings.cert_file(), settings.key_file(), settings.ca_file()},
                 .hello = hello(icmp_)},
                [this](const proto::Assignment& assignment) { put_in_force(assignment); }) {}

void Probe::run() {
  log_.info("started", {{"version", PARALLAX_VERSION},
                        {"icmp", to_text(icmp_.kind())},
                        {"nice", std::to_string(go_before_others())},
                        {"most_runs", std::to_string(places_.free())}});
  if (const auto trouble = icmp_.trouble(); !trouble.empty())
    log_.warn("pings cannot be sent everywhere", {{"reason", trouble}});
  tasks_.spawn("signals", until_told_to_stop());
  tasks_.spawn("clocks", look_at_the_clocks());
  tasks_.spawn("own controllers", deny_own_controllers());
  tasks_.spawn("reporter", reporter_.run());
  loop_.run();
}

// Runs under way may end and be reported, within seconds; then everything stops, and with it the loop.
Task<> Probe::until_told_to_stop() {
  asio::signal_set signals(loop_, SIGTERM, SIGINT);
  boost::system::error_code error;
  const int signal = co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
  signals.clear();  // a second one ends the program at once
  log_.info("stopping", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
  roster_.finish();
  const Instant runs_end = clock_.now() + kForRunsUnderWay;
  co_await roster_.drained(runs_end);
  roster_.stop();
  const Instant last_word = clock_.now() + kForTheLastResults;
  co_await roster_.drained(last_word);
  co_await reporter_.finish(last_word);
  log_.info("stopped");
  loop_.stop();
}

// The loop's lateness, and whether somebody set the wall clock.
Task<> Probe::look_at_the_clocks() {
  ClockWatch clock_watch;
  watch_.begin(clock_.now());
  for (Instant next = clock_.now() + LoopWatch::kTick;; next = watch_.tick(clock_.now())) {
    co_await sleep_until(next);
    const Nanoseconds step = clock_watch.stepped_by(clock_.now(), clock_.wall());
    if (step == Nanoseconds(0)) continue;
    log_.warn("the wall clock was set", {{"by", to_text(step)}});
    roster_.look_again();
  }
}

// A definition must not reach the fleet port through the probe: whatever addresses its name has, they are denied.
Task<> Probe::deny_own_controllers() {
  std::set<std::pair<asio::ip::address, std::uint16_t>> denied;
  for (;;) {
    for (const auto& controller : settings_.controllers()) {
      const auto endpoint = parse_host_port(controller);
      if (!endpoint) continue;
      const Instant deadline = clock_.now() + std::chrono::seconds(5);
      const auto addresses = co_await resolver_.resolve(endpoint->host, Family::any, deadline);
      if (!addresses) continue;  // dialling it tells
      for (const auto& address : *addresses)
        if (denied.emplace(address, endpoint->port).second) guard_.deny_endpoint(address, endpoint->port);
    }
    const Instant next = clock_.now() + kControllersAreLookedUp;
    co_await sleep_until(next);
  }
}

void Probe::put_in_force(const proto::Assignment& assignment) {
  const auto difference = roster_.apply(assignment);
  for (const auto& id : difference.removed) trouble_.forget(id);
  for (const auto& id : difference.refused)
    log_.error("an assigned check has no timetable and does not run", {{"check", id}});
  log_.info("assignment", {{"revision", assignment.revision()},
                           {"added", std::to_string(difference.added)},
                           {"changed", std::to_string(difference.changed)},
                           {"kept", std::to_string(difference.kept)},
                           {"removed", std::to_string(difference.removed.size())}});
}

void Probe::record(SpoolRecord&& made, bool state_changed) {
  if (const auto* result = std::get_if<proto::RunResult>(&made)) trouble_.note(*result);
  reporter_.record(std::move(made), state_changed);
}

}  // namespace

int serve(const std::filesystem::path& config, Log& log, const Clock& clock) {
  constexpr int kInvalid = 4;
  std::signal(SIGPIPE, SIG_IGN);
  Problems problems;
  const auto settings = read_probe_settings(config, problems);
  for (const auto& problem : problems) fmt::print(stderr, "{}\n", to_text(problem));
  if (!settings) return kInvalid;
  log.configure(settings->log().format(), settings->log().level());
  auto guard = Guard::from_prefixes(list(settings->guard().allow()));
  if (!guard) return kInvalid;  // told by read_probe_settings()
  Probe probe(*settings, std::move(*guard), log, clock);
  probe.run();
  return 0;
}

}  // namespace parallax
