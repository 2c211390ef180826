#include "tests/unit/across/simulated_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/across/simulated_probe_process.h"

namespace parallax {
namespace {

constexpr std::chrono::seconds kForRunsUnderWay(3);  // as probe/serve.cpp has them
constexpr std::chrono::seconds kForTheLastResults(3);
constexpr std::size_t kMostDeclared = 500;

std::string sixteen_bytes(std::size_t probe, std::uint64_t spool) {
  return fmt::format("{:08}{:08}", probe, spool);
}

}  // namespace

SimulatedProbe::Process::Process(SimulatedProbe& probe)
    : self(probe),
      spool(sixteen_bytes(probe.number_, ++probe.spools_made_), probe.settings_.max_bytes,
            static_cast<std::uint64_t>(std::max<std::int64_t>(unix_us(probe.host_.wall()), 1))),
      shadow(spool, *probe.disk_, probe.host_, [this] { wake_disk(); }),
      down_time([this](MissedSlots missed) { record(std::move(missed), false); }),
      link(spool, {.controllers = 1,
                   .hello = {},
                   .random = [&probe] { return probe.world_.dice.share(); },
                   .figures = [] { return proto::Heartbeat(); }}) {}

// --- The link, as probe/reporter.cpp drives it ---

void SimulatedProbe::Process::perform(LinkActions actions) {
  if (actions.close && connection) connection->hang_up();
  if (actions.dial) connection = self.network_.dial(self.number_, self.host_, self, self.controller_);
  for (auto& message : actions.send) {
    self.counts_.gaps_sent += message.has_gap();
    connection->send_up(std::move(message));
  }
  for (const auto& odd : actions.odd) {
    self.world_.chronicle.note("found odd", self.name());
    if (odd.find("Welcome twice") == std::string::npos) self.world_.chronicle.broken("a probe says: " + odd);
  }
  if (actions.welcomed) {
    welcomed_at = self.host_.now();
    welcomed = from_unix_us(actions.welcomed->clock_us());
  }
  for (const auto& assignment : actions.assignments) assigned(assignment);
  wake_link();
  wake_disk();
}

void SimulatedProbe::Process::wake_disk() {
  if (shadow.wake() >= disk_at) return;
  disk_at = shadow.wake();
  const Nanoseconds wait = disk_at < self.host_.now() ? Nanoseconds(0) : Nanoseconds(disk_at - self.host_.now());
  self.world_.time.after(wait, &self.host_, [this, due = disk_at] {
    if (due != disk_at) return;
    disk_at = Instant::max();
    shadow.tick();
    wake_disk();
  });
}

// What an earlier life left, as probe/serve.cpp takes it up.
void SimulatedProbe::Process::take_up() {
  shadow.open();
  for (const SpoolRecord& found : self.disk_->found()) self.book_.made(spool.id(), true_record(found, self.host_));
  spool.for_each([this](const SpoolRecord& held) {
    down_time.had(held);
    const auto* run = std::get_if<proto::RunResult>(&held);
    if (!run) return;
    auto& last = past.try_emplace(run->check_id(), Past{run->every_ms(), run->slot()}).first->second;
    if (last.every_ms != run->every_ms()) last = {run->every_ms(), run->slot()};
    last.last_slot = std::max(last.last_slot, run->slot());
  });
  if (self.kept_assignment_) put_in_force(*self.kept_assignment_);
}

void SimulatedProbe::Process::assigned(const proto::Assignment& assignment) {
  put_in_force(assignment);
  self.kept_assignment_ = assignment;
  const auto since = std::chrono::floor<std::chrono::microseconds>(self.host_.now() - welcomed_at);
  down_time.assigned(assignment, welcomed + since);
}

void SimulatedProbe::Process::wake_link() {
  if (link.wake() >= tick_at) return;
  tick_at = link.wake();
  const Nanoseconds wait = std::max<Nanoseconds>(tick_at - self.host_.now(), Nanoseconds(0));
  self.world_.time.after(wait, &self.host_, [this, due = tick_at] {
    if (due != tick_at) return;  // another one came sooner
    tick_at = Instant::max();
    perform(link.tick(now()));
  });
}

void SimulatedProbe::Process::record(SpoolRecord&& record, bool state_changed) {
  TrueRecord truth = true_record(record, self.host_);
  if (const auto* run = std::get_if<proto::RunResult>(&record)) {
    ++self.counts_.runs;
    const auto late = std::chrono::microseconds(run->lateness_us());
    self.book_.ran(truth, self.world_.time.now() - Nanoseconds(run->duration_ns()) - late);
  }
  self.book_.made(spool.id(), std::move(truth));
  spool.append(std::move(record), self.host_.now());
  perform(link.recorded(state_changed, now()));
}

// --- The roster and its runners ---

void SimulatedProbe::Process::put_in_force(const proto::Assignment& assignment) {
  std::vector<std::string> gone;
  for (const auto& [id, runner] : runners) {
    const bool stays = std::any_of(assignment.check().begin(), assignment.check().end(),
                                   [&](const auto& assigned) { return assigned.check().id() == id; });
    if (!stays) gone.push_back(id);
  }
  for (const auto& id : gone) remove(id);
  for (const auto& assigned : assignment.check()) put(assigned);
}

void SimulatedProbe::Process::put(const proto::AssignedCheck& assigned) {
  const std::string& id = assigned.check().id();
  const SlotGrid grid(id, Milliseconds(assigned.check().every_ms()), assigned.location_index(),
                      assigned.location_count());
  const auto known = runners.find(id);
  if (known != runners.end() && known->second->assigned.check().every_ms() == assigned.check().every_ms()) {
    Runner& runner = *known->second;
    if (runner.assigned.location_index() != assigned.location_index() ||
        runner.assigned.location_count() != assigned.location_count())
      runner.schedule.change_grid(grid, self.host_.wall());
    if (runner.assigned.definition() != assigned.definition()) runner.last_state.reset();
    runner.assigned = assigned;
    if (!runner.in_run) look_after(known->second, Nanoseconds(0));
    return;
  }
  if (known != runners.end()) remove(id);
  std::optional<std::int64_t> after;
  if (const auto before = past.find(id); before != past.end()) {
    if (before->second.every_ms == assigned.check().every_ms()) after = before->second.last_slot;
    past.erase(before);
  }
  fraction = std::fmod(fraction + 0.6180339887498949, 1.0);
  runners[id] = std::make_shared<Runner>(assigned, Schedule(grid, fraction, kMostDeclared, after));
  look_after(runners[id], Nanoseconds(0));
}

void SimulatedProbe::Process::remove(const std::string& id) {
  const auto node = runners.extract(id);
  const auto& runner = node.mapped();
  if (const auto last = runner->schedule.last()) past[id] = {runner->assigned.check().every_ms(), *last};
  ++runner->plan;  // a run under way ends unheard
}

void SimulatedProbe::Process::look_after(const std::shared_ptr<Runner>& runner, Nanoseconds wait) {
  self.world_.time.after(wait, &self.host_, [this, runner, plan = ++runner->plan] {
    if (plan == runner->plan) look(runner);
  });
}

void SimulatedProbe::Process::look(const std::shared_ptr<Runner>& runner) {
  if (finishing || self.rests_) return;
  const bool is_first_look = !runner->schedule.first();
  Schedule::Next next = runner->schedule.next(self.host_.wall(), runner->since);
  if (is_first_look) down_time.began(runner->assigned, *runner->schedule.first());
  if (!next.missed.empty()) declare(*runner, next.cause, std::move(next.missed));
  runner->since = next.run ? Schedule::Since::running : Schedule::Since::waiting;
  if (next.run) return begin_run(runner, next);
  look_after(runner, next.wait);
}

// Each slot of a runner becomes one record: none is passed over in silence, none comes twice.
void SimulatedProbe::Process::follows(Runner& runner, std::int64_t first, std::int64_t last, bool may_jump) {
  const bool jumped_back = runner.last_slot && first < *runner.last_slot &&
                           (*runner.last_slot - first) * runner.assigned.check().every_ms() > 24 * 3600 * 1000;
  if (runner.last_slot && first != *runner.last_slot + 1 && !may_jump && !jumped_back)
    self.world_.chronicle.broken(fmt::format("{}: slot {} of {} follows slot {}", self.name(), first,
                                             runner.assigned.check().id(), *runner.last_slot));
  runner.last_slot = last;
}

void SimulatedProbe::Process::declare(Runner& runner, proto::Gap::Cause cause, std::vector<std::int64_t> slots) {
  follows(runner, slots.front(), slots.back(), slots.size() >= kMostDeclared);
  MissedSlots missed{runner.assigned.check().id(), cause, std::move(slots)};
  missed.every_ms = runner.assigned.check().every_ms();
  record(std::move(missed), false);
}

void SimulatedProbe::Process::begin_run(const std::shared_ptr<Runner>& runner, const Schedule::Next& next) {
  Dice& dice = self.world_.dice;
  const std::int64_t slot = *next.run;
  runner->in_run = true;
  if (dice.one_in(100)) {  // no place was free
    self.world_.time.after(next.patience, &self.host_, [this, runner, slot, plan = ++runner->plan] {
      if (plan != runner->plan) return;
      runner->in_run = false;
      declare(*runner, proto::Gap::OVERLOAD, {slot});
      look(runner);
    });
    return;
  }
  proto::RunResult run;
  run.set_check_id(runner->assigned.check().id());
  run.set_definition(runner->assigned.definition());
  run.set_every_ms(runner->assigned.check().every_ms());
  run.set_slot(slot);
  run.set_started_us(unix_us(self.host_.wall()));
  run.set_lateness_us(std::max<std::int64_t>((self.host_.wall() - next.due).count(), 0));
  const Nanoseconds timeout = Milliseconds(runner->assigned.check().timeout_ms());
  const Nanoseconds takes = dice.one_in(20) ? timeout : dice.mostly_short(Milliseconds(1), Milliseconds(500));
  self.world_.time.after(takes, &self.host_,
                         [this, runner, assigned = runner->assigned, run = std::move(run), plan = ++runner->plan,
                          began = self.world_.time.now()]() mutable {
                           if (plan != runner->plan) return;
                           run.set_duration_ns((self.world_.time.now() - began).count());
                           end_run(runner, assigned, std::move(run));
                         });
}

void SimulatedProbe::Process::end_run(const std::shared_ptr<Runner>& runner, const proto::AssignedCheck& assigned,
                                      proto::RunResult run) {
  Dice& dice = self.world_.dice;
  runner->in_run = false;
  const std::uint64_t fate = dice.below(40);
  const auto state = fate < 30   ? runner->last_state.value_or(proto::STATE_UP)
                     : fate < 36 ? proto::STATE_UP
                     : fate < 37 ? proto::STATE_DEGRADED
                     : fate < 39 ? proto::STATE_DOWN
                                 : proto::STATE_UNKNOWN;
  run.set_state(state);
  run.set_reason(state == proto::STATE_UP         ? proto::REASON_OK
                 : state == proto::STATE_UNKNOWN  ? proto::REASON_PROBE_FAULT
                 : state == proto::STATE_DEGRADED ? proto::REASON_TOO_SLOW
                                                  : proto::REASON_CONNECT_REFUSED);
  run.set_attempts(1 + static_cast<unsigned>(dice.below(2)));
  if (state != proto::STATE_UP) run.set_detail(fmt::format("found so {}", dice.below(3)));
  run.mutable_facts()->set_address(dice.one_in(10) ? "192.0.2.8" : "192.0.2.7");
  run.mutable_facts()->mutable_http()->set_status(state == proto::STATE_DOWN ? 503 : 200);

  const bool is_current = assigned.definition() == runner->assigned.definition();
  const bool changed = is_current && runner->last_state != state;
  if (is_current) runner->last_state = state;
  follows(*runner, run.slot(), run.slot(), false);
  record(std::move(run), changed);
  look(runner);
}

void SimulatedProbe::Process::look_again() {
  for (const auto& [id, runner] : runners)
    if (!runner->in_run) look_after(runner, Nanoseconds(0));
}

bool SimulatedProbe::Process::is_running() const {
  return std::any_of(runners.begin(), runners.end(), [](const auto& entry) { return entry.second->in_run; });
}

// Told to stop: as probe/serve.cpp and Reporter::finish() do it.
void SimulatedProbe::Process::leave(Instant runs_end) {
  const Instant now_is = self.host_.now();
  const bool waits_for_runs = is_running() && now_is < runs_end;
  if (!waits_for_runs && !is_flushed) perform(link.flush(now()));
  is_flushed = !waits_for_runs;
  const bool waits_for_counting = link.is_open() && !link.all_counted() && now_is < runs_end + kForTheLastResults;
  const bool hangs_up = !waits_for_runs && !waits_for_counting;
  if (hangs_up) shadow.flush();
  if (hangs_up && (shadow.is_settled() || now_is >= runs_end + 2 * kForTheLastResults)) return self.crash();
  self.world_.time.after(Milliseconds(100), &self.host_, [this, runs_end] { leave(runs_end); });
}

// --- The probe as the world sees it ---

SimulatedProbe::SimulatedProbe(World& world, Network& network, TrueBook& book, ControllerEnd& controller,
                               std::size_t number, Settings settings)
    : world_(world),
      network_(network),
      book_(book),
      controller_(controller),
      number_(number),
      settings_(std::move(settings)),
      host_(world.time),
      disk_(std::make_unique<SimulatedSpoolDisk>(world, host_)) {}

SimulatedProbe::~SimulatedProbe() = default;

void SimulatedProbe::start() {
  if (process_ && process_->finishing)  // systemd waits for the old one
    return world_.time.after(std::chrono::seconds(1), nullptr, [this] { start(); });
  if (process_) return;
  process_ = std::make_unique<Process>(*this);
  process_->take_up();
  process_->perform(process_->link.tick(process_->now()));
}

void SimulatedProbe::crash() {
  if (!process_) return;
  disk_->process_ends(book_.uncounted(process_->spool.id()), book_.counted(process_->spool.id()), name());
  host_.end_process();
  if (process_->connection) process_->connection->hang_up();
  world_.time.after(Nanoseconds(0), nullptr, [dead = std::move(process_)] {});
}

void SimulatedProbe::lose_power() {
  if (process_) disk_->loses_power();
  crash();
}

void SimulatedProbe::let_disk_fail(Nanoseconds time) { disk_->fail_until(world_.time.now() + time); }

void SimulatedProbe::terminate() {
  if (!process_ || process_->finishing) return;
  process_->finishing = true;
  process_->leave(host_.now() + kForRunsUnderWay);
}

void SimulatedProbe::stand_still(Nanoseconds time) { host_.stand_still_until(world_.time.now() + time); }

void SimulatedProbe::set_clock_by(Nanoseconds step) {
  host_.set_clock_by(step);
  // probe/loop_watch.h's ClockWatch looks every 50 ms.
  world_.time.after(world_.dice.between(Milliseconds(0), Milliseconds(50)), &host_, [this] {
    if (process_) process_->look_again();
  });
}

void SimulatedProbe::rest() { rests_ = true; }

void SimulatedProbe::go_on() {
  rests_ = false;
  if (process_) process_->look_again();
}

std::uint64_t SimulatedProbe::backlog() const {
  return process_ ? process_->spool.next_sequence() - process_->spool.first_sequence() : 0;
}

void SimulatedProbe::check_promises() const {
  if (!process_) return;
  const MemorySpool& spool = process_->spool;
  const std::uint64_t counted = book_.ever_consumed(spool.id());
  if (spool.first_sequence() > counted + 1)
    world_.chronicle.broken(fmt::format("{}: record {} is gone from the spool, and the controller counted only {}",
                                        name(), spool.first_sequence() - 1, counted));
  if (spool.next_sequence() != book_.made_in(spool.id()) + 1)
    world_.chronicle.broken(name() + ": the spool's sequences are not those of its records");
}

void SimulatedProbe::received(const proto::FromController& message) {
  process_->perform(process_->link.received(message, process_->now()));
}

void SimulatedProbe::closed(const std::string& why) {
  process_->perform(process_->link.closed(why, process_->now()));
}

}  // namespace parallax
