// What goes wrong in the simulated fleet.
#include <algorithm>
#include <iterator>

#include "tests/unit/across/fleet_simulation.h"

namespace parallax {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using Seconds = std::chrono::seconds;

}  // namespace

void FleetSimulation::plan_trouble() {
  world_.time.after(world_.dice.between(Nanoseconds(0), 2 * between_faults_), nullptr, [this] {
    if (is_troubled_) make_trouble();
    plan_trouble();
  });
}

void FleetSimulation::make_trouble() {
  struct Kind {
    const char* name;
    std::uint64_t weight;
    Fault fault;
  };
  static constexpr Kind kKinds[] = {
      {"a stream is cut", 20, &FleetSimulation::cut_a_stream},
      {"a road is blocked", 20, &FleetSimulation::block_a_road},
      {"a road is slow", 15, &FleetSimulation::slow_a_road},
      {"messages come twice", 6, &FleetSimulation::double_messages},
      {"a probe stands still", 12, &FleetSimulation::stop_a_probe},
      {"a probe is killed", 8, &FleetSimulation::kill_a_probe},
      {"a probe is told to stop", 5, &FleetSimulation::end_a_probe},
      {"definitions are edited", 6, &FleetSimulation::edit_definitions},
      {"a clock is set", 4, &FleetSimulation::set_a_clock},
      {"a probe's disk is full", 3, &FleetSimulation::fill_a_disk},
      {"the disk is slow", 3, &FleetSimulation::slow_the_disk},
      {"the controller stands still", 1, &FleetSimulation::stop_the_controller},
      {"all streams are cut", 1, &FleetSimulation::cut_all_streams},
      {"the controller is killed", 1, &FleetSimulation::kill_the_controller},
      {"the controller is told to stop", 1, &FleetSimulation::end_the_controller},
  };
  std::uint64_t all = 0;
  for (const Kind& kind : kKinds) all += kind.weight;
  std::uint64_t drawn = world_.dice.below(all);
  for (const Kind& kind : kKinds) {
    if (drawn < kind.weight) {
      ++faults_[kind.name];
      return (this->*kind.fault)();
    }
    drawn -= kind.weight;
  }
}

// When one side learns that a stream is dead: at once, after a while, or never by itself.
std::optional<Nanoseconds> FleetSimulation::some_notice() {
  Dice& dice = world_.dice;
  if (dice.one_in(3)) return std::nullopt;
  return dice.one_in(2) ? dice.between(Milliseconds(0), Milliseconds(20)) : dice.between(Seconds(1), Seconds(40));
}

void FleetSimulation::cut_a_stream() {
  const std::size_t number = some_number();
  world_.chronicle.note("stream is cut", probes_[number]->name());
  for (const auto& connection : network_.of(number)) connection->cut(some_notice(), some_notice());
}

void FleetSimulation::cut_all_streams() {
  world_.chronicle.note("all streams are cut", probes_[0]->name());
  for (std::size_t i = 0; i < probes_.size(); ++i)
    for (const auto& connection : network_.of(i)) connection->cut(some_notice(), some_notice());
}

void FleetSimulation::block_a_road() {
  const std::size_t number = some_number();
  Road& road = network_.road(number);
  const std::uint64_t sides = 1 + world_.dice.below(3);
  road.up_is_blocked = road.up_is_blocked || (sides & 1);
  road.down_is_blocked = road.down_is_blocked || (sides & 2);
  const Nanoseconds time = world_.dice.mostly_short(Seconds(1), minutes(4));
  world_.chronicle.note("road is blocked (1 up, 2 down, 3 both) for s", probes_[number]->name(),
                        static_cast<std::int64_t>(sides), time / Seconds(1));
  world_.time.after(time, nullptr, [this, number] { network_.free_road(number); });
}

void FleetSimulation::slow_a_road() {
  const std::size_t number = some_number();
  Road& road = network_.road(number);
  road.up = world_.dice.mostly_short(Milliseconds(1), Seconds(20));
  road.down = world_.dice.mostly_short(Milliseconds(1), Seconds(20));
  world_.chronicle.note("road takes ms up and down", probes_[number]->name(), road.up / Milliseconds(1),
                        road.down / Milliseconds(1));
  world_.time.after(world_.dice.mostly_short(Seconds(5), minutes(1)), nullptr,
                    [this, number] { network_.road(number).up = network_.road(number).down = Milliseconds(20); });
}

