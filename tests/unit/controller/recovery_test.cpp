// What a controller that was killed shows at its next start: the very counters it had shown.
#include "controller/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <random>

#include "tests/unit/controller/controller_life.h"
#include "tests/unit/definitions/folder.h"

namespace parallax {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A probe's end, with a spool that loses nothing.
struct ProbeEnd {
  explicit ProbeEnd(std::string at, char spool) : location(std::move(at)), spool_id(spool) {}

  void connect(Life& life) {
    stream = RememberingStream();
    const std::uint64_t acknowledged = counted;
    id = life.fleet->open(probe_at(location), "192.0.2.7:4711", stream);
    life.fleet->receive(id, hello(spool_id, acknowledged + 1, next));
    life.settle();
    next = std::max(next, stream.welcome().applied_sequence() + 1);
  }
  void send(Life& life, proto::FromProbe message) const { life.fleet->receive(id, message); }

  std::string location;
  char spool_id;
  RememberingStream stream;
  Fleet::SessionId id = 0;
  std::uint64_t next = 1;
  std::uint64_t counted = 0;
};

class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest() { begin_life(); }
  ~RecoveryTest() override {
    life.reset();
    std::fclose(log_file);
  }

  void begin_life() { life.emplace(folder.path(), log, clock); }
  void kill_and_begin_again() {
    life.reset();
    begin_life();
  }
  // One run of `check` by the probe, in its next slot.
  void run(ProbeEnd& probe, const DefinedCheck& check, proto::State state) {
    for (const auto& assigned : probe.stream.assignment().check()) {
      if (assigned.check().id() != check.check.id()) continue;
      proto::FromProbe message;
      message.mutable_batch()->set_first_sequence(probe.next++);
      add_row(*message.mutable_batch(), assigned.number(), run_of(check, ++slot[check.check.id()], state));
      probe.send(*life, message);
    }
  }
  void declare(ProbeEnd& probe, const DefinedCheck& check, proto::Gap::Cause cause) {
    proto::FromProbe message;
    auto& gap = *message.mutable_gap();
    gap.set_first_sequence(probe.next);
    gap.set_last_sequence(probe.next++);
    gap.set_cause(cause);
    auto& one = *gap.add_check();
    one.set_check_id(check.check.id());
    one.add_slot(++slot[check.check.id()]);
    probe.send(*life, message);
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder.path()))
      names.push_back(entry.path().filename().string());
    return names;
  }

  Folder folder;
  std::FILE* log_file = std::tmpfile();
  HandClock clock;
  Log log{clock, Log::Format::logfmt, Log::Level::debug, log_file};
  std::optional<Life> life;
  const DefinedCheck health = http_check("shop", "health", {"a", "b"});
  const DefinedCheck edge = ping_check("crm", "edge", {"a"});
  std::map<std::string, std::int64_t> slot = {{"shop/health", grid_of(health).current(kStart)},
                                              {"crm/edge", grid_of(edge).current(kStart)}};
};

TEST_F(RecoveryTest, ShowsTheVeryCountersOfBeforeTheCrash) {
  std::mt19937 dice(4711);
  ProbeEnd a("a", 's');
  ProbeEnd b("b", 't');
  life->put_in_force(set_of({health, edge}));
  for (int crash = 0; crash < 40; ++crash) {
    a.connect(*life);
    b.connect(*life);
    for (int step = 0; step < 12; ++step) {
      clock.pass(Milliseconds(dice() % 9000));
      const auto state = static_cast<proto::State>(1 + dice() % 4);
      switch (dice() % 8) {
        case 0:
          life->let_time_pass();
          break;
        case 1:
          declare(a, edge, proto::Gap::OVERRUN);
          break;
        case 2:
          run(b, health, state);
          break;
        case 3: {
          auto other = edge;
          other.check.set_timeout_ms(5000 + dice() % 3);
          other.fingerprint = fingerprint(other.check);
          if (dice() % 4 == 0) life->put_in_force(dice() % 2 ? set_of({health, other}) : set_of({health, edge}));
          break;
        }
        case 4:
          if (dice() % 3 == 0) life->write_snapshot();
          break;
        default:
          run(a, dice() % 2 ? health : edge, state);
      }
    }
    life->settle();
    const std::string shown = life->page();
    kill_and_begin_again();
    ASSERT_EQ(life->page(), shown) << "after crash " << crash;
  }
}

