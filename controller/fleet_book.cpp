#include "controller/fleet_book.h"

#include <algorithm>
#include <cmath>

namespace parallax {
namespace {

constexpr auto kKept = std::chrono::hours(24);
constexpr std::size_t kLongestWord = 128;  // of what a probe says about itself

// Heartbeats come from probes, which may be hostile: what is no amount becomes 0.
double amount(double number) { return std::isfinite(number) && number >= 0 ? number : 0; }

void add_lag(LagCounts& lag, const proto::Heartbeat& heartbeat) {
  constexpr std::uint64_t kMostRuns = 1'000'000'000;  // since the heartbeat before
  if (heartbeat.schedule_lag_bucket_size() > static_cast<int>(lag.bucket.size())) return;
  for (const std::uint64_t count : heartbeat.schedule_lag_bucket())
    if (count > kMostRuns) return;
  for (int i = 0; i < heartbeat.schedule_lag_bucket_size(); ++i)
    lag.bucket[static_cast<std::size_t>(i)] += heartbeat.schedule_lag_bucket(i);
  lag.sum_seconds += amount(heartbeat.schedule_lag_sum_seconds());
}

}  // namespace

void FleetBook::connected(const Identity& probe, const proto::Hello& hello, WallTime now) {
  ProbeBook& book = probes_[probe];
  book.connected = true;
  book.last_seen = now;
  book.version = hello.version().substr(0, kLongestWord);
  book.icmp = hello.icmp().substr(0, kLongestWord);
}

void FleetBook::heartbeat(const Identity& probe, const proto::Heartbeat& heartbeat, Milliseconds clock_offset,
                          WallTime now) {
  ProbeBook& book = probes_[probe];
  book.last_seen = now;
  book.has_heartbeat = true;
  book.heartbeat = heartbeat;
  book.heartbeat.set_oldest_unacknowledged_seconds(amount(heartbeat.oldest_unacknowledged_seconds()));
  book.heartbeat.set_certificate_expiry_timestamp_seconds(
      amount(heartbeat.certificate_expiry_timestamp_seconds()));
  book.heartbeat.clear_schedule_lag_bucket();
  book.clock_offset_seconds = static_cast<double>(clock_offset.count()) / 1e3;
  add_lag(book.lag, heartbeat);
}

void FleetBook::seen(const Identity& probe, WallTime now) { probes_[probe].last_seen = now; }

void FleetBook::restore(const proto::KeptProbe& kept) {
  ProbeBook& book = probes_[{kept.location(), kept.probe()}];
  book.last_seen = std::max(book.last_seen, from_unix_us(kept.last_seen_us()));
  if (!kept.version().empty()) book.version = kept.version();
  if (!kept.icmp().empty()) book.icmp = kept.icmp();
}

void FleetBook::disconnected(const Identity& probe, WallTime now) {
  const auto found = probes_.find(probe);
  if (found == probes_.end()) return;
  found->second.connected = false;
  found->second.last_seen = std::max(found->second.last_seen, now);
}

void FleetBook::identity_conflict(const Identity& probe, bool conflict) {
  const auto found = probes_.find(probe);
  if (found != probes_.end()) found->second.identity_conflict = conflict;
}

bool FleetBook::forget(const std::string& name) {
  return std::erase_if(
             probes_, [&](const auto& entry) { return entry.first.probe == name && !entry.second.connected; }) > 0;
}

void FleetBook::tick(WallTime now) {
  std::erase_if(
      probes_, [&](const auto& entry) { return !entry.second.connected && now - entry.second.last_seen > kKept; });
}

}  // namespace parallax
