#include "probe/by_hand.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <utility>
#include <vector>

#include "base/nearest.h"
#include "base/problem.h"
#include "base/task.h"
#include "definitions/definitions.h"
#include "probe/attempts.h"
#include "probe/by_hand_json.h"
#include "probe/by_hand_table.h"
#include "probe/loop_watch.h"
#include "probe/net/guard.h"
#include "probe/net/http_engine.h"
#include "probe/net/icmp.h"
#include "probe/net/resolver.h"
#include "probe/net/trust.h"
#include "probe/secrets.h"
#include "probe/settings.h"
#include "probe/tools.h"
#include "proto/settings.pb.h"

namespace fs = std::filesystem;

namespace parallax {
namespace {

constexpr std::size_t kAtOnce = 16;
constexpr std::chrono::seconds kBetweenRounds{1};

enum ExitStatus { kAllWell = 0, kSomethingDown = 1, kBadUsage = 2, kSomethingUnknown = 3, kInvalid = 4 };

std::unexpected<ExitStatus> usage_error(std::FILE* err, const std::string& message) {
  fmt::print(err, "{}\n", message);
  return std::unexpected(kBadUsage);
}

bool is_url(const std::string& what) { return what.find("://") != what.npos; }

// --- what to run ---

using Checks = std::vector<proto::Check>;

std::expected<Checks, ExitStatus> check_of_url(const ByHand& request, std::FILE* err) {
  if (request.check) return usage_error(err, "--check names a check of a file or directory; a URL is one check");
  auto check = check_from_url(request.what);
  if (!check) return usage_error(err, check.error().what);
  return Checks{std::move(*check)};
}

std::expected<Checks, ExitStatus> defined_checks(const ByHand& request, std::FILE* err) {
  std::error_code error;
  if (!fs::exists(request.what, error))
    return usage_error(err, fmt::format("{}: no such file or directory; a URL "
                                        "begins with https://, http://, ping:// "
                                        "or tls://",
                                        request.what));
  LoadOptions options;
  options.by_hand = true;
  auto loaded = load_definitions(request.what, options);
  for (const auto& problem : loaded.problems) fmt::print(err, "{}\n", to_text(problem));
  if (!loaded.definitions) return std::unexpected(kInvalid);
  Checks checks;
  for (auto& defined : loaded.definitions->checks) checks.push_back(std::move(defined.check));
  return checks;
}

// Only the check that was asked for, and none that is disabled.
std::expected<Checks, ExitStatus> chosen(Checks checks, const ByHand& request, std::FILE* err) {
  if (request.check) {
    std::vector<std::string> ids;
    for (const auto& check : checks) ids.push_back(check.id());
    std::erase_if(checks, [&](const auto& check) { return check.id() != *request.check; });
    if (checks.empty())
      return usage_error(err, fmt::format("{}: no check \"{}\"{}", request.what, *request.check,
                                          did_you_mean(*request.check, ids)));
  }
  if (checks.empty()) return usage_error(err, fmt::format("{}: no check is defined there", request.what));
  const auto disabled = std::erase_if(checks, [](const auto& check) { return !check.enabled(); });
  if (checks.empty()) fmt::print(err, "{}: nothing to run, {} disabled\n", request.what, disabled);
  return checks;
}

std::expected<Checks, ExitStatus> checks_to_run(const ByHand& request, std::FILE* err) {
  if (is_url(request.what)) return check_of_url(request, err);
  auto checks = defined_checks(request, err);
  if (!checks) return checks;
  return chosen(std::move(*checks), request, err);
}

// --- what they may touch ---

struct Limits {
  Guard guard;
  Secrets secrets;
};

std::string folder_of(const ByHand& request) {
  if (is_url(request.what)) return ".";
  const fs::path path(request.what);
  return fs::is_directory(path) ? path.string() : path.parent_path().string();
}

// Those of the person who asks, or of the probe whose settings were named.
std::expected<Limits, ExitStatus> limits_of(const ByHand& request, std::FILE* err) {
  if (!request.config) return Limits{Guard::by_hand(), Secrets::by_hand(folder_of(request))};
  Problems problems;
  const auto settings = read_probe_settings(*request.config, problems);
  for (const auto& problem : problems) fmt::print(err, "{}\n", to_text(problem));
  if (!settings) return std::unexpected(kBadUsage);
  auto guard = Guard::from_prefixes({settings->guard().allow().begin(), settings->guard().allow().end()});
  if (!guard)
    return usage_error(err, fmt::format("{}: [guard] allow: {}", request.config->string(), guard.error().what));
  for (const auto& controller : settings->controllers()) {
    const auto place = parse_host_port(controller);
    boost::system::error_code is_a_name;
    const auto address = boost::asio::ip::make_address(place ? place->host : "", is_a_name);
    if (!is_a_name) guard->deny_endpoint(address, place->port);
  }
  const auto& secrets = settings->secrets();
  return Limits{std::move(*guard), Secrets({secrets.dirs().begin(), secrets.dirs().end()},
                                           {secrets.env().begin(), secrets.env().end()})};
}

// --- showing ---

// Writes results as they come, in the order given.
class Display {
 public:
  Display(ByHand::Output output, std::FILE* out, const Checks& checks)
      : output_(output),
        out_(out),
        table_(style_for(out)),
        is_single_(checks.size() == 1),
        is_empty_(checks.empty()) {}

