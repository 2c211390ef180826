#include "controller/ledger.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::seconds;

// A ledger with one check at a, b and c, and the first slot that all of them see from its start.
class LedgerTest : public testing::Test {
 protected:
  LedgerTest() {
    check.check.set_up_when("any");
    check.fingerprint = fingerprint(check.check);
    ledger.apply_definitions(shared(set_of({check})), kStart);
    first = grid_of(check).current(kStart) + 1;
  }

  // When slot `slot` is due at the k-th location.
  WallTime due(std::int64_t slot, std::uint32_t k = 0) const { return grid_of(check, k).due(slot); }

  Applied report(std::int64_t slot, std::uint32_t k, proto::State state) {
    return report(run_of(check, slot, state, k), k, due(slot, k) + seconds(1));
  }
  Applied report(const proto::RunResult& run, std::uint32_t k, WallTime now) {
    return ledger.apply(probe_at(check.locations[k]), run, Milliseconds(0), now);
  }
  const CheckBook& book() const { return ledger.checks().at("shop/health"); }
  const PlaceBook& place(std::size_t k) const { return book().places[k]; }

  DefinedCheck check = http_check("shop", "health", {"a", "b", "c"});
  Ledger ledger;
  std::int64_t first = 0;
};

TEST_F(LedgerTest, GivesTheUptimeAndReachabilityOfThreeLocationsOverFourSlots) {
  const int seen[4][3] = {{1, 1, 1}, {0, 0, 0}, {1, 0, 0}, {1, 1, 0}};
  for (int slot = 0; slot < 4; ++slot)
    for (std::uint32_t k = 0; k < 3; ++k)
      EXPECT_EQ(report(first + slot, k, seen[slot][k] == 1 ? proto::STATE_UP : proto::STATE_DOWN),
                Applied::counted);
  EXPECT_EQ(book().slots.tally().up, 3U);
  EXPECT_EQ(book().slots.tally().down, 1U);
  EXPECT_EQ(book().slots.tally().unknown, 0U);
  std::uint64_t successes = 0;
  std::uint64_t runs = 0;
  for (const PlaceBook& at : book().places) {
    successes += at.counters.success_sum;
    runs += at.counters.success_count;
  }
  EXPECT_EQ(successes, 6U);
  EXPECT_EQ(runs, 12U);
}

TEST_F(LedgerTest, CountsARunOnceWhoeverSendsIt) {
  EXPECT_EQ(report(first, 0, proto::STATE_UP), Applied::counted);
  EXPECT_EQ(report(first, 0, proto::STATE_UP), Applied::duplicate);
  proto::RunResult other = run_of(check, first, proto::STATE_DOWN);
  EXPECT_EQ(ledger.apply({"a", "another-probe"}, other, Milliseconds(0), due(first) + seconds(2)),
            Applied::duplicate);
  EXPECT_EQ(place(0).counters.fresh_runs, (OutcomeCounts{1, 0, 0, 0}));
  EXPECT_EQ(place(0).counters.duplicates, 2U);
  EXPECT_EQ(place(0).newest->result.state(), proto::STATE_UP);
  EXPECT_EQ(report(first, 1, proto::STATE_UP), Applied::counted) << "the same slot of another location";
}

TEST_F(LedgerTest, ShowsAResultUntilItsFreshnessLimitAndNotLonger) {
  report(first, 0, proto::STATE_UP);
  const WallTime limit = due(first) + seconds(2 * 15 + 10 + 5);
  EXPECT_NE(place(0).fresh(limit), nullptr);
  EXPECT_EQ(place(0).fresh(limit + std::chrono::microseconds(1)), nullptr);
  EXPECT_TRUE(place(0).newest.has_value()) << "when it last ran stays known";
  EXPECT_EQ(ledger.check_up(book(), limit), true);
  EXPECT_EQ(ledger.check_up(book(), limit + std::chrono::microseconds(1)), std::nullopt);
}