TEST_F(RecoveryTest, CountsOnceWhatWasSentAgainAfterACrash) {
  ProbeEnd a("a", 's');
  life->put_in_force(set_of({health}));
  a.connect(*life);
  for (int i = 0; i < 3; ++i) run(a, health, proto::STATE_UP);
  life->settle();
  kill_and_begin_again();  // the acknowledgement did not arrive
  a.next = 4;
  a.connect(*life);
  EXPECT_EQ(a.stream.welcome().applied_sequence(), 3u);
}

TEST_F(RecoveryTest, NeverAcknowledgesWhatIsNotDurable) {
  ProbeEnd a("a", 's');
  life->put_in_force(set_of({health}));
  a.connect(*life);
  run(a, health, proto::STATE_UP);
  EXPECT_EQ(a.stream.acknowledged(), 0u);  // the loop had no turn yet
  EXPECT_THAT(life->page(),
              HasSubstr("parallax_runs_total{service=\"shop\",check=\"health\",location=\"a\",zone=\"zone-a\","
                        "instance=\"https://shop.example/health\",outcome=\"up\",arrival=\"fresh\"} 0\n"));
  life->settle();
  EXPECT_EQ(a.stream.acknowledged(), 1u);
}

TEST_F(RecoveryTest, TakesASnapshotInSlicesWhileResultsComeIn) {
  std::vector<DefinedCheck> checks;
  for (int i = 0; i < 30; ++i) checks.push_back(http_check("shop", "c" + std::to_string(i), {"a"}));
  for (const auto& check : checks) slot[check.check.id()] = grid_of(check).current(kStart);
  ProbeEnd a("a", 's');
  life->put_in_force(set_of(checks));
  a.connect(*life);
  for (const auto& check : checks) run(a, check, proto::STATE_UP);
  life->settle();

  life->tasks.spawn("snapshot", life->snapshots->write());
  std::size_t turn = 0;
  do {
    life->loop.run_one();
    if (turn < 60) run(a, checks[++turn * 7 % checks.size()], proto::STATE_DOWN);
  } while (life->snapshots->is_writing());
  life->settle();
  clock.pass(seconds(200));
  life->let_time_pass();
  life->settle();

  const std::string shown = life->page();
  kill_and_begin_again();
  EXPECT_EQ(life->page(), shown);
}

TEST_F(RecoveryTest, KeepsWhatWasUnexpectedWhileASnapshotWasTaken) {
  std::vector<DefinedCheck> checks;
  for (int i = 0; i < 30; ++i) checks.push_back(http_check("shop", "c" + std::to_string(i), {"a"}));
  life->put_in_force(set_of(checks));
  ProbeEnd b("b", 's');
  b.connect(*life);

  life->tasks.spawn("snapshot", life->snapshots->write());
  do {
    life->loop.run_one();
    if (b.next > 20) continue;
    proto::FromProbe message;
    auto& named = *message.mutable_batch()->add_named();
    named.set_number(1u << 31);
    named.set_check_id("shop/c9");  // the last in order, and not for b
    message.mutable_batch()->set_first_sequence(b.next++);
    add_row(*message.mutable_batch(), 1u << 31,
            run_of(checks[9], grid_of(checks[9]).current(kStart), proto::STATE_UP));
    b.send(*life, message);
  } while (life->snapshots->is_writing());
  life->settle();

  const auto unexpected = life->ledger.unexpected().at("b");
  EXPECT_EQ(unexpected[proto::Reject::NOT_EXPECTED - 1], 20u);
  kill_and_begin_again();
  EXPECT_EQ(life->ledger.unexpected().at("b"), unexpected);
}

TEST_F(RecoveryTest, BeginsASnapshotAnewWhenDefinitionsComeInBetween) {
  life->put_in_force(set_of({health, edge}));
  ProbeEnd a("a", 's');
  a.connect(*life);
  run(a, edge, proto::STATE_UP);
  life->settle();
  life->tasks.spawn("snapshot", life->snapshots->write());
  life->loop.run_one();  // the first slice: crm/edge
  life->put_in_force(set_of({health}));
  while (life->snapshots->is_writing()) life->loop.run_one();
  const std::string shown = life->page();
  kill_and_begin_again();
  EXPECT_EQ(life->page(), shown);
}