  void begin() {
    if (output_ == ByHand::Output::table && !is_empty_) write(table_.header());
    if (output_ == ByHand::Output::json) write("{\"results\": [");
  }

  // Facts stand below a single check and below what is not up; in rounds after the first one they would bury what
  // changes.
  void show(const proto::Check& check, const proto::RunResult& result, bool is_first_round) {
    const bool is_well = result.state() == proto::STATE_UP;
    auto facts = is_well ? Table::Facts::none : Table::Facts::telling;
    if (is_single_) facts = Table::Facts::all;
    if (!is_first_round) facts = Table::Facts::none;
    if (output_ == ByHand::Output::table) write(table_.row(check, result, facts));
    if (output_ == ByHand::Output::json) write((states_.empty() ? "\n" : ",\n") + to_json(check, result));
    if (output_ == ByHand::Output::jsonl) write(to_json(check, result) + "\n");
    states_.push_back(result.state());
  }

  void end() {
    if (output_ == ByHand::Output::table && !is_empty_) write(table_.summary(states_));
    if (output_ == ByHand::Output::json) write("\n]}\n");
  }

  ExitStatus exit_status() const {
    const auto has = [this](proto::State state) {
      return std::find(states_.begin(), states_.end(), state) != states_.end();
    };
    if (has(proto::STATE_DOWN)) return kSomethingDown;
    return has(proto::STATE_UNKNOWN) ? kSomethingUnknown : kAllWell;
  }

 private:
  void write(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), out_);
    std::fflush(out_);
  }

  ByHand::Output output_;
  std::FILE* out_;
  Table table_;
  bool is_single_;
  bool is_empty_;
  std::vector<proto::State> states_;
};

// --- running ---

// Runs all checks once: 16 at once, shown in order as soon as all before one
// are shown.
class Round {
 public:
  Round(unsigned number, const Checks& checks, Tools& tools, const LoopWatch& watch, Display& display)
      : number_(number),
        checks_(checks),
        tools_(tools),
        watch_(watch),
        display_(display),
        finished_(checks.size()) {}

  Task<> run() {
    TaskGroup workers(tools_.loop);
    for (std::size_t i = 0; i < std::min(kAtOnce, checks_.size()); ++i) workers.spawn("check", work());
    co_await workers.drained();
  }

 private:
  Task<> work() {
    while (next_ < checks_.size()) {
      const std::size_t mine = next_++;
      auto run = co_await run_attempts(checks_[mine], tools_);
      const Instant now = tools_.clock.now();
      mark_overload(run, checks_[mine], watch_.worst(now - run.duration, now));
      finished_[mine] = to_result(checks_[mine], std::move(run));
      show_finished();
    }
  }

  void show_finished() {
    for (; shown_ < finished_.size() && finished_[shown_]; ++shown_) {
      display_.show(checks_[shown_], *finished_[shown_], number_ == 0);
    }
  }

  unsigned number_;  // from 0
  const Checks& checks_;
  Tools& tools_;
  const LoopWatch& watch_;
  Display& display_;
  std::vector<std::optional<proto::RunResult>> finished_;
  std::size_t next_ = 0;
  std::size_t shown_ = 0;
};

// Until it is stopped.
Task<> tick(LoopWatch& watch, const Clock& clock) {
  watch.begin(clock.now());
  Instant next = clock.now() + LoopWatch::kTick;
  while (co_await sleep_until(next)) next = watch.tick(clock.now());
}

// Parsing authorities holds the loop for 20 ms and more: done before, so that no check's phases show it. What is
// wrong with them the check itself will say.
void parse_authorities(const Checks& checks, TrustStores& trust) {
  for (const auto& check : checks) {
    if (check.has_tls()) (void)trust.find(check.tls().tls().ca_pem());
    if (check.has_http()) (void)trust.find(check.http().tls().ca_pem());
  }
}

Task<> run_rounds(const Checks& checks, unsigned rounds, Tools& tools, Display& display) {
  LoopWatch watch;
  TaskGroup ticking(tools.loop);
  ticking.spawn("tick", tick(watch, tools.clock));
  co_await tools.icmp.settled();
  for (unsigned i = 0; i < rounds; ++i) {
    const Instant next = tools.clock.now() + kBetweenRounds;
    Round round(i, checks, tools, watch, display);
    co_await round.run();
    if (i + 1 < rounds) co_await sleep_until(next);
  }
  ticking.stop();
  co_await ticking.drained();
}

}  // namespace

int run_by_hand(const ByHand& request, std::FILE* out, std::FILE* err) {
  const auto checks = checks_to_run(request, err);
  if (!checks) return checks.error();
  const auto limits = limits_of(request, err);
  if (!limits) return limits.error();

  Loop loop;
  SystemClock clock;
  Resolver resolver(loop);
  TrustStores trust;
  HttpEngine http;
  IcmpSockets icmp(loop, clock);
  Tools tools{loop, clock, limits->guard, resolver, limits->secrets, trust, http, icmp};

  parse_authorities(*checks, trust);
  Display display(request.output, out, *checks);
  display.begin();
  TaskGroup tasks(loop);
  tasks.spawn("run by hand", run_rounds(*checks, request.repeat, tools, display));
  while (tasks.running() > 0) loop.run_one();
  display.end();
  return display.exit_status();
}

}  // namespace parallax