TEST_F(LedgerTest, CorrectsTheProbesClockWhenItJudgesFreshness) {
  // The probe's clock is 40 s behind: its slot's moment comes 40 s later by ours.
  const WallTime now = due(first) + seconds(41);
  EXPECT_EQ(ledger.apply(probe_at("a"), run_of(check, first, proto::STATE_UP), -seconds(40), now),
            Applied::counted);
  EXPECT_EQ(place(0).counters.fresh_runs[0], 1U);
  EXPECT_EQ(place(0).newest->started, due(first) + seconds(40));
  EXPECT_NE(place(0).fresh(due(first) + seconds(40 + 45)), nullptr);
  EXPECT_EQ(place(0).fresh(due(first) + seconds(40 + 46)), nullptr);
}

TEST_F(LedgerTest, DoesNotKeepAValueAliveByAnOffsetThatIsOutOfDate) {
  const WallTime now = due(first) + seconds(1);
  report(run_of(check, first, proto::STATE_UP), 0, now);
  ledger.apply(probe_at("b"), run_of(check, first, proto::STATE_UP, 1), -std::chrono::hours(10), now + seconds(5));
  EXPECT_EQ(place(1).fresh(now + seconds(5 + 46)), nullptr);
}

TEST_F(LedgerTest, CountsALateResultAsLateAndLeavesAlertsAlone) {
  proto::RunResult run = run_of(check, first, proto::STATE_DOWN);
  EXPECT_EQ(report(run, 0, due(first) + seconds(46)), Applied::counted);
  EXPECT_EQ(place(0).counters.fresh_runs, (OutcomeCounts{0, 0, 0, 0}));
  EXPECT_EQ(place(0).counters.late_runs, (OutcomeCounts{0, 0, 1, 0}));
  EXPECT_EQ(place(0).counters.success_count, 0U);
  EXPECT_EQ(place(0).counters.failures.at(proto::REASON_CONNECT_REFUSED), 1U);
  EXPECT_EQ(place(0).fresh(due(first) + seconds(46)), nullptr);
}

TEST_F(LedgerTest, ShowsTheLatestScheduledRunAndNotTheLastToArrive) {
  const WallTime now = due(first + 1) + seconds(1);
  report(run_of(check, first + 1, proto::STATE_UP), 0, now);
  EXPECT_EQ(report(run_of(check, first, proto::STATE_DOWN), 0, now + seconds(1)), Applied::counted);
  EXPECT_EQ(place(0).newest->result.slot(), first + 1);
  EXPECT_EQ(place(0).counters.fresh_runs, (OutcomeCounts{1, 0, 1, 0}));
}

TEST_F(LedgerTest, CountsAResultFromTheFutureButLetsItMoveNoGauge) {
  const WallTime now = due(first);
  EXPECT_EQ(report(run_of(check, first + 4, proto::STATE_UP), 0, now), Applied::counted);  // 60 s ahead: tolerated
  EXPECT_TRUE(place(0).newest.has_value());
  EXPECT_EQ(report(run_of(check, first + 5, proto::STATE_DOWN), 0, now), Applied::counted);
  EXPECT_EQ(place(0).newest->result.slot(), first + 4);
  EXPECT_EQ(place(0).counters.fresh_runs, (OutcomeCounts{1, 0, 1, 0}));
}

TEST_F(LedgerTest, DropsTheNewestRunWhenOurOwnClockIsSetBackBehindIt) {
  const WallTime now = due(first) + seconds(1);
  report(run_of(check, first, proto::STATE_UP), 0, now);
  ledger.tick(now - seconds(60));  // no more than is borne of a probe that is ahead
  EXPECT_NE(place(0).fresh(now - seconds(60)), nullptr);
  ledger.tick(now - seconds(3600));
  EXPECT_EQ(place(0).fresh(now - seconds(3600)), nullptr);
  EXPECT_EQ(place(0).fresh(now), nullptr) << "an hour later a dead value is shown again";
  EXPECT_EQ(place(0).counters.fresh_runs, (OutcomeCounts{1, 0, 0, 0}));
}

