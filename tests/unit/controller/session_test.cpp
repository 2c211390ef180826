#include "controller/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/controller/wire.h"

namespace parallax {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One check at locations a and b; the probe of the session is at a.
class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    const Definitions set = set_of({check});
    ledger.apply_definitions(shared(set), kStart);
    fleet.apply_definitions(shared(set));
    slot = grid_of(check).current(kStart);
    clock.pass(seconds(60));
  }
  ~SessionTest() override { std::fclose(log_file); }

  // Opens a session and says hello.
  Fleet::SessionId connect(RememberingStream& to, char spool = 's', std::uint64_t first = 1,
                           std::uint64_t next = 1) {
    const auto id = fleet.open(probe_at("a"), "192.0.2.7:4711", to);
    fleet.receive(id, hello(spool, first, next));
    return id;
  }
  // A batch of `rows` runs of the check, each in a slot of its own.
  proto::FromProbe batch(std::uint64_t first, int rows, const RememberingStream& of) {
    proto::FromProbe message;
    message.mutable_batch()->set_first_sequence(first);
    for (int i = 0; i < rows; ++i)
      add_row(*message.mutable_batch(), number(of), run_of(check, slot++, proto::STATE_UP));
    return message;
  }
  static std::uint32_t number(const RememberingStream& of) { return of.assignment().check(0).number(); }
  const PlaceCounters& counters() const { return ledger.checks().at("shop/health").places.at(0).counters; }
  std::uint64_t runs() const {
    std::uint64_t all = 0;
    for (const auto& counts : {counters().fresh_runs, counters().late_runs})
      for (const std::uint64_t count : counts) all += count;
    return all;
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
  DefinedCheck check = http_check("shop", "health", {"a", "b"});
  std::int64_t slot = 0;
  RememberingStream stream;
};

TEST_F(SessionTest, WelcomesAndAssignsWhatTheCertificatesLocationRuns) {
  connect(stream);
  EXPECT_EQ(stream.welcome().location(), "a");
  EXPECT_EQ(stream.welcome().probe(), "probe-a");
  EXPECT_EQ(stream.welcome().applied_sequence(), 0u);
  ASSERT_EQ(stream.assignment().check_size(), 1);
  EXPECT_TRUE(stream.assignment().whole() && stream.assignment().complete());
  EXPECT_EQ(stream.assignment().check(0).location_index(), 0u);
  EXPECT_EQ(stream.assignment().check(0).location_count(), 2u);
}

TEST_F(SessionTest, TellsUpToWhereTheBooksHaveAccounted) {
  const std::int64_t since = grid_of(check).current(kStart);
  const auto id = connect(stream);
  EXPECT_EQ(stream.assignment().check(0).accounted_slot(), since) << "nothing is expected before the first slot";
  slot = since + 1;
  clock.pass(seconds(60));
  fleet.receive(id, batch(1, 3, stream));
  fleet.closed(id, "cut");
  RememberingStream again;
  connect(again);
  EXPECT_EQ(again.assignment().check(0).accounted_slot(), since + 3);
  fleet.apply_definitions(shared(set_of({check})));
  EXPECT_EQ(again.sent.size(), 2u) << "what the books have changes no assignment";
}

// A probe ran on, and was killed when its newest results were here and its word on the slots before them was not.
TEST_F(SessionTest, TellsOfAHoleThatNobodyHasAccountedFor) {
  const std::int64_t since = grid_of(check).current(kStart);
  slot = since + 1;
  clock.pass(seconds(600));
  const auto id = connect(stream);
  fleet.receive(id, batch(1, 3, stream));
  slot += 20;
  fleet.receive(id, batch(4, 3, stream));
  fleet.closed(id, "killed");
  RememberingStream again;
  connect(again);
  EXPECT_EQ(again.assignment().check(0).accounted_slot(), since + 3);
}

