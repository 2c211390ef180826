#include "tests/unit/across/simulated_definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace parallax {

SimulatedDefinitions::SimulatedDefinitions(Dice& dice, std::size_t locations, std::size_t checks)
    : dice_(dice), locations_(locations) {
  for (std::size_t i = 0; i < locations; ++i) {
    proto::Location& place = definitions_.locations.emplace_back();
    place.set_name(location(i));
    place.set_zone("zone");
  }
  definitions_.services.emplace_back().set_name("shop");
  definitions_.revision = "r0";
  while (definitions_.checks.size() < checks) definitions_.checks.push_back(new_check());
}

std::string SimulatedDefinitions::location(std::size_t number) { return fmt::format("place-{:02}", number); }

DefinedCheck SimulatedDefinitions::new_check() {
  constexpr std::array kUpWhen = {"any", "majority", "all", "2"};
  DefinedCheck defined;
  proto::Check& check = defined.check;
  check.set_service("shop");
  check.set_name(fmt::format("check-{}", made_++));
  check.set_id("shop/" + check.name());
  check.set_target("https://shop.example/");
  check.mutable_http()->set_url(check.target());
  check.set_up_when(dice_.one_of(kUpWhen));
  check.set_enabled(true);
  choose_interval(defined);
  choose_places(defined);
  return defined;
}

void SimulatedDefinitions::choose_interval(DefinedCheck& defined) {
  constexpr std::array kSeconds = {2, 5, 10, 15, 30, 60};
  const int every = dice_.one_of(kSeconds);
  defined.check.set_every_ms(every * 1000);
  defined.check.set_timeout_ms(every * 500);
  defined.fingerprint = fingerprint(defined.check);
}

void SimulatedDefinitions::choose_places(DefinedCheck& defined) {
  std::set<std::string> places;
  const std::uint64_t count = 1 + dice_.below(std::min<std::size_t>(9, locations_));
  while (places.size() < count) places.insert(location(dice_.below(locations_)));
  defined.locations.assign(places.begin(), places.end());
}

void SimulatedDefinitions::edit() {
  definitions_.revision = fmt::format("r{}", ++edits_);
  auto& checks = definitions_.checks;
  const std::size_t which = dice_.below(checks.size());
  DefinedCheck& defined = checks[which];
  switch (dice_.below(7)) {
    case 0:
      return checks.push_back(new_check());
    case 1:
      if (checks.size() > 3) checks.erase(checks.begin() + static_cast<std::ptrdiff_t>(which));
      return;
    case 2:
      defined.check.set_enabled(!defined.check.enabled());
      break;
    case 3:
      choose_interval(defined);
      break;
    case 4:
      choose_places(defined);
      break;
    case 5:  // words only: everything stays
      defined.check.set_title(fmt::format("The title of revision {}", edits_));
      break;
    default:
      defined.check.set_target(fmt::format("https://shop.example/{}", edits_));
      defined.check.mutable_http()->set_url(defined.check.target());
  }
  defined.fingerprint = fingerprint(defined.check);
}

Milliseconds SimulatedDefinitions::longest_lifetime() const { return Milliseconds(2 * 60'000 + 30'000 + 5'000); }

}  // namespace parallax
