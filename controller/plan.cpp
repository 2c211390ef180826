#include "controller/plan.h"

#include "base/slot_grid.h"

namespace parallax {
namespace {

// FNV alone keeps the order of names that differ in their last letter: mix its bits (the finalizer of SplitMix64).
std::uint64_t weight(const std::string& probe, const std::string& check_id) {
  std::uint64_t hash = fnv1a_64(probe + '\n' + check_id);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

}  // namespace

const Identity* probe_for(const std::string& check_id, const std::string& location,
                          const std::set<Identity>& probes) {
  const Identity* best = nullptr;
  std::uint64_t best_weight = 0;
  for (auto probe = probes.lower_bound({location, ""}); probe != probes.end() && probe->location == location;
       ++probe) {
    const std::uint64_t its = weight(probe->probe, check_id);
    if (best && its <= best_weight) continue;
    best = &*probe;
    best_weight = its;
  }
  return best;
}

void show_check(const PlannedCheck& planned, proto::AssignedCheck& assigned) {
  assigned.unsafe_arena_set_allocated_check(const_cast<proto::Check*>(&planned.defined->check));
  assigned.set_definition(planned.defined->fingerprint);
  assigned.set_location_index(planned.location_index);
  assigned.set_location_count(static_cast<std::uint32_t>(planned.defined->locations.size()));
}

Plan make_plan(const Definitions& definitions, const std::set<Identity>& connected) {
  Plan plan;
  for (const auto& probe : connected) plan[probe];
  for (const auto& defined : definitions.checks) {
    if (!defined.check.enabled()) continue;
    for (std::size_t k = 0; k < defined.locations.size(); ++k) {
      const Identity* probe = probe_for(defined.check.id(), defined.locations[k], connected);
      if (!probe) continue;
      plan[*probe].push_back({&defined, static_cast<std::uint32_t>(k)});
    }
  }
  return plan;
}

}  // namespace parallax