TEST_F(LedgerTest, RefusesMomentsThatNoClockCanMean) {
  const WallTime now = due(first) + seconds(1);
  for (const std::int64_t slot : {std::int64_t{0}, std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min(), first * 2}) {
    proto::RunResult run = run_of(check, first, proto::STATE_UP);
    run.set_slot(slot);
    EXPECT_EQ(report(run, 0, now), Applied::clock) << slot;
  }
  for (const std::int64_t started :
       {std::int64_t{0}, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    proto::RunResult run = run_of(check, first, proto::STATE_UP);
    run.set_started_us(started);
    EXPECT_EQ(report(run, 0, now), Applied::clock) << started;
  }
  EXPECT_EQ(place(0).counters.rejected[proto::Reject::CLOCK - 1], 7U);
  EXPECT_EQ(place(0).counters.fresh_runs[0], 0U);
}

TEST_F(LedgerTest, BelievesAProbeThatWokeUpIn1970OnceItsClockIsKnown) {
  const auto offset = std::chrono::duration_cast<Milliseconds>(-due(first).time_since_epoch());
  const std::int64_t slot = grid_of(check).current(from_unix_us(3'600'000'000));
  proto::RunResult run = run_of(check, slot, proto::STATE_UP);
  EXPECT_EQ(ledger.apply(probe_at("a"), run, offset, due(first) + seconds(3601)), Applied::counted);
  EXPECT_NE(place(0).fresh(due(first) + seconds(3602)), nullptr);
}

TEST_F(LedgerTest, RejectsWhatIsNotExpectedWhereItComesFromAndSaysIfItWasOnce) {
  proto::RunResult run = run_of(check, first, proto::STATE_UP);
  run.set_check_id("shop/other");
  EXPECT_EQ(report(run, 0, kStart), Applied::not_expected);
  run.set_check_id("shop/health");
  EXPECT_EQ(ledger.apply(probe_at("elsewhere"), run, Milliseconds(0), kStart), Applied::not_expected);
  ledger.apply_definitions(shared(set_of({http_check("shop", "health", {"b", "c"})})), kStart);
  EXPECT_EQ(report(run, 0, kStart), Applied::removed);
  ledger.apply_definitions(shared(set_of({})), kStart);
  EXPECT_EQ(ledger.apply(probe_at("b"), run, Milliseconds(0), kStart), Applied::removed);
  EXPECT_EQ(ledger.unexpected().at("a"), (RejectedCounts{1, 1, 0, 0}));
  EXPECT_EQ(ledger.unexpected().at("b"), (RejectedCounts{1, 0, 0, 0}));
  EXPECT_EQ(ledger.unexpected().at("elsewhere"), (RejectedCounts{0, 1, 0, 0}));
  EXPECT_TRUE(ledger.checks().empty());
}

TEST_F(LedgerTest, DropsTheLastResultOfAChangedDefinitionAndKeepsItsCounters) {
  report(first, 0, proto::STATE_DOWN);
  DefinedCheck changed = check;
  changed.check.mutable_http()->set_method("HEAD");
  changed.fingerprint = fingerprint(changed.check);
  ledger.apply_definitions(shared(set_of({changed})), due(first) + seconds(2));
  EXPECT_FALSE(place(0).newest.has_value());
  EXPECT_EQ(place(0).counters.fresh_runs[2], 1U);

  // What was still measured by the old definition is counted, and shown no more.
  EXPECT_EQ(report(first + 1, 0, proto::STATE_DOWN), Applied::counted);
  EXPECT_EQ(place(0).counters.fresh_runs[2], 2U);
  EXPECT_FALSE(place(0).newest.has_value());
  EXPECT_EQ(report(run_of(changed, first + 1, proto::STATE_UP), 0, due(first + 1) + seconds(2)),
            Applied::duplicate)
      << "one run a slot, whichever definition it followed";
  EXPECT_EQ(report(run_of(changed, first + 2, proto::STATE_UP), 0, due(first + 2) + seconds(2)), Applied::counted);
  EXPECT_TRUE(place(0).newest.has_value());
}

TEST_F(LedgerTest, CountsARunOfADefinitionFromBeforeItsOwnStartByWhenItRan) {
  DefinedCheck hourly = check;
  hourly.check.set_every_ms(3'600'000);
  hourly.fingerprint = fingerprint(hourly.check);
  const std::int64_t slot = grid_of(hourly).current(kStart);
  const WallTime now = due(first);
  proto::RunResult run = run_of(hourly, slot, proto::STATE_UP);
  EXPECT_EQ(report(run, 0, now), Applied::counted);
  EXPECT_EQ(report(run, 0, now), Applied::duplicate);
  EXPECT_FALSE(place(0).newest.has_value());
  EXPECT_EQ(place(0).counters.late_runs[0] + place(0).counters.fresh_runs[0], 1U);
}

TEST_F(LedgerTest, KeepsTheLastResultWhenOnlyWordsChanged) {
  report(first, 0, proto::STATE_UP);
  DefinedCheck retitled = check;
  retitled.check.set_title("Health of the shop");
  retitled.fingerprint = fingerprint(retitled.check);
  ledger.apply_definitions(shared(set_of({retitled})), due(first) + seconds(2));
  EXPECT_TRUE(place(0).newest.has_value());
  EXPECT_EQ(book().definition().title(), "Health of the shop");
}

TEST_F(LedgerTest, StartsANewLocationWithoutDataAndKeepsTheOthers) {
  report(first, 0, proto::STATE_UP);
  DefinedCheck wider = check;
  wider.locations = {"a", "b", "bb", "c"};
  ledger.apply_definitions(shared(set_of({wider})), due(first) + seconds(2));
  EXPECT_TRUE(place(0).newest.has_value());
  EXPECT_EQ(place(2).location, "bb");
  EXPECT_FALSE(place(2).newest.has_value());
  EXPECT_EQ(place(0).counters.fresh_runs[0], 1U);
}

TEST_F(LedgerTest, StartsAnewWhenACheckIsDisabledAndEnabledAgain) {
  report(first, 0, proto::STATE_UP);
  DefinedCheck disabled = check;
  disabled.check.set_enabled(false);
  ledger.apply_definitions(shared(set_of({disabled})), kStart);
  EXPECT_TRUE(ledger.checks().empty());
  EXPECT_EQ(report(first, 0, proto::STATE_UP), Applied::removed);
  ledger.apply_definitions(shared(set_of({check})), kStart);
  EXPECT_EQ(place(0).counters.fresh_runs[0], 0U);
  EXPECT_EQ(report(first, 0, proto::STATE_UP), Applied::counted);
}

TEST_F(LedgerTest, ASlotNobodyReportedIsUnknownOnceItsTimeIsOver) {
  ledger.tick(due(first, 2) + seconds(45));
  EXPECT_EQ(book().slots.tally().unknown, 0U);
  ledger.tick(due(first, 2) + seconds(45) + std::chrono::microseconds(1));
  EXPECT_EQ(book().slots.tally().unknown, 1U);
  ledger.tick(due(first + 100'000, 2) + seconds(46));
  EXPECT_EQ(book().slots.tally().unknown, 100'001U);
  EXPECT_EQ(book().slots.tally().up + book().slots.tally().down, 0U);
}

TEST_F(LedgerTest, AClosedSlotDoesNotReopen) {
  report(first, 0, proto::STATE_DOWN);
  ledger.tick(due(first, 2) + seconds(46));
  EXPECT_EQ(book().slots.tally().down, 1U) << "up_when is any, and the one that measured saw it down";
  EXPECT_EQ(report(run_of(check, first, proto::STATE_UP, 1), 1, due(first, 2) + seconds(47)), Applied::counted);
  EXPECT_EQ(book().slots.tally().down, 1U);
  EXPECT_EQ(book().slots.tally().up, 0U);
}

TEST_F(LedgerTest, ASlotClosesAtOnceWhenTheSilentLocationDeclaredIt) {
  report(first, 0, proto::STATE_UP);
  report(first, 1, proto::STATE_UNKNOWN);
  EXPECT_EQ(book().slots.tally().up, 0U);
  proto::CheckGap gap;
  gap.set_check_id("shop/health");
  gap.add_slot(first);
  EXPECT_EQ(ledger.apply_gap(probe_at("c"), gap, proto::Gap::OVERRUN, due(first, 2) + seconds(8)),
            Applied::counted);
  EXPECT_EQ(book().slots.tally().up, 1U);
  EXPECT_EQ(place(2).counters.missed, (MissedCounts{0, 0, 0, 1, 0}));
}

TEST_F(LedgerTest, EachSlotIsEitherAppliedOrMissedAndNeverBoth) {
  report(first, 0, proto::STATE_UP);
  proto::CheckGap gap;
  gap.set_check_id("shop/health");
  for (int slot = 0; slot < 3; ++slot) gap.add_slot(first + slot);
  const WallTime now = due(first + 2) + seconds(8);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::PROBE_DOWN, now), Applied::counted);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::PROBE_DOWN, now), Applied::duplicate);
  EXPECT_EQ(report(first + 1, 0, proto::STATE_UP), Applied::duplicate);
  EXPECT_EQ(place(0).counters.fresh_runs[0], 1U);
  EXPECT_EQ(place(0).counters.missed, (MissedCounts{0, 0, 2, 0, 0}));
}

TEST_F(LedgerTest, CountsWhatEvictedResultsSaid) {
  proto::CheckGap gap;
  gap.set_check_id("shop/health");
  for (int slot = 0; slot < 4; ++slot) gap.add_slot(first + slot);
  gap.set_runs_up(2);
  gap.set_runs_down(2);
  report(first, 0, proto::STATE_UP);
  const WallTime later = due(first + 1000);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::EVICTED, later), Applied::counted);
  EXPECT_EQ(place(0).counters.late_runs, (OutcomeCounts{1, 0, 2, 0})) << "one of the slots was counted before";
  EXPECT_EQ(place(0).counters.missed, (MissedCounts{3, 0, 0, 0, 0}));
}