// Two probes of one location: a check that goes from one that lives to the other has results on their way, one
// that was left by a probe that is gone has not.
TEST_F(SessionTest, DoesNotTellItWhereALivingProbeMayHaveMore) {
  std::vector<DefinedCheck> many;
  for (int i = 0; i < 30; ++i) many.push_back(http_check("shop", "c" + std::to_string(i), {"a"}));
  ledger.apply_definitions(shared(set_of(many)), kStart);
  fleet.apply_definitions(shared(set_of(many)));
  RememberingStream other;
  const auto of_other = fleet.open({"a", "another"}, "192.0.2.8:4711", other);
  fleet.receive(of_other, hello('o', 1, 1));
  ASSERT_EQ(other.assignment().check_size(), 30);
  for (const auto& assigned : other.assignment().check()) EXPECT_TRUE(assigned.has_accounted_slot());
  const auto id = connect(stream);
  ASSERT_GT(stream.assignment().check_size(), 5);
  for (const auto& assigned : stream.assignment().check()) EXPECT_FALSE(assigned.has_accounted_slot());
  fleet.closed(id, "killed");
  ASSERT_EQ(other.assignment().check_size(), 30);
  for (const auto& assigned : other.assignment().check())
    EXPECT_TRUE(assigned.has_accounted_slot()) << assigned.check().id() << ": nobody else can have run it now";
}

