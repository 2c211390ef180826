#include "tests/unit/across/simulated_controller.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "controller/fleet.h"
#include "controller/kept_books.h"
#include "controller/kept_definitions.h"
#include "controller/recovery.h"
#include "tests/unit/across/simulated_journal.h"
#include "tests/unit/across/true_counting.h"

namespace parallax {
namespace {

constexpr std::chrono::seconds kTick(1);
constexpr std::uint64_t kEventsOfASnapshot = 400;  // so many make the next one due

// The controller's end of one stream: looks at what it promises the probe.
class WatchedStream final : public SessionStream {
 public:
  WatchedStream(World& world, TrueBook& book, Connection& connection)
      : world_(world), book_(book), connection_(connection.shared_from_this()) {}

  void heard(const proto::FromProbe& message) {
    if (message.has_hello()) spool_id_ = message.hello().spool_id();
  }
  void send(Outgoing outgoing) override {
    const proto::FromController& message = *outgoing;
    if (message.has_ack()) promised(message.ack().applied_sequence(), "acknowledged");
    if (message.has_welcome()) promised(message.welcome().applied_sequence(), "said to be applied in a welcome");
    if (message.has_reject())
      for (const std::uint64_t sequence : message.reject().sequence()) promised(sequence, "rejected");
    connection_->send_down(message);
  }
  void close(const std::string& why) override { connection_->finish(why); }

 private:
  void promised(std::uint64_t sequence, const char* how) {
    if (sequence > book_.ever_consumed(spool_id_))
      world_.chronicle.broken(fmt::format("sequence {} is {}, but only {} are durable and counted", sequence, how,
                                          book_.ever_consumed(spool_id_)));
  }

  World& world_;
  TrueBook& book_;
  std::shared_ptr<Connection> connection_;
  std::string spool_id_;
};

}  // namespace

// What dies with the process.
struct SimulatedController::Process {
  explicit Process(SimulatedController& controller);

  void recover();
  void put_in_force();
  void close_slots();
  void begin_snapshot();
  void go_on_with_snapshot();
  void end_snapshot();
  void leave_when_idle();

  // All that is counted goes through here: an entry that is durable in truth first, then by the ledger.
  class CountedJournal final : public Journal {
   public:
    explicit CountedJournal(Process& process) : process_(process) {}
    void append(JournalEntry entry, Durable durable) override;

   private:
    Process& process_;
  };

  SimulatedController& self;
  Log log;
  Ledger ledger;
  FleetBook fleet_book;
  AppliedSequences sequences;
  BookEvents events{ledger, sequences, fleet_book};
  SlowJournal disk;
  CountedJournal journal{*this};
  Fleet fleet;
  std::map<Fleet::SessionId, std::unique_ptr<WatchedStream>> streams;
  bool listens = false;
  bool closing_slots = false;
  bool is_leaving = false;

