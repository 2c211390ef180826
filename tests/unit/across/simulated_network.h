// The network between simulated probes and their controller: streams that are late, cut, held up on one side only,
// and whose messages come twice.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/fleet.pb.h"
#include "tests/unit/across/simulated_time.h"

namespace parallax {

// Who hears what comes out of a stream at the probe's end. Outlives its connections.
class ProbeEnd {
 public:
  virtual ~ProbeEnd() = default;
  virtual void received(const proto::FromController& message) = 0;
  virtual void closed(const std::string& why) = 0;
};

class Connection;

// And at the controller's. Outlives its connections.
class ControllerEnd {
 public:
  virtual ~ControllerEnd() = default;
  virtual const Host& host() const = 0;
  virtual bool listens() const = 0;
  // The number by which the controller knows the stream.
  virtual std::uint64_t opened(Connection& connection) = 0;
  virtual void received(std::uint64_t stream, const proto::FromProbe& message) = 0;
  virtual void closed(std::uint64_t stream, const std::string& why) = 0;
};

// The way from one probe to the controller, as it is at the moment.
struct Road {
  Nanoseconds up{0};  // how long a message takes
  Nanoseconds down{0};
  bool up_is_blocked = false;
  bool down_is_blocked = false;
  std::uint64_t doubles_one_in = 0;  // a proxy sends so many of the messages twice; 0: none
};

// One stream. Kept by whoever uses it and by its messages under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(World& world, const Road& road, std::size_t probe, const Host& probe_host, ProbeEnd& probe_end,
             ControllerEnd& controller);

  // The probe dials: what it sends arrives behind the opening.
  void open();
  void send_up(proto::FromProbe message);
  void hang_up();  // the probe hears nothing more of it; the controller hears of that later, or never

  void send_down(const proto::FromController& message);
  void finish(const std::string& why);  // the controller ends it behind what it sent

  // Nothing goes through any more. Each side may notice after a while, or never (none).
  void cut(std::optional<Nanoseconds> probe_notices, std::optional<Nanoseconds> controller_notices);
  // The controller's process died.
  void controller_died(std::optional<Nanoseconds> probe_notices);
  // The road is free again: what was held up comes, or the stream stays dead.
  void road_is_free(bool comes_through);

  std::size_t probe() const { return probe_; }
  bool is_over() const { return !probe_listens_ && !controller_listens_; }

 private:
  struct Lane {
    Nanoseconds last_arrival{0};
    bool is_dead = false;
    std::vector<Timetable::Act> held;
  };
  void post(Lane& lane, Nanoseconds latency, bool is_blocked, const Host& to, Timetable::Act act);
  void arrive(Lane& lane, Nanoseconds latency, const Host& to, Timetable::Act act);
  void probe_hears_the_end(const std::string& why);
  void controller_hears_the_end(const std::string& why);
  bool comes_twice() { return road_.doubles_one_in && world_.dice.one_in(road_.doubles_one_in); }

  World& world_;
  const Road& road_;
  const std::size_t probe_;
  const Host& probe_host_;
  ProbeEnd& probe_end_;
  ControllerEnd& controller_;
  const unsigned probe_process_;
  const unsigned controller_process_;
  Lane up_;
  Lane down_;
  bool probe_listens_ = true;
  bool controller_listens_ = true;  // from the beginning: it will hear of it
  std::optional<std::uint64_t> stream_;
};

// All roads and what goes on them. Owned by the simulation.
class Network {
 public:
  Network(World& world, std::size_t probes) : world_(world), roads_(probes) {}

  std::shared_ptr<Connection> dial(std::size_t probe, const Host& probe_host, ProbeEnd& probe_end,
                                   ControllerEnd& controller);
  Road& road(std::size_t probe) { return roads_[probe]; }
  // The streams of a probe that somebody still listens to: more than one when an old one is not known to be dead.
  std::vector<std::shared_ptr<Connection>> of(std::size_t probe);
  void free_road(std::size_t probe);
  // Each probe hears of it after a while, or never.
  void controller_died();

 private:
  World& world_;
  std::vector<Road> roads_;
  std::vector<std::shared_ptr<Connection>> connections_;
};

}  // namespace parallax
