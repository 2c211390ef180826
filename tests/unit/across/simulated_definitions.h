// Definitions that somebody edits at random.
#pragma once

#include <cstddef>
#include <string>

#include "definitions/definitions.h"
#include "tests/unit/across/simulated_time.h"

namespace parallax {

// Owned by the simulation; the dice outlive it.
class SimulatedDefinitions {
 public:
  SimulatedDefinitions(Dice& dice, std::size_t locations, std::size_t checks);

  static std::string location(std::size_t number);
  const Definitions& now() const { return definitions_; }
  // One edit: a check comes, goes, rests, changes, runs at another interval or at other places.
  void edit();
  // The longest that a result stays fresh.
  Milliseconds longest_lifetime() const;

 private:
  DefinedCheck new_check();
  void choose_places(DefinedCheck& defined);
  void choose_interval(DefinedCheck& defined);

  Dice& dice_;
  std::size_t locations_;
  std::size_t made_ = 0;
  std::size_t edits_ = 0;
  Definitions definitions_;
};

}  // namespace parallax