TEST_F(RecoveryTest, ReadsOnlyTheJournalBehindTheSnapshot) {
  ProbeEnd a("a", 's');
  life->put_in_force(set_of({health}));
  a.connect(*life);
  for (int i = 0; i < 5; ++i) run(a, health, proto::STATE_UP);
  life->settle();
  life->write_snapshot();
  const std::uint64_t in_snapshot = life->events.last();
  run(a, health, proto::STATE_UP);  // with it the journal forgets what is in the snapshot
  life->settle();
  life.reset();

  auto database = Database::open(journal_file(folder.path()));
  ASSERT_TRUE(database.has_value());
  auto rows = database->prepare("SELECT count(*), min(number) FROM event");
  ASSERT_TRUE(rows.has_value() && rows->step().value());
  EXPECT_EQ(rows->number(0), 1);
  EXPECT_EQ(rows->number(1), static_cast<std::int64_t>(in_snapshot + 1));
}

TEST_F(RecoveryTest, ForgetsAsManyEventsAsItAppendsHoweverFewTheCommits) {
  life->put_in_force(set_of({health}));
  for (int i = 0; i < 2000; ++i) life->let_time_pass();
  life->settle();
  life->write_snapshot();
  for (int i = 0; i < 2000; ++i) life->let_time_pass();
  life->settle();
  const std::uint64_t last = life->events.last();
  life.reset();

  auto database = Database::open(journal_file(folder.path()));
  ASSERT_TRUE(database.has_value());
  auto rows = database->prepare("SELECT count(*) FROM event");
  ASSERT_TRUE(rows.has_value() && rows->step().value());
  EXPECT_EQ(rows->number(0), 2000) << "of " << last << " events";
}

TEST_F(RecoveryTest, StillMissesAProbeThatWasThereBeforeTheCrash) {
  life->put_in_force(set_of({health}));
  ProbeEnd a("a", 's');
  a.connect(*life);
  kill_and_begin_again();
  ASSERT_THAT(life->book.probes(), SizeIs(1));
  EXPECT_FALSE(life->book.probes().begin()->second.connected);
  EXPECT_TRUE(life->fleet->forget("probe-a"));
  life->settle();
  kill_and_begin_again();
  EXPECT_THAT(life->book.probes(), IsEmpty());
}

TEST_F(RecoveryTest, BeginsAtZeroWhenTheSnapshotOrTheJournalIsDamaged) {
  for (const bool journal_too : {false, true}) {
    ProbeEnd a("a", journal_too ? 't' : 's');
    life->put_in_force(set_of({health}));
    a.connect(*life);
    run(a, health, proto::STATE_UP);
    life->settle();
    life->write_snapshot();
    run(a, health, proto::STATE_UP);
    life->settle();
    life.reset();
    const fs::path damaged = journal_too ? journal_file(folder.path()) : snapshot_file(folder.path());
    std::fstream(damaged, std::ios::in | std::ios::out | std::ios::binary).seekp(20) << "damage here and there";
    begin_life();
    EXPECT_EQ(life->refused, "");
    EXPECT_THAT(life->ledger.checks(), IsEmpty());  // no counter at all is less than what was shown
    EXPECT_EQ(life->events.last(), 0u);
    const auto left = files();
    const auto is_aside = [](const auto& name) { return name.starts_with("books.kept.damaged-"); };
    EXPECT_EQ(std::ranges::count_if(left, is_aside), journal_too ? 2 : 1);
    clock.pass(seconds(1));
  }
}

TEST_F(RecoveryTest, RefusesAStateDirectoryThatAnotherControllerUses) {
  const Life second(folder.path(), log, clock);
  EXPECT_THAT(second.refused, HasSubstr("is in use by another controller"));
}

TEST_F(RecoveryTest, WaitsWhileTheDiskIsFullAndCountsWhenThereIsRoom) {
  ProbeEnd a("a", 's');
  life->put_in_force(set_of({health}));
  a.connect(*life);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tiny{.rlim_cur = 1024, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tiny), 0);
  run(a, health, proto::STATE_UP);
  while (!life->journal->is_failing()) life->loop.run_one();
  EXPECT_EQ(a.stream.acknowledged(), 0u);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  life->settle();
  EXPECT_EQ(a.stream.acknowledged(), 1u);
  EXPECT_FALSE(life->journal->is_failing());
}

}  // namespace
}  // namespace parallax