TEST_F(LedgerTest, RefusesGapsThatCannotBe) {
  proto::CheckGap gap;
  gap.set_check_id("shop/health");
  gap.add_slot(first);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::CAUSE_UNSPECIFIED, kStart), Applied::invalid);
  gap.set_runs_up(2);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::EVICTED, kStart), Applied::invalid);
  gap.set_runs_up(std::numeric_limits<std::uint64_t>::max());
  gap.set_runs_down(2);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::EVICTED, kStart), Applied::invalid);
  gap.clear_runs_up();
  gap.clear_runs_down();
  gap.set_slot(0, 1);
  EXPECT_EQ(ledger.apply_gap(probe_at("a"), gap, proto::Gap::OVERLOAD, kStart), Applied::clock);
  EXPECT_EQ(place(0).counters.missed, MissedCounts{});
  EXPECT_EQ(place(0).counters.late_runs, OutcomeCounts{});
}

TEST_F(LedgerTest, ShowsTheCurrentStateAfterABreakWithoutCountingIt) {
  const proto::RunResult run = run_of(check, first, proto::STATE_DOWN);
  ledger.show_current(probe_at("a"), run, Milliseconds(0), due(first) + seconds(1));
  EXPECT_NE(place(0).fresh(due(first) + seconds(1)), nullptr);
  EXPECT_EQ(place(0).counters.fresh_runs, OutcomeCounts{});
  EXPECT_EQ(report(run, 0, due(first) + seconds(2)), Applied::counted);
  EXPECT_EQ(place(0).counters.fresh_runs[2], 1U);
}

