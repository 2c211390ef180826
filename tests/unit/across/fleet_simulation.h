// One controller and fifty probes in a world where everything breaks, all of it drawn from a seed.
//
// Trouble comes for a while; then it ends, the fleet heals, and every promise of reporting must have been kept to
// the last record. Then trouble comes again. The promises that are cheap to look at are looked at all the time:
// SimulatedController compares each piece that is counted with the truth, SimulatedProbe each record that is
// freed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/across/simulated_controller.h"
#include "tests/unit/across/simulated_definitions.h"
#include "tests/unit/across/simulated_probe.h"
#include "tests/unit/across/true_counting.h"

namespace parallax {

class FleetSimulation {
 public:
  explicit FleetSimulation(std::uint64_t seed);

  // Goes on until so many steps are done in all, or a promise is broken: false then.
  bool run(std::uint64_t steps);
  // Ends all trouble and checks that nothing is left open.
  bool heal();

  std::uint64_t steps() const { return steps_; }
  // What broke, for replaying it: the seed, the step, the last events.
  std::string report() const;

  // What happened, so that a test can say whether it was hard enough.
  const std::map<std::string, std::uint64_t>& faults() const { return faults_; }
  const TrueCounting::Counts& counted() const { return controller_.counting().counts(); }
  Nanoseconds passed() const { return world_.time.now(); }

 private:
  using Fault = void (FleetSimulation::*)();
  void add_probes();
  void step();
  bool pass(Nanoseconds time);
  void check_no_slot_is_missing();
  bool is_served_by_one_good_clock(const std::string& location) const;
  void plan_trouble();
  void make_trouble();
  SimulatedProbe& some_probe();
  std::size_t some_number() { return world_.dice.below(probes_.size()); }
  std::optional<Nanoseconds> some_notice();

  // Faults.
  void cut_a_stream();
  void cut_all_streams();
  void block_a_road();
  void slow_a_road();
  void double_messages();
  void stop_a_probe();
  void stop_the_controller();
  void kill_a_probe();
  void end_a_probe();
  void edit_definitions();
  void set_a_clock();
  void fill_a_disk();
  void slow_the_disk();
  void kill_the_controller();
  void end_the_controller();
  Nanoseconds some_step();

  const std::uint64_t seed_;
  World world_;
  SimulatedDefinitions definitions_;
  TrueBook book_{world_};
  SimulatedController controller_{world_, book_, definitions_.now()};
  Network network_;
  std::vector<std::unique_ptr<SimulatedProbe>> probes_;
  bool is_troubled_ = false;
  std::uint64_t steps_ = 0;
  Nanoseconds between_faults_;
  std::map<std::string, std::uint64_t> faults_;
};

}  // namespace parallax
