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
#include "probe/doubtful_dates.h"
#include "probe/down_time.h"
#include "probe/kept_assignment.h"
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
#include "probe/spool_thread.h"
#include "probe/tools.h"
#include "probe/trouble_log.h"

namespace parallax {
namespace {

namespace asio = boost::asio;
constexpr std::chrono::seconds kForRunsUnderWay(3);  // when told to stop
constexpr std::chrono::seconds kForTheLastResults(3);
constexpr std::chrono::seconds kForTheDisk(5);
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

proto::Hello hello(IcmpSockets& icmp, const std::string& revision) {
  proto::Hello hello;
  hello.set_revision(revision);
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
  // False when another process has the state directory.
  bool run();

 private:
  bool take_up();
  Task<> until_told_to_stop();
  Task<> look_at_the_clocks();
  Task<> deny_own_controllers();
  void put_in_force(const proto::Assignment& assignment);
  void assigned(const proto::Assignment& assignment, WallTime controllers_now);
  void record(proto::RunResult& result, bool state_changed);

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

  asio::thread_pool disk_{1};
  KeptAssignment kept_assignment_;
  const proto::Assignment assignment_at_start_;
  MemorySpool spool_;
  SpoolThread spool_disk_;
  SpoolShadow shadow_;
  DownTime down_time_;
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
      kept_assignment_(std::filesystem::path(settings.state_dir()) / "assignment.kept", disk_, log),
      assignment_at_start_(kept_assignment_.read()),
      // Keys of rows go on where an earlier start left off, whatever its disk can still tell.
      spool_(random_spool_id(), static_cast<std::size_t>(settings.spool().max_bytes()),
             static_cast<std::uint64_t>(std::max<std::int64_t>(unix_us(clock.wall()), 1))),
      spool_disk_(loop_, clock, disk_, std::filesystem::path(settings.state_dir()) / "spool.db"),
      shadow_(spool_, spool_disk_, clock, [this] { reporter_.disk_changed(); }),
      down_time_([this](MissedSlots missed) { reporter_.declare(std::move(missed)); }),
      places_(loop_, most_runs_at_once()),
      trouble_(log),
      runner_tools_{
          loop_,
          clock,
          places_,
          watch_,
          lag_,
          [this](const proto::Check& check) { return run_attempts(check, tools_); },
          [this](proto::RunResult& result, bool changed) { record(result, changed); },
          [this](MissedSlots&& missed) { reporter_.declare(std::move(missed)); },
          [this](const proto::AssignedCheck& check, std::int64_t slot) { down_time_.began(check, slot); }},
      roster_(runner_tools_),
      reporter_(loop_, log, clock, spool_, shadow_, lag_,
                {.controllers = list(settings.controllers()),
                 .files = {settings.cert_file(), settings.key_file(), settings.ca_file()},
                 .hello = hello(icmp_, assignment_at_start_.revision())},
                [this](const proto::Assignment& assignment, WallTime now) { assigned(assignment, now); }) {}

bool Probe::run() {
  log_.info("started", {{"version", PARALLAX_VERSION},
                        {"icmp", to_text(icmp_.kind())},
                        {"nice", std::to_string(go_before_others())},
                        {"most_runs", std::to_string(places_.free())}});
  if (const auto trouble = icmp_.trouble(); !trouble.empty())
    log_.warn("pings cannot be sent everywhere", {{"reason", trouble}});
  if (!take_up()) return false;
  tasks_.spawn("signals", until_told_to_stop());
  tasks_.spawn("clocks", look_at_the_clocks());
  tasks_.spawn("own controllers", deny_own_controllers());
  tasks_.spawn("reporter", reporter_.run());
  loop_.run();
  return true;
}

// What an earlier life of the probe left: results that nobody has counted, and the checks to go on with.
bool Probe::take_up() {
  shadow_.open();
  if (shadow_.is_taken_by_another()) {
    log_.error("another process uses this state_dir; stop it, or give this probe a state_dir of its own",
               {{"state_dir", settings_.state_dir()}, {"reason", shadow_.trouble()}});
    return false;
  }
  if (shadow_.lost_some()) {
    down_time_.spool_lost_some();
    log_.error("the spool's file was damaged: what could be read is kept, the rest is declared as lost",
               {{"state_dir", settings_.state_dir()}, {"read", std::to_string(spool_.results_held())}});
  }
  spool_.for_each([this](const SpoolRecord& record) {
    down_time_.had(record);
    if (const auto* result = std::get_if<proto::RunResult>(&record))
      roster_.had(result->check_id(), result->every_ms(), result->slot());
  });
  log_.info("took up", {{"waiting", std::to_string(spool_.results_held())},
                        {"checks", std::to_string(assignment_at_start_.check_size())}});
  if (assignment_at_start_.check_size() > 0) put_in_force(assignment_at_start_);
  return true;
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
  const Instant disk_deadline = last_word + kForTheDisk;
  co_await reporter_.finish(last_word, disk_deadline);
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

void Probe::assigned(const proto::Assignment& assignment, WallTime controllers_now) {
  put_in_force(assignment);
  kept_assignment_.put(assignment);
  down_time_.assigned(assignment, controllers_now);
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

void Probe::record(proto::RunResult& result, bool state_changed) {
  if (result.state() != proto::STATE_UP) doubt_dates(result, reporter_.ahead_of_controller());
  trouble_.note(result);
  reporter_.record(result, state_changed);
}

}  // namespace

int serve(const std::filesystem::path& config, Log& log, const Clock& clock) {
  constexpr int kTrouble = 1;
  constexpr int kInvalid = 4;
  std::signal(SIGPIPE, SIG_IGN);
  Problems problems;
  const auto settings = read_probe_settings(config, problems);
  for (const auto& problem : problems) fmt::print(stderr, "{}\n", to_text(problem));
  if (!settings) return kInvalid;
  log.configure(settings->log().format(), settings->log().level());
  auto guard = Guard::from_prefixes(list(settings->guard().allow()));
  if (!guard) return kInvalid;  // told by read_probe_settings()
  std::error_code error;        // a directory that cannot be made is told with the spool
  std::filesystem::create_directories(settings->state_dir(), error);
  Probe probe(*settings, std::move(*guard), log, clock);
  return probe.run() ? 0 : kTrouble;
}

}  // namespace parallax
