#include "controller/serve.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <filesystem>

#include "controller/fleet.h"
#include "controller/fleet_server.h"
#include "controller/kept_definitions.h"
#include "controller/recovery.h"
#include "controller/settings.h"
#include "controller/snapshots.h"
#include "controller/web_routes.h"

namespace parallax {
namespace {

namespace asio = boost::asio;

constexpr int kTrouble = 1;
constexpr int kUnknown = 2;
constexpr int kInvalid = 4;
constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kForTheDisk{5};  // when told to stop
constexpr Milliseconds kMostWaitForAnswer{10'000};

void tell(const Problems& problems) {
  for (const auto& problem : problems) std::fprintf(stderr, "%s\n", to_text(problem).c_str());
}

// Each probe takes two descriptors; the usual soft limit of 1024 is for programs that use select().
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// What the controller knows and keeps. Filled by recover() before anything else begins.
struct KeptState {
  Loop loop;
  Ledger ledger;
  AppliedSequences sequences;
  FleetBook fleet_book;
  BookEvents events{ledger, sequences, fleet_book};
  std::unique_ptr<SqliteJournal> journal;
};

// The parts, in the order in which they depend on each other.
struct Controller {
  Controller(KeptState& kept, const Clock& clock_, Log& log_, const proto::ControllerSettings& settings);

  void put_in_force(std::shared_ptr<const Definitions> definitions);
  void wait_for_definitions();
  Result<void> listen(const proto::ControllerSettings& settings);
  Task<> tick();
  void close_slots();
  Task<> handle_signals();
  Task<> stop();

  const Clock& clock;
  Log& log;
  KeptState& kept;
  Loop& loop;
  TaskGroup tasks;
  Fleet fleet;
  Snapshots snapshots;
  bool definitions_in_force = false;
  bool closing_slots = false;  // that the time of some is over is on its way through the journal
  Reload reload;
  PageMaker pages;
  Shown shown;
  FleetServer fleet_server;
  WebServer web_server;
  WebServer control_server;
};

Controller::Controller(KeptState& kept_, const Clock& clock_, Log& log_, const proto::ControllerSettings& settings)
    : clock(clock_),
      log(log_),
      kept(kept_),
      loop(kept.loop),
      tasks(loop),
      fleet(Books{kept.ledger, kept.fleet_book, *kept.journal, kept.events, kept.sequences, log, clock}),
      snapshots(snapshot_file(settings.state_dir()), {kept.ledger, kept.sequences, kept.fleet_book, kept.events},
                *kept.journal, log, clock),
      reload(settings.checks_dir(), settings.state_dir(), log, clock,
             [this](std::shared_ptr<const Definitions> definitions) {
               put_in_force(std::move(definitions));
               return !kept.journal->is_failing();
             }),
      pages(loop, clock),
      shown{kept.ledger, kept.fleet_book, fleet, reload, *kept.journal, clock, pages},
      fleet_server(loop, log, clock, fleet),
      web_server(loop, log, [this](WebRequest request) { return answer_web(shown, std::move(request)); }),
      control_server(loop, log, [this](WebRequest request) { return answer_control(shown, std::move(request)); }) {
}

// In the order of everything else that changes the books, so that a start finds them as they were.
void Controller::put_in_force(std::shared_ptr<const Definitions> definitions) {
  JournalEntry entry(clock.wall());
  *entry.event().mutable_definitions() = to_kept(*definitions);
  entry.definitions = std::move(definitions);
  kept.journal->append(std::move(entry), [this](const JournalEntry& durable) {
    kept.events.apply(durable);
    fleet.apply_definitions(kept.events.definitions());
    definitions_in_force = true;
    // Reading, comparing and keeping a set takes several times its size for a while: until the entry is gone, too.
    asio::post(loop, [] { ::malloc_trim(0); });
  });
}

void Controller::wait_for_definitions() {
  auto journal_will_post = asio::make_work_guard(loop);
  while (!definitions_in_force) loop.run_one();
  journal_will_post.reset();
  loop.restart();  // without work it had come to its end
}

Result<void> Controller::listen(const proto::ControllerSettings& settings) {
  const auto control = control_server.listen(control_socket(settings));
  if (!control) return std::unexpected(control.error());
  const auto web_at = web_server.listen(settings.web().listen());
  if (!web_at) return failure("[web] listen: " + web_at.error().what);
  const auto fleet_at = fleet_server.listen();
  if (!fleet_at) return std::unexpected(fleet_at.error());
  shown.ready = true;
  log.info("serving", {{"web", *web_at}, {"fleet", *fleet_at}, {"state_dir", settings.state_dir()}});
  return {};
}

Task<> Controller::tick() {
  Instant next = clock.now();
  while (true) {
    next += kTick;
    const bool going_on = co_await sleep_until(next);
    if (!going_on) co_return;
    next = std::max(next, clock.now() - kTick);  // after a pause of the host: no burst
    reload.tick();
    close_slots();
    kept.fleet_book.tick(clock.wall());
    fleet.tick();
    fleet_server.tick();
    if (snapshots.is_due()) tasks.spawn("snapshot", snapshots.write());
  }
}

void Controller::close_slots() {
  if (closing_slots || !kept.ledger.has_to_tick(clock.wall())) return;
  closing_slots = true;
  JournalEntry entry(clock.wall());
  entry.event().mutable_time_passed();
  kept.journal->append(std::move(entry), [this](const JournalEntry& durable) {
    kept.events.apply(durable);
    closing_slots = false;
  });
}

Task<> Controller::handle_signals() {
  asio::signal_set signals(loop, SIGTERM, SIGINT, SIGHUP);
  while (true) {
    boost::system::error_code error;
    const int signal = co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;
    if (signal != SIGHUP) break;
    reload.reload("SIGHUP");
  }
  log.info("stopping");
  tasks.spawn("stop", stop());
}

Task<> Controller::stop() {
  shown.ready = false;
  web_server.stop();
  control_server.stop();
  co_await fleet_server.stop();
  const Instant deadline = clock.now() + kForTheDisk;
  co_await kept.journal->drained(deadline, clock);
  if (snapshots.is_writing())
    log.info("a snapshot is being written: the next start reads the journal behind the one before");
  else if (!kept.journal->is_failing())
    co_await snapshots.write();
  tasks.stop();
  log.info("stopped");
}

Result<void> make_state_dir(const std::string& state_dir) {
  std::error_code error;
  std::filesystem::create_directories(state_dir, error);
  if (error)
    return failure(fmt::format("state_dir {}: {}; make it, or set another one", state_dir, error.message()));
  return {};
}

int fail(int status, const std::string& why) {
  std::fprintf(stderr, "parallax-controller: %s\n", why.c_str());
  return status;
}

}  // namespace

int serve(const std::string& config_file) {
  proto::ControllerSettings settings;
  Problems problems;
  const bool valid = read_controller_settings(config_file, settings, problems);
  tell(problems);
  if (!valid) return kInvalid;

  const SystemClock clock;
  Log log(clock, Log::Format::logfmt, Log::Level::info);
  log.configure(settings.log().format(), settings.log().level());
  allow_many_descriptors();
  if (const auto made = make_state_dir(settings.state_dir()); !made) return fail(kTrouble, made.error().what);

  KeptState kept;
  auto journal = recover(settings.state_dir(), {kept.ledger, kept.sequences, kept.fleet_book, kept.events},
                         kept.loop, log, clock);
  if (!journal) return fail(kTrouble, journal.error().what);
  kept.journal = std::move(*journal);

  Controller controller(kept, clock, log, settings);
  const auto certificates = controller.fleet_server.prepare(settings.fleet());
  if (!certificates) return fail(kInvalid, certificates.error().what);
  Problems mistakes;
  if (!controller.reload.start(mistakes)) {
    tell(mistakes);
    return fail(kInvalid, fmt::format("the definitions in {} are not valid, and none were accepted before",
                                      settings.checks_dir()));
  }
  // A probe that came before would be told that there is nothing to check.
  controller.wait_for_definitions();
  if (const auto listening = controller.listen(settings); !listening)
    return fail(kTrouble, listening.error().what);

  controller.tasks.spawn("tick", controller.tick());
  controller.tasks.spawn("signals", controller.handle_signals());
  kept.loop.run();
  return 0;
}

int ask_controller(const std::string& config_file, const std::string& method, const std::string& path,
                   const std::multimap<std::string, std::string>& query) {
  proto::ControllerSettings settings;
  Problems problems;
  const bool valid = read_controller_settings(config_file, settings, problems);
  tell(problems);
  if (!valid)
    return fail(kInvalid,
                "which controller is to be asked stands in its settings; name that file with --config FILE");

  WebRequest request;
  request.method = method;
  request.path = path;
  request.query = query;
  const std::string where = control_socket(settings);
  const auto answer = ask(where, request, kMostWaitForAnswer);
  if (!answer)
    return fail(kTrouble, fmt::format("no controller answers at {}: {}; is it running with {}?", where.substr(5),
                                      answer.error().what, config_file));
  std::fputs(answer->body.c_str(), answer->status == 200 ? stdout : stderr);
  return answer->status == 200 ? 0 : kUnknown;
}

}  // namespace parallax
