// Up to which sequence of each probe's spool everything is counted.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "controller/identity.h"

namespace parallax {

// A probe makes a new spool id with each new disk (in memory: with each start), so the newest few are kept for
// each identity; of an older one nothing more can come.
class AppliedSequences {
 public:
  std::optional<std::uint64_t> applied(const Identity& probe, const std::string& spool_id) const {
    const auto spools = of_.find(probe);
    if (spools == of_.end()) return std::nullopt;
    for (const auto& [id, sequence] : spools->second)
      if (id == spool_id) return sequence;
    return std::nullopt;
  }

  void set(const Identity& probe, const std::string& spool_id, std::uint64_t sequence) {
    auto& spools = of_[probe];
    spools.remove_if([&](const auto& spool) { return spool.first == spool_id; });
    spools.emplace_back(spool_id, sequence);
    if (spools.size() > kMostSpools) spools.pop_front();
  }

  // All of them; of one identity the oldest use first.
  const std::map<Identity, std::list<std::pair<std::string, std::uint64_t>>>& all() const { return of_; }

 private:
  static constexpr std::size_t kMostSpools = 8;
  std::map<Identity, std::list<std::pair<std::string, std::uint64_t>>> of_;  // oldest use first
};

}  // namespace parallax
