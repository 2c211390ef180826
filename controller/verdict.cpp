#include "controller/verdict.h"

#include <algorithm>
#include <charconv>

namespace parallax {
namespace {

// How many of `measured` locations must see the check up.
std::uint32_t needed(std::string_view up_when, std::uint32_t measured) {
  if (up_when == "any") return 1;
  if (up_when == "all") return measured;
  std::uint32_t number = 0;
  const auto read = std::from_chars(up_when.data(), up_when.data() + up_when.size(), number);
  if (read.ec == std::errc() && number > 0) return std::min(number, measured);
  return measured / 2 + 1;  // majority
}

}  // namespace

std::optional<bool> verdict(std::string_view up_when, const Votes& votes) {
  const std::uint32_t least = up_when == "any" ? 1 : votes.expected / 2 + 1;
  if (votes.measured < least) return std::nullopt;
  return votes.up >= needed(up_when, votes.measured);
}

std::optional<bool> service_verdict(std::span<const std::optional<bool>> checks_that_count) {
  bool all_have_one = !checks_that_count.empty();
  for (const std::optional<bool>& up : checks_that_count) {
    if (up == false) return false;
    all_have_one = all_have_one && up.has_value();
  }
  if (!all_have_one) return std::nullopt;
  return true;
}

}  // namespace parallax