TEST_F(LedgerTest, TheSlotUnderWayWhenTheBooksBeganCountsOnlyIfAllReportedIt) {
  Ledger silent;
  Ledger complete;
  for (Ledger* books : {&silent, &complete}) books->apply_definitions(shared(set_of({check})), kStart);
  const auto tally = [](const Ledger& of) { return of.checks().at("shop/health").slots.tally(); };
  report(first - 1, 1, proto::STATE_DOWN);
  for (std::uint32_t k = 0; k < 3; ++k)
    complete.apply(probe_at(check.locations[k]), run_of(check, first - 1, proto::STATE_UP, k), Milliseconds(0),
                   due(first - 1, k) + seconds(1));
  for (Ledger* books : {&ledger, &silent, &complete}) books->tick(due(first - 1, 2) + seconds(46));
  EXPECT_EQ(tally(ledger).down + tally(ledger).unknown, 0U);
  EXPECT_EQ(tally(silent).unknown, 0U);
  EXPECT_EQ(tally(complete).up, 1U);
  EXPECT_EQ(ledger.checks().at("shop/health").slots.first_open(), first);
}

TEST_F(LedgerTest, TellsSlotsAgainAfterItsOwnClockWasYearsAhead) {
  const auto years = std::chrono::hours(24 * 3653);
  ledger.tick(kStart + years);  // all the slots until then are unknown
  const std::uint64_t unknown = book().slots.tally().unknown;
  ledger.tick(kStart);
  for (std::int64_t slot = first; slot < first + 3; ++slot)
    for (std::uint32_t k = 0; k < 3; ++k) report(slot, k, proto::STATE_UP);
  EXPECT_EQ(book().slots.tally().up, 3U);
  EXPECT_EQ(book().slots.tally().unknown, unknown);
}

