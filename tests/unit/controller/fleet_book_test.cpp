#include "controller/fleet_book.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(FleetBook, KeepsAProbeADayAfterItsLastContact) {
  FleetBook fleet;
  fleet.connected(probe_at("a"), {}, kStart);
  fleet.heartbeat(probe_at("a"), {}, Milliseconds(0), kStart + hours(1));
  fleet.tick(kStart + hours(100));
  EXPECT_EQ(fleet.probes().size(), 1U) << "it is connected";
  fleet.disconnected(probe_at("a"), kStart + hours(101));
  fleet.tick(kStart + hours(125));
  EXPECT_EQ(fleet.probes().size(), 1U);
  fleet.tick(kStart + hours(125) + seconds(1));
  EXPECT_TRUE(fleet.probes().empty());
}

TEST(FleetBook, ForgetsByNameWhatIsNotConnected) {
  FleetBook fleet;
  fleet.connected({"a", "edge"}, {}, kStart);
  fleet.connected({"b", "edge"}, {}, kStart);
  fleet.disconnected({"b", "edge"}, kStart);
  EXPECT_FALSE(fleet.forget("other"));
  EXPECT_TRUE(fleet.forget("edge"));
  EXPECT_EQ(fleet.probes().size(), 1U);
  EXPECT_FALSE(fleet.forget("edge"));
}

TEST(FleetBook, TakesNoNonsenseFromAHeartbeat) {
  FleetBook fleet;
  fleet.connected(probe_at("a"), {}, kStart);
  proto::Heartbeat beat;
  beat.set_oldest_unacknowledged_seconds(std::nan(""));
  beat.set_certificate_expiry_timestamp_seconds(-std::numeric_limits<double>::infinity());
  beat.add_schedule_lag_bucket(std::numeric_limits<std::uint64_t>::max());
  beat.set_schedule_lag_sum_seconds(7);
  fleet.heartbeat(probe_at("a"), beat, Milliseconds(0), kStart);
  const ProbeBook& probe = fleet.probes().begin()->second;
  EXPECT_EQ(probe.heartbeat.oldest_unacknowledged_seconds(), 0);
  EXPECT_EQ(probe.heartbeat.certificate_expiry_timestamp_seconds(), 0);
  EXPECT_EQ(probe.lag.bucket[0], 0U);
  EXPECT_EQ(probe.lag.sum_seconds, 0);
  for (int i = 0; i < 13; ++i) beat.add_schedule_lag_bucket(1);
  fleet.heartbeat(probe_at("a"), beat, Milliseconds(0), kStart);
  EXPECT_EQ(probe.lag.bucket[0], 0U) << "more buckets than there are";
}

TEST(FleetBook, ShowsAnIdentityConflictUntilItIsOver) {
  FleetBook fleet;
  fleet.connected(probe_at("a"), {}, kStart);
  fleet.identity_conflict(probe_at("a"), true);
  EXPECT_TRUE(fleet.probes().begin()->second.identity_conflict);
  fleet.identity_conflict(probe_at("a"), false);
  EXPECT_FALSE(fleet.probes().begin()->second.identity_conflict);
}

}  // namespace
}  // namespace parallax