TEST_F(SessionTest, ASlotOfAFormerIntervalIsTakenByItsOwnGridAfterAControllersRestart) {
  const auto id = connect(stream);
  const std::int64_t current = grid_of(check).current(kStart);
  proto::FromProbe message;
  auto& sent = *message.mutable_batch();
  sent.set_first_sequence(1);
  auto& named = *sent.add_named();
  named.set_number(1u << 31);
  named.set_check_id("shop/health");
  named.set_definition(4711);  // this controller never had it
  named.set_every_ms(30'000);
  // The same number of a slot, of another grid: another moment.
  auto of_former = run_of(check, current / 2, proto::STATE_UP);
  of_former.set_started_us(unix_us(kStart));
  add_row(sent, 1u << 31, of_former);
  fleet.receive(id, message);
  proto::FromProbe of_now;
  of_now.mutable_batch()->set_first_sequence(2);
  add_row(*of_now.mutable_batch(), number(stream), run_of(check, current, proto::STATE_UP));
  fleet.receive(id, of_now);
  EXPECT_EQ(runs(), 2u);
  const auto& accounted = ledger.checks().at("shop/health").places.at(0).accounted;
  EXPECT_TRUE(accounted.at(30'000).contains(current / 2));
  EXPECT_FALSE(accounted.at(15'000).contains(current / 2));
}

TEST_F(SessionTest, CountsABatchAndAcknowledgesIt) {
  const auto id = connect(stream);
  fleet.receive(id, batch(1, 3, stream));
  EXPECT_EQ(runs(), 3u);
  EXPECT_EQ(stream.acknowledged(), 3u);
}

TEST_F(SessionTest, DropsWhatIsCountedAlready) {
  const auto id = connect(stream);
  const auto first = batch(1, 3, stream);
  fleet.receive(id, first);
  fleet.receive(id, first);
  EXPECT_EQ(runs(), 3u);
  EXPECT_EQ(stream.acknowledged(), 3u);
}

TEST_F(SessionTest, CountsOnlyTheNewRowsOfABatchThatOverlaps) {
  const auto id = connect(stream);
  auto both = batch(1, 2, stream).batch();
  proto::FromProbe first;
  first.mutable_batch()->set_first_sequence(1);
  add_row(*first.mutable_batch(), number(stream), run_of(check, slot - 2, proto::STATE_UP));
  fleet.receive(id, first);
  proto::FromProbe overlapping;
  *overlapping.mutable_batch() = both;
  fleet.receive(id, overlapping);
  EXPECT_EQ(runs(), 2u);
  EXPECT_EQ(counters().duplicates, 0u);
  EXPECT_EQ(stream.acknowledged(), 2u);
}

TEST_F(SessionTest, NeverGuessesAHoleButHasTheProbeResume) {
  const auto id = connect(stream);
  fleet.receive(id, batch(1, 1, stream));
  fleet.receive(id, batch(3, 1, stream));
  EXPECT_EQ(runs(), 1u);
  EXPECT_THAT(stream.closed, HasSubstr("sequence 3 came where 2 was due"));
  fleet.closed(id, "");
  RememberingStream again;
  connect(again, 's', 2, 4);
  EXPECT_EQ(again.welcome().applied_sequence(), 1u);
}

TEST_F(SessionTest, ResumesWhereItAcknowledgedWithAGreaterFence) {
  const auto id = connect(stream);
  fleet.receive(id, batch(1, 5, stream));
  fleet.closed(id, "cut");
  RememberingStream again;
  connect(again, 's', 4, 8);  // two acknowledgements were lost on the way
  EXPECT_EQ(again.welcome().applied_sequence(), 5u);
  EXPECT_GT(again.welcome().fence(), stream.welcome().fence());
}

TEST_F(SessionTest, TakesUpAnUnknownSpoolWhereItBegins) {
  connect(stream, 'n', 41, 50);
  EXPECT_EQ(stream.welcome().applied_sequence(), 40u);
}

TEST_F(SessionTest, TakesSequencesAgainWhenASpoolCameBackFromAnOlderState) {
  const auto id = connect(stream);
  fleet.receive(id, batch(1, 5, stream));
  fleet.closed(id, "power cut");
  RememberingStream again;
  const auto next = connect(again, 's', 1, 3);  // its disk lost 3 to 5 and will use them anew
  EXPECT_EQ(again.welcome().applied_sequence(), 2u);
  fleet.receive(next, batch(3, 1, again));
  EXPECT_EQ(runs(), 6u);
}

TEST_F(SessionTest, RejectsAndCountsAResultThatIsNotExpectedThere) {
  const auto id = connect(stream);
  proto::FromProbe message;
  auto* named = message.mutable_batch()->add_named();
  named->set_number(1u << 31);
  named->set_check_id("shop/stolen");
  message.mutable_batch()->set_first_sequence(1);
  add_row(*message.mutable_batch(), 1u << 31, run_of(check, slot, proto::STATE_UP));
  fleet.receive(id, message);
  ASSERT_EQ(stream.rejects().size(), 1u);
  EXPECT_EQ(stream.rejects()[0].cause(), proto::Reject::NOT_EXPECTED);
  EXPECT_EQ(stream.rejects()[0].sequence(0), 1u);
  EXPECT_EQ(stream.acknowledged(), 1u);  // consumed: it does not come again
  EXPECT_EQ(ledger.unexpected().at("a")[proto::Reject::NOT_EXPECTED - 1], 1u);
  EXPECT_THAT(stream.closed, IsEmpty());
}

TEST_F(SessionTest, ConsumesAMalformedBatchAndClosesAfterThree) {
  const auto id = connect(stream);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    EXPECT_THAT(stream.closed, IsEmpty()) << sequence;
    auto bad = batch(sequence, 1, stream);
    bad.mutable_batch()->clear_state();
    fleet.receive(id, bad);
  }
  EXPECT_THAT(stream.closed, HasSubstr("broke the protocol 3 times"));
  EXPECT_EQ(runs(), 0u);
  EXPECT_EQ(stream.acknowledged(), 2u);
  EXPECT_EQ(counters().rejected[proto::Reject::INVALID - 1], 2u);
}

TEST_F(SessionTest, CountsDeclaredSlotsAndEvictedRuns) {
  const auto id = connect(stream);
  proto::FromProbe missed;
  missed.mutable_gap()->set_first_sequence(1);
  missed.mutable_gap()->set_last_sequence(1);
  missed.mutable_gap()->set_cause(proto::Gap::OVERRUN);
  auto* slots = missed.mutable_gap()->add_check();
  slots->set_check_id("shop/health");
  slots->add_slot(slot);
  fleet.receive(id, missed);
  EXPECT_EQ(counters().missed[proto::Gap::OVERRUN - 1], 1u);

  proto::FromProbe evicted;
  evicted.mutable_gap()->set_first_sequence(2);
  evicted.mutable_gap()->set_last_sequence(4);
  evicted.mutable_gap()->set_cause(proto::Gap::EVICTED);
  auto* runs_lost = evicted.mutable_gap()->add_check();
  runs_lost->set_check_id("shop/health");
  for (int i = 1; i <= 3; ++i) runs_lost->add_slot(slot + i);
  runs_lost->set_runs_down(3);
  fleet.receive(id, evicted);
  EXPECT_EQ(counters().missed[proto::Gap::EVICTED - 1], 3u);
  EXPECT_EQ(stream.acknowledged(), 4u);
}

TEST_F(SessionTest, WantsAHelloFirstAndOnlyOne) {
  const auto early = fleet.open(probe_at("a"), "192.0.2.7:1", stream);
  proto::FromProbe heartbeat;
  heartbeat.mutable_heartbeat();
  fleet.receive(early, heartbeat);
  EXPECT_THAT(stream.closed, HasSubstr("the hello"));

  RememberingStream second;
  const auto id = connect(second);
  for (int i = 0; i < 3; ++i) fleet.receive(id, hello('s', 1, 1));
  EXPECT_THAT(second.closed, HasSubstr("a second hello"));
}

TEST_F(SessionTest, RefusesAMalformedHello) {
  proto::FromProbe bad = hello('s', 1, 1);
  bad.mutable_hello()->set_spool_id("short");
  const auto id = fleet.open(probe_at("a"), "192.0.2.7:1", stream);
  fleet.receive(id, bad);
  EXPECT_THAT(stream.closed, HasSubstr("spool_id has 5 bytes"));
  fleet.closed(id, "");
  EXPECT_TRUE(fleet.connected().empty());
}

TEST_F(SessionTest, KeepsTheNumberOfWhatDidNotChange) {
  connect(stream);
  const std::uint32_t before = number(stream);
  DefinedCheck added = ping_check("shop", "edge", {"a"});
  Definitions set = set_of({check, added});
  set.revision = "r2";
  fleet.apply_definitions(shared(set));
  ASSERT_EQ(stream.assignment().check_size(), 2);
  for (const auto& assigned : stream.assignment().check())
    if (assigned.check().id() == "shop/health") {
      EXPECT_EQ(assigned.number(), before);
    } else {
      EXPECT_NE(assigned.number(), before);
    }
}

TEST_F(SessionTest, SplitsALargeAssignmentIntoParts) {
  std::vector<DefinedCheck> many;
  for (int i = 0; i < 1500; ++i) {
    many.push_back(http_check("shop", "check-" + std::to_string(i), {"a"}));
    many.back().check.set_note(std::string(200, 'x'));
  }
  fleet.apply_definitions(shared(set_of(many)));
  connect(stream);
  std::size_t checks = 0;
  std::size_t complete = 0;
  for (const auto& message : stream.sent) {
    EXPECT_LT(message.ByteSizeLong(), 256u << 10);
    checks += static_cast<std::size_t>(message.assignment().check_size());
    complete += message.assignment().complete();
  }
  EXPECT_EQ(checks, 1500u);
  EXPECT_EQ(complete, 1u);
}

TEST_F(SessionTest, EstimatesTheClockByTheSampleThatTravelledLeast) {
  ClockOffset offset;
  const auto told = [](int ms) { return kStart + Milliseconds(ms); };
  offset.sample(told(500), kStart + Milliseconds(40));  // 40 ms on the way
  offset.sample(told(500), kStart + Milliseconds(3));
  offset.sample(told(500), kStart + Milliseconds(90));
  EXPECT_EQ(offset.estimate(), Milliseconds(497));
}

TEST_F(SessionTest, BelievesAClockThatWasSetForwardAtOnceAndOneThatWasSetBackWhenItIsToldTwice) {
  ClockOffset offset;
  const auto told = [](int ms) { return kStart + Milliseconds(ms); };
  offset.sample(told(5), kStart);
  offset.sample(told(60'000), kStart);
  EXPECT_EQ(offset.estimate(), Milliseconds(60'000));
  offset.sample(told(5), kStart);
  EXPECT_EQ(offset.estimate(), Milliseconds(60'000));
  offset.sample(told(10'004), kStart + Milliseconds(10'000));
  EXPECT_EQ(offset.estimate(), Milliseconds(4));
  offset.sample(told(-3'600'000), kStart);  // no message is an hour late
  EXPECT_EQ(offset.estimate(), Milliseconds(-3'600'000));
}

TEST_F(SessionTest, DoesNotTakeWhatWaitedBeforeAControllerThatStoodStillForAClockThatWasSet) {
  ClockOffset offset;
  const auto told = [](int ms) { return kStart + Milliseconds(ms); };
  offset.sample(told(0), kStart);
  const WallTime awake = kStart + Milliseconds(45'000);
  for (const int beat : {10'000, 20'000, 30'000, 40'000}) offset.sample(told(beat), awake);
  EXPECT_EQ(offset.estimate(), Milliseconds(0));
  offset.sample(told(50'000), kStart + Milliseconds(50'000));
  EXPECT_EQ(offset.estimate(), Milliseconds(0));
}

}  // namespace
}  // namespace parallax