TEST_F(LedgerTest, TellsNoSlotTwiceAfterItsClockWasAnHourAhead) {
  ledger.tick(kStart + seconds(3600));
  ledger.tick(kStart);
  for (std::uint32_t k = 0; k < 3; ++k) report(first, k, proto::STATE_UP);
  EXPECT_EQ(book().slots.tally().up, 0U) << "it was told as unknown";
}

TEST_F(LedgerTest, AServiceIsJudgedByTheChecksThatCount) {
  DefinedCheck age = http_check("shop", "age", {"a"});
  age.check.set_counts(false);
  DefinedCheck login = http_check("shop", "login", {"a"});
  Ledger books;
  books.apply_definitions(shared(set_of({login, age})), kStart);
  const std::int64_t slot = grid_of(login).current(kStart) + 1;
  const std::int64_t age_slot = grid_of(age).current(kStart) + 1;
  const WallTime now = std::max(grid_of(login).due(slot), grid_of(age).due(age_slot)) + seconds(1);
  const ServiceBook& shop = books.services().front();
  EXPECT_EQ(books.service_up(shop, now), std::nullopt);
  books.apply(probe_at("a"), run_of(age, age_slot, proto::STATE_DOWN), Milliseconds(0), now);
  books.apply(probe_at("a"), run_of(login, slot, proto::STATE_DEGRADED), Milliseconds(0), now);
  EXPECT_EQ(books.service_up(shop, now), true) << "degraded is up, and the age does not count";
  books.apply(probe_at("a"), run_of(login, slot + 1, proto::STATE_UNKNOWN), Milliseconds(0), now + seconds(15));
  EXPECT_EQ(books.service_up(shop, now + seconds(15)), std::nullopt) << "unknown is neither up nor down";
}

TEST_F(LedgerTest, CutsADetailThatIsLongerThanAnyoneReads) {
  proto::RunResult run = run_of(check, first, proto::STATE_DOWN);
  run.set_detail(std::string(5000, 'x'));
  EXPECT_EQ(report(run, 0, due(first) + seconds(1)), Applied::counted);
  EXPECT_EQ(place(0).newest->result.detail().size(), 1024U);
}

}  // namespace
}  // namespace parallax