  // A snapshot that is being taken down, as controller/snapshots.cpp does it.
  std::optional<proto::KeptBooks> snapshot;
  std::uint64_t its_definitions = 0;
  std::string last_id;
};

SimulatedController::Process::Process(SimulatedController& controller)
    : self(controller),
      log(controller.host_, Log::Format::logfmt, Log::Level::error, controller.log_file_),
      disk(controller.world_, controller.host_, *controller.disk_, controller.disk_takes_),
      fleet(Books{ledger, fleet_book, journal, events, sequences, log, controller.host_}) {}

void SimulatedController::Process::CountedJournal::append(JournalEntry appended, Durable durable) {
  process_.disk.append(std::move(appended),
                       [&process = process_, durable = std::move(durable)](const JournalEntry& entry) mutable {
                         SimulatedController& controller = process.self;
                         if (controller.world_.chronicle.is_broken()) return;
                         controller.counting_->count(entry.event(), process.ledger);
                         controller.counted_event_ = entry.number;
                         durable(entry);
                         controller.counting_->compare_touched(process.ledger);
                       });
}

// A start: the snapshot, then the journal. What was durable and not yet counted when the process died is counted
// now.
void SimulatedController::Process::recover() {
  Refill refill(self.disk_->snapshot, {ledger, sequences, fleet_book, events});
  for (const JournalEntry& entry : self.disk_->events) {
    if (entry.number > self.counted_event_) {
      self.counting_->count(entry.event(), ledger);
      self.counted_event_ = entry.number;
    }
    refill.take(entry);
  }
  self.world_.chronicle.note("books are found again, with events behind the snapshot", self.names_.at(0).second,
                             static_cast<std::int64_t>(self.disk_->events.size()));
  if (events.last() > 0) self.check_everything();
}

void SimulatedController::Process::put_in_force() {
  JournalEntry entry(self.host_.wall());
  *entry.event().mutable_definitions() = to_kept(self.definitions_);
  journal.append(std::move(entry), [this](const JournalEntry& durable) {
    events.apply(durable);
    fleet.apply_definitions(events.definitions());
    listens = !is_leaving;
  });
}

void SimulatedController::Process::close_slots() {
  if (closing_slots || !ledger.has_to_tick(self.host_.wall())) return;
  closing_slots = true;
  JournalEntry entry(self.host_.wall());
  entry.event().mutable_time_passed();
  journal.append(std::move(entry), [this](const JournalEntry& durable) {
    events.apply(durable);
    closing_slots = false;
  });
}

// --- Snapshots ---

void SimulatedController::Process::begin_snapshot() {
  snapshot = kept_without_checks(ledger, sequences, fleet_book);
  snapshot->set_event(events.last());
  *snapshot->mutable_definitions() = to_kept(*events.definitions());
  its_definitions = events.last_definitions();
  last_id.clear();
  go_on_with_snapshot();
}

void SimulatedController::Process::go_on_with_snapshot() {
  if (its_definitions != events.last_definitions()) return begin_snapshot();
  auto check = ledger.checks().upper_bound(last_id);
  for (std::uint64_t slice = 1 + self.world_.dice.below(6); check != ledger.checks().end() && slice > 0; ++check) {
    auto& one = *snapshot->add_check();
    one = kept_check(check->second);
    one.set_event(events.last());
    last_id = check->first;
    --slice;
  }
  const bool is_whole = check == ledger.checks().end();
  self.world_.time.after(self.world_.dice.between(Nanoseconds(0), Milliseconds(500)), &self.host_,
                         [this, is_whole] { is_whole ? end_snapshot() : go_on_with_snapshot(); });
}

void SimulatedController::Process::end_snapshot() {
  self.disk_->snapshot.ParseFromString(snapshot->SerializeAsString());
  self.disk_->forget_up_to(snapshot->event());
  snapshot.reset();
}

void SimulatedController::Process::leave_when_idle() {
  if (disk.is_idle() && !snapshot) return self.crash();
  self.world_.time.after(Milliseconds(10), &self.host_, [this] { leave_when_idle(); });
}

// --- The controller as the world sees it ---

SimulatedController::SimulatedController(World& world, TrueBook& book, const Definitions& definitions)
    : world_(world),
      book_(book),
      definitions_(definitions),
      host_(world.time),
      log_file_(std::fopen("/dev/null", "w")),
      counting_(std::make_unique<TrueCounting>(world, book, host_)),
      disk_(std::make_unique<SimulatedDisk>()) {}

SimulatedController::~SimulatedController() {
  process_.reset();
  std::fclose(log_file_);
}

void SimulatedController::knows(std::size_t probe, const std::string& location, const std::string& name) {
  names_[probe] = {location, name};
}

void SimulatedController::start() {
  // One that was told to stop and has not ended yet is killed: who starts it again does not wait.
  if (process_ && process_->is_leaving) crash();
  if (process_) return;
  process_ = std::make_unique<Process>(*this);
  process_->recover();
  process_->put_in_force();
  tick();
}

void SimulatedController::tick() {
  process_->close_slots();
  process_->fleet_book.tick(host_.wall());
  process_->fleet.tick();
  counting_->compare_slots(process_->ledger);
  if (disk_->events.size() > kEventsOfASnapshot && !process_->snapshot && !process_->is_leaving)
    process_->begin_snapshot();
  world_.time.after(kTick, &host_, [this] { tick(); });
}

void SimulatedController::reload() {
  if (process_) process_->put_in_force();
}

void SimulatedController::crash() {
  if (!process_) return;
  host_.end_process();
  process_->listens = false;
  world_.time.after(Nanoseconds(0), nullptr, [dead = std::shared_ptr<Process>(std::move(process_))] {});
}

void SimulatedController::leave() {
  if (!process_ || process_->is_leaving) return;
  process_->is_leaving = true;
  process_->listens = false;
  process_->fleet.drain();
  world_.time.after(Milliseconds(500), &host_, [this] {
    if (!process_->snapshot) process_->begin_snapshot();
    process_->leave_when_idle();
  });
}

void SimulatedController::set_disk(Nanoseconds most) {
  disk_takes_ = most;
  if (process_) process_->disk.take(most);
}

void SimulatedController::check_everything() {
  if (!process_) return;
  counting_->compare_slots(process_->ledger);
  counting_->compare_all(process_->ledger);
}

void SimulatedController::check_nothing_is_shown() const { counting_->nothing_is_shown(process_->ledger); }

std::size_t SimulatedController::connected() const { return process_->fleet.connected().size(); }

bool SimulatedController::listens() const { return process_ && process_->listens; }

std::uint64_t SimulatedController::opened(Connection& connection) {
  auto stream = std::make_unique<WatchedStream>(world_, book_, connection);
  const auto& [location, name] = names_.at(connection.probe());
  const auto id = process_->fleet.open(Identity{location, name}, name, *stream);
  process_->streams[id] = std::move(stream);
  return id;
}

void SimulatedController::received(std::uint64_t stream, const proto::FromProbe& message) {
  process_->streams.at(stream)->heard(message);
  process_->fleet.receive(stream, message);
}

void SimulatedController::closed(std::uint64_t stream, const std::string& why) {
  process_->fleet.closed(stream, why);
  process_->streams.erase(stream);
}

}  // namespace parallax