void FleetSimulation::double_messages() {
  const std::size_t number = some_number();
  world_.chronicle.note("messages come twice", probes_[number]->name());
  network_.road(number).doubles_one_in = 1 + world_.dice.below(10);
  world_.time.after(world_.dice.mostly_short(Seconds(5), minutes(2)), nullptr,
                    [this, number] { network_.road(number).doubles_one_in = 0; });
}

void FleetSimulation::stop_a_probe() {
  SimulatedProbe& probe = *probes_[some_number()];
  const Nanoseconds time = world_.dice.mostly_short(Milliseconds(200), minutes(5));
  world_.chronicle.note("stands still for ms", probe.name(), time / Milliseconds(1));
  probe.stand_still(time);
}

void FleetSimulation::stop_the_controller() {
  const Nanoseconds time = world_.dice.mostly_short(Milliseconds(200), minutes(3));
  world_.chronicle.note("the controller stands still for ms", probes_[0]->name(), time / Milliseconds(1));
  controller_.stand_still(time);
}

// Now and then it is one that has no process: a twin, which begins its life so.
void FleetSimulation::kill_a_probe() {
  const std::size_t number = some_number();
  SimulatedProbe& probe = *probes_[number];
  world_.chronicle.note("is killed", probe.name());
  if (world_.dice.one_in(3)) {  // with its host: nobody says that its streams are dead
    for (const auto& connection : network_.of(number)) connection->cut(std::nullopt, some_notice());
    probe.lose_power();
  }
  probe.crash();
  world_.time.after(world_.dice.mostly_short(Milliseconds(100), minutes(3)), nullptr,
                    [this, number] { probes_[number]->start(); });
}

void FleetSimulation::end_a_probe() {
  const std::size_t number = some_number();
  world_.chronicle.note("is told to stop", probes_[number]->name());
  probes_[number]->terminate();
  world_.time.after(Seconds(10) + world_.dice.mostly_short(Milliseconds(100), minutes(1)), nullptr,
                    [this, number] { probes_[number]->start(); });
}

void FleetSimulation::edit_definitions() {
  for (std::uint64_t edits = 1 + world_.dice.below(3); edits > 0; --edits) definitions_.edit();
  world_.chronicle.note("definitions are edited", probes_[0]->name());
  controller_.reload();
}

// A second to ten years, both ways; small ones most of the time.
Nanoseconds FleetSimulation::some_step() {
  Dice& dice = world_.dice;
  const Nanoseconds most = dice.one_in(10) ? Nanoseconds(hours(24 * 3653)) : Nanoseconds(hours(1));
  const Nanoseconds step = dice.mostly_short(Seconds(1), most);
  return dice.one_in(2) ? step : -step;
}

void FleetSimulation::set_a_clock() {
  const bool is_controllers = seed_ % 2 == 1 && world_.dice.one_in(6);
  SimulatedProbe& probe = *probes_[some_number()];
  const Nanoseconds off_by =
      is_controllers ? controller_.host().clock_is_off_by() : probe.host().clock_is_off_by();
  // Most are put right again some time.
  const Nanoseconds step = off_by != Nanoseconds(0) && !world_.dice.one_in(3) ? -off_by : some_step();
  world_.chronicle.note(is_controllers ? "the controller's clock is set by s" : "clock is set by s", probe.name(),
                        step / Seconds(1));
  if (is_controllers)
    controller_.set_clock_by(step);
  else
    probe.set_clock_by(step);
}

void FleetSimulation::fill_a_disk() {
  SimulatedProbe& probe = *probes_[some_number()];
  world_.chronicle.note("its disk is full", probe.name());
  probe.let_disk_fail(world_.dice.mostly_short(Seconds(1), minutes(3)));
}

void FleetSimulation::slow_the_disk() {
  const Nanoseconds most =
      world_.dice.one_in(4) ? Nanoseconds(0) : world_.dice.mostly_short(Milliseconds(1), Seconds(5));
  world_.chronicle.note("the disk takes ms at most", probes_[0]->name(), most / Milliseconds(1));
  controller_.set_disk(most);
}

void FleetSimulation::kill_the_controller() {
  world_.chronicle.note("the controller is killed", probes_[0]->name());
  controller_.crash();
  network_.controller_died();
  world_.time.after(world_.dice.mostly_short(Milliseconds(100), minutes(2)), nullptr,
                    [this] { controller_.start(); });
}

void FleetSimulation::end_the_controller() {
  world_.chronicle.note("the controller is told to stop", probes_[0]->name());
  controller_.leave();
  world_.time.after(world_.dice.mostly_short(Seconds(10), minutes(2)), nullptr, [this] {
    if (!controller_.is_up()) network_.controller_died();
    controller_.start();
  });
}

}  // namespace parallax
