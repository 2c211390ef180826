#include "tests/unit/across/fleet_simulation.h"

#include <fmt/format.h>

#include <algorithm>

namespace parallax {
namespace {

using std::chrono::minutes;

constexpr std::size_t kProbes = 50;
constexpr std::size_t kTwins = 2;  // more that have the certificate of one of them

}  // namespace

FleetSimulation::FleetSimulation(std::uint64_t seed)
    : seed_(seed),
      world_(seed),
      definitions_(world_.dice, 15 + world_.dice.below(20), 12 + world_.dice.below(10)),
      network_(world_, kProbes + kTwins),
      between_faults_(world_.dice.mostly_short(Milliseconds(200), Milliseconds(4000))) {
  add_probes();
  controller_.start();
  plan_trouble();
}

void FleetSimulation::add_probes() {
  Dice& dice = world_.dice;
  const std::size_t locations = definitions_.now().locations.size();
  for (std::size_t i = 0; i < kProbes + kTwins; ++i) {
    const bool is_twin = i >= kProbes;
    const std::size_t whose = is_twin ? dice.below(kProbes) : i;
    SimulatedProbe::Settings settings;
    settings.location = SimulatedDefinitions::location(whose % locations);
    settings.name = fmt::format("probe-{:02}", whose);
    settings.is_twin = is_twin;
    settings.max_bytes =
        static_cast<std::size_t>(dice.mostly_short(Nanoseconds(1000), Nanoseconds(200'000)).count());
    controller_.knows(i, settings.location, settings.name);
    network_.road(i).up = dice.mostly_short(Milliseconds(1), Milliseconds(200));
    network_.road(i).down = dice.mostly_short(Milliseconds(1), Milliseconds(200));
    probes_.push_back(
        std::make_unique<SimulatedProbe>(world_, network_, book_, controller_, i, std::move(settings)));
    if (!is_twin) probes_.back()->start();
  }
}

bool FleetSimulation::run(std::uint64_t steps) {
  is_troubled_ = true;
  while (steps_ < steps && !world_.chronicle.is_broken()) step();
  controller_.check_everything();
  return !world_.chronicle.is_broken();
}

void FleetSimulation::step() {
  world_.time.step();
  ++steps_;
  if (steps_ % 16 == 0) probes_[steps_ / 16 % probes_.size()]->check_promises();
  if (steps_ % 4096 == 0) controller_.check_everything();
}

bool FleetSimulation::pass(Nanoseconds time) {
  const Nanoseconds until = world_.time.now() + time;
  while (world_.time.now() < until && !world_.chronicle.is_broken()) step();
  return !world_.chronicle.is_broken();
}

bool FleetSimulation::heal() {
  is_troubled_ = false;
  world_.chronicle.note("all heals", probes_[0]->name());
  controller_.stand_still(Nanoseconds(0));
  controller_.start();
  controller_.set_disk(Milliseconds(20));
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    network_.free_road(i);
    network_.road(i).up = network_.road(i).down = Milliseconds(5);
    network_.road(i).doubles_one_in = 0;
    probes_[i]->stand_still(Nanoseconds(0));
    probes_[i]->let_disk_fail(Nanoseconds(0));
    if (probes_[i]->settings().is_twin)
      probes_[i]->crash();
    else
      probes_[i]->start();
  }
  if (!pass(minutes(2))) return false;
  for (const auto& probe : probes_) probe->rest();
  if (!pass(definitions_.longest_lifetime() + minutes(1))) return false;

  for (const auto& probe : probes_)
    if (probe->backlog() > 0)
      world_.chronicle.broken(fmt::format("{} still holds {} records", probe->name(), probe->backlog()));
  if (controller_.connected() != kProbes)
    world_.chronicle.broken(fmt::format("{} of {} probes came back", controller_.connected(), kProbes));
  controller_.check_everything();
  controller_.check_nothing_is_shown();
  check_no_slot_is_missing();
  for (const auto& probe : probes_) {
    probe->check_promises();
    probe->go_on();
  }
  return !world_.chronicle.is_broken();
}

bool FleetSimulation::is_served_by_one_good_clock(const std::string& location) const {
  int probes = 0;
  for (const auto& probe : probes_) {
    if (probe->settings().location != location) continue;
    ++probes;
    if (probe->settings().is_twin || probe->host().clock_was_set_since(Nanoseconds(0))) return false;
  }
  return probes == 1;
}

// Where one probe serves a location and nobody set a clock, every slot from the first to the last is accounted
// for, whatever happened to the probe meanwhile. A check that was taken out and put back is a new one, and so is
// one whose interval was changed and changed back: of its earlier slots only those come that a probe still had.
void FleetSimulation::check_no_slot_is_missing() {
  if (controller_.host().clock_was_set_since(Nanoseconds(0))) return;
  for (const auto& [name, place] : book_.places()) {
    if (place.accounted.size() != 1 || !is_served_by_one_good_clock(name.second)) continue;
    const auto& [every_ms, slots] = *place.accounted.begin();
    if (slots.empty()) continue;
    const std::int64_t expected = SlotGrid(name.first, Milliseconds(every_ms), 0, 1).current(place.since) + 2;
    const auto [first, last] = std::minmax_element(slots.begin(), slots.end());
    std::int64_t missing = std::max(*first, expected);
    while (slots.contains(missing)) ++missing;
    if (missing > *last) continue;
    world_.chronicle.broken(fmt::format("{} at {}: slot {} is accounted for by nobody, of {} to {}", name.first,
                                        name.second, missing, *first, *last));
  }
}

std::string FleetSimulation::report() const {
  return fmt::format("PARALLAX_SEED={} replays this. Step {}, after {}:\n  {}\nThe last events:\n{}", seed_,
                     steps_, to_text(world_.time.now()), world_.chronicle.what_broke(),
                     world_.chronicle.last_events());
}

}  // namespace parallax
