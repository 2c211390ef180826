#include "controller/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/wire.h"

namespace parallax {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FleetTest : public ::testing::Test {
 protected:
  FleetTest() { clock.pass(seconds(60)); }
  ~FleetTest() override { std::fclose(log_file); }

  Fleet::SessionId connect(const Identity& who, RememberingStream& to, const std::string& peer, char spool) {
    const auto id = fleet.open(who, peer, to);
    fleet.receive(id, hello(spool, 1, 1));
    return id;
  }
  void beat(Fleet::SessionId id) {
    proto::FromProbe message;
    message.mutable_heartbeat()->set_clock_us(unix_us(clock.wall()));
    fleet.receive(id, message);
  }
  void pass(seconds time) {
    for (seconds t(0); t < time; t += seconds(1)) {
      clock.pass(seconds(1));
      fleet.tick();
    }
  }

  std::FILE* log_file = std::tmpfile();
  HandClock clock;
  Log log{clock, Log::Format::logfmt, Log::Level::debug, log_file};
  Ledger ledger;
  FleetBook book;
  MemoryJournal journal;
  AppliedSequences sequences;
  BookEvents events{ledger, sequences, book};
  Fleet fleet{Books{ledger, book, journal, events, sequences, log, clock}};
  const Identity probe = probe_at("a");
  RememberingStream older;
  RememberingStream newer;
};

TEST_F(FleetTest, ShowsAProbeThatIsThereAndOneThatWent) {
  const auto id = connect(probe, older, "192.0.2.7:1", 's');
  EXPECT_TRUE(book.probes().at(probe).connected);
  ASSERT_EQ(fleet.connected().size(), 1u);
  fleet.closed(id, "gone");
  EXPECT_FALSE(book.probes().at(probe).connected);
  EXPECT_TRUE(fleet.connected().empty());
}

TEST_F(FleetTest, DropsAProbeThatIsSilentAndKeepsOneThatBeats) {
  connect(probe, older, "192.0.2.7:1", 's');
  const auto beating = connect(probe_at("b"), newer, "192.0.2.8:1", 's');
  for (int i = 0; i < 3; ++i) {
    pass(seconds(9));
    beat(beating);
  }
  EXPECT_THAT(older.closed, HasSubstr("silent for 1"));
  EXPECT_THAT(newer.closed, IsEmpty());
}

TEST_F(FleetTest, BeatsEveryTenSeconds) {
  connect(probe, older, "192.0.2.7:1", 's');
  pass(seconds(19));
  int beats = 0;
  for (const auto& message : older.sent) beats += message.has_heartbeat();
  EXPECT_EQ(beats, 2);
}

TEST_F(FleetTest, LetsAReconnectTakeOverWithoutAConflict) {
  const auto first = connect(probe, older, "192.0.2.7:1", 's');
  pass(seconds(5));
  connect(probe, newer, "192.0.2.7:2", 's');
  fleet.closed(first, "reset");  // the dead connection is noticed late
  EXPECT_TRUE(book.probes().at(probe).connected);
  EXPECT_FALSE(book.probes().at(probe).identity_conflict);
  EXPECT_EQ(fleet.connected().size(), 1u);
}

TEST_F(FleetTest, ShowsTwoLivingProbesOfOneIdentityAndTellsTheOlder) {
  const auto first = connect(probe, older, "192.0.2.7:1", 's');
  connect(probe, newer, "192.0.2.99:1", 't');
  pass(seconds(5));
  beat(first);
  EXPECT_TRUE(book.probes().at(probe).identity_conflict);
  EXPECT_THAT(older.closed, HasSubstr("another living probe at 192.0.2.99:1 has the same certificate name"));
  EXPECT_THAT(newer.closed, IsEmpty());
}

TEST_F(FleetTest, EndsTheConflictWhenItWasQuietForTwoMinutes) {
  const auto first = connect(probe, older, "192.0.2.7:1", 's');
  const auto second = connect(probe, newer, "192.0.2.99:1", 't');
  pass(seconds(5));
  beat(first);
  fleet.closed(first, "");
  for (int i = 0; i < 13; ++i) {
    EXPECT_TRUE(book.probes().at(probe).identity_conflict) << i;
    pass(seconds(9));
    beat(second);
  }
  pass(seconds(9));
  EXPECT_FALSE(book.probes().at(probe).identity_conflict);
}

TEST_F(FleetTest, CountsNothingOfASessionThatWasTakenOver) {
  const DefinedCheck check = http_check("shop", "health", {"a"});
  ledger.apply_definitions(shared(set_of({check})), kStart);
  fleet.apply_definitions(shared(set_of({check})));
  const auto first = connect(probe, older, "192.0.2.7:1", 's');
  connect(probe, newer, "192.0.2.7:2", 's');
  proto::FromProbe batch;
  batch.mutable_batch()->set_first_sequence(1);
  add_row(*batch.mutable_batch(), older.assignment().check(0).number(),
          run_of(check, grid_of(check).current(kStart), proto::STATE_UP));
  fleet.receive(first, batch);
  EXPECT_EQ(older.acknowledged(), 0u);
  EXPECT_THAT(older.closed, HasSubstr("took over"));
}

TEST_F(FleetTest, LetsNoHelloThatIsLateTakeOverFromTheSessionThatFollowedIt) {
  const DefinedCheck check = http_check("shop", "health", {"a"});
  ledger.apply_definitions(shared(set_of({check})), kStart);
  fleet.apply_definitions(shared(set_of({check})));
  const auto living = fleet.open(probe, "192.0.2.7:2", newer);
  fleet.receive(living, hello('s', 1, 5));
  fleet.receive(fleet.open(probe, "192.0.2.7:1", older), hello('s', 1, 4));
  EXPECT_THAT(older.closed, HasSubstr("late"));
  proto::FromProbe batch;
  batch.mutable_batch()->set_first_sequence(1);
  add_row(*batch.mutable_batch(), newer.assignment().check(0).number(),
          run_of(check, grid_of(check).current(kStart), proto::STATE_UP));
  fleet.receive(living, batch);
  EXPECT_EQ(newer.acknowledged(), 1u);
  EXPECT_THAT(newer.closed, IsEmpty());
}

TEST_F(FleetTest, TakesASpoolThatTellsOfLessOnceNoSessionOfItIsOpen) {
  const auto before = fleet.open(probe, "192.0.2.7:1", older);
  fleet.receive(before, hello('s', 1, 5));
  fleet.closed(before, "reset");
  fleet.receive(fleet.open(probe, "192.0.2.7:2", newer), hello('s', 1, 4));  // a machine put back to a snapshot
  EXPECT_THAT(newer.closed, IsEmpty());
}

TEST_F(FleetTest, RemembersWhatItSentToAProbeThatComesBackAfterTheDefinitionsChanged) {
  const auto with = [](const char* method) {
    std::vector<DefinedCheck> checks;
    for (int i = 0; i < 40; ++i) {
      checks.push_back(http_check("shop", "check-with-a-name-of-some-length-" + std::to_string(i), {"a"}));
      checks.back().check.mutable_http()->set_method(method);
      checks.back().fingerprint = fingerprint(checks.back().check);
    }
    return shared(set_of(checks));
  };
  fleet.apply_definitions(with("GET"));
  RememberingStream two;
  connect({"a", "two"}, two, "192.0.2.8:1", 't');
  connect({"a", "one"}, older, "192.0.2.7:1", 's');
  proto::FromProbe second_hello = hello('s', 1, 1);
  for (int i = 0; i < 3; ++i) fleet.receive(2, second_hello);  // its session is closed; its stream is not gone yet
  ASSERT_THAT(older.closed, HasSubstr("a second hello"));
  fleet.apply_definitions(with("HEAD"));
  connect({"a", "one"}, newer, "192.0.2.7:2", 's');
  EXPECT_EQ(newer.assignment().check_size() + two.assignment().check_size(), 40);
}

TEST_F(FleetTest, SpreadsALocationsChecksOverItsProbesAndBack) {
  std::vector<DefinedCheck> checks;
  for (int i = 0; i < 40; ++i) checks.push_back(http_check("shop", "check-" + std::to_string(i), {"a"}));
  fleet.apply_definitions(shared(set_of(checks)));
  connect({"a", "one"}, older, "192.0.2.7:1", 's');
  EXPECT_EQ(older.assignment().check_size(), 40);
  const auto two = connect({"a", "two"}, newer, "192.0.2.8:1", 't');
  EXPECT_EQ(older.assignment().check_size() + newer.assignment().check_size(), 40);
  EXPECT_GT(newer.assignment().check_size(), 8);
  EXPECT_GT(older.assignment().check_size(), 8);
  fleet.closed(two, "gone");
  EXPECT_EQ(older.assignment().check_size(), 40);
}

TEST_F(FleetTest, TellsAllToComeBackLaterWhenItStops) {
  connect(probe, older, "192.0.2.7:1", 's');
  fleet.drain();
  EXPECT_TRUE(older.sent.back().has_drain());
  EXPECT_GE(older.sent.back().drain().reconnect_max_ms(), 2000u);
  EXPECT_THAT(older.closed, HasSubstr("stops"));
}

}  // namespace
}  // namespace parallax
