// A probe whose machine, disk and targets are simulated: the link, the spool and the schedules are the real ones.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/across/simulated_network.h"
#include "tests/unit/across/true_book.h"

namespace parallax {

class SimulatedSpoolDisk;

// Owned by the simulation; the world, the network, the book and the controller outlive it.
class SimulatedProbe final : public ProbeEnd {
 public:
  struct Settings {
    std::string location;
    std::string name;
    std::size_t max_bytes = 1 << 20;  // of its spool
    bool is_twin = false;             // another living probe has its certificate
  };
  SimulatedProbe(World& world, Network& network, TrueBook& book, ControllerEnd& controller, std::size_t number,
                 Settings settings);
  ~SimulatedProbe() override;

  // --- Faults ---
  void start();
  void crash();       // kill -9
  void lose_power();  // what the disk had not synced may be lost
  void let_disk_fail(Nanoseconds time);
  void terminate();  // SIGTERM: it has a few seconds for its last words
  void stand_still(Nanoseconds time);
  void set_clock_by(Nanoseconds step);

  // No run begins until it is told to go on; the link lives.
  void rest();
  void go_on();

  bool is_up() const { return process_ != nullptr; }
  const Settings& settings() const { return settings_; }
  const std::string& name() const { return settings_.name; }
  Host& host() { return host_; }
  // Records that the controller has not acknowledged.
  std::uint64_t backlog() const;
  // Of the spool in use: nothing may have been freed that the controller has not counted.
  void check_promises() const;
  struct Counts {
    std::uint64_t runs = 0;
    std::uint64_t gaps_sent = 0;
  };
  const Counts& counts() const { return counts_; }

  void received(const proto::FromController& message) override;
  void closed(const std::string& why) override;

 private:
  struct Process;
  struct Runner;
  World& world_;
  Network& network_;
  TrueBook& book_;
  ControllerEnd& controller_;
  const std::size_t number_;
  const Settings settings_;
  Host host_;
  bool rests_ = false;
  std::uint64_t spools_made_ = 0;
  Counts counts_;
  std::unique_ptr<SimulatedSpoolDisk> disk_;  // outlives processes
  std::optional<proto::Assignment> kept_assignment_;
  std::unique_ptr<Process> process_;
};

}  // namespace parallax
