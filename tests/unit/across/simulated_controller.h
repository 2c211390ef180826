// A controller whose network and disk are simulated: the fleet, its sessions, the ledger, and how the books are
// found again after a crash are the real ones. Everything they count is compared with what truly happened.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "definitions/definitions.h"
#include "tests/unit/across/simulated_network.h"
#include "tests/unit/across/true_book.h"

namespace parallax {

class TrueCounting;
struct SimulatedDisk;

// Owned by the simulation; the world, the book and the definitions outlive it.
class SimulatedController final : public ControllerEnd {
 public:
  SimulatedController(World& world, TrueBook& book, const Definitions& definitions);
  ~SimulatedController() override;

  // Who dials as which number.
  void knows(std::size_t probe, const std::string& location, const std::string& name);
  void start();
  // The definitions have changed.
  void reload();

  // --- Faults ---
  void crash();  // kill -9
  void leave();  // SIGTERM
  void stand_still(Nanoseconds time) { host_.stand_still_until(world_.time.now() + time); }
  void set_clock_by(Nanoseconds step) { host_.set_clock_by(step); }
  void set_disk(Nanoseconds most);  // how long it takes from now on

  bool is_up() const { return process_ != nullptr; }
  // Compares everything with the truth.
  void check_everything();
  // No probe has run anything for longer than any result stays fresh.
  void check_nothing_is_shown() const;
  const TrueCounting& counting() const { return *counting_; }
  std::size_t connected() const;

  const Host& host() const override { return host_; }
  bool listens() const override;
  std::uint64_t opened(Connection& connection) override;
  void received(std::uint64_t stream, const proto::FromProbe& message) override;
  void closed(std::uint64_t stream, const std::string& why) override;

 private:
  struct Process;
  void tick();

  World& world_;
  TrueBook& book_;
  const Definitions& definitions_;
  Host host_;
  std::FILE* log_file_;
  std::map<std::size_t, std::pair<std::string, std::string>> names_;  // location and name of each probe
  std::unique_ptr<TrueCounting> counting_;
  std::unique_ptr<SimulatedDisk> disk_;
  Nanoseconds disk_takes_{0};
  std::uint64_t counted_event_ = 0;  // the last one that is in the truth
  std::unique_ptr<Process> process_;
};

}  // namespace parallax
