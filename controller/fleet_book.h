// What the controller knows of each probe: whether it is there, and how it says it is.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/slot_grid.h"
#include "base/time.h"
#include "controller/identity.h"
#include "proto/fleet.pb.h"
#include "proto/kept.pb.h"

namespace parallax {

// How late runs started: counts by base/slot_grid.h's buckets (not cumulative; the last one is all later ones).
struct LagCounts {
  std::array<std::uint64_t, kLagBuckets.size() + 1> bucket{};
  double sum_seconds = 0;
};

struct ProbeBook {
  bool connected = false;
  WallTime last_seen{};
  std::string version;
  std::string icmp;
  bool identity_conflict = false;
  bool has_heartbeat = false;       // the figures below were told
  proto::Heartbeat heartbeat;       // the newest one
  double clock_offset_seconds = 0;  // the probe's clock minus ours
  LagCounts lag;
};

// Pure: time comes in. Everything is called on the loop.
class FleetBook {
 public:
  void connected(const Identity& probe, const proto::Hello& hello, WallTime now);
  void heartbeat(const Identity& probe, const proto::Heartbeat& heartbeat, Milliseconds clock_offset,
                 WallTime now);
  // Any other message came: the probe was seen.
  void seen(const Identity& probe, WallTime now);
  // After a restart of the controller: a probe that was there then, and may come back.
  void restore(const proto::KeptProbe& kept);
  void disconnected(const Identity& probe, WallTime now);
  // Two living probes use one certificate. Shown until `conflict` is given as false.
  void identity_conflict(const Identity& probe, bool conflict);

  // Drops every probe of that name that is not connected; false when there is none.
  bool forget(const std::string& name);
  // Drops the probes that were last seen more than 24 h ago. Call it now and then.
  void tick(WallTime now);

  const std::map<Identity, ProbeBook>& probes() const { return probes_; }

 private:
  std::map<Identity, ProbeBook> probes_;
};

}  // namespace parallax
