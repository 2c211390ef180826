// "Did you mean": the valid name nearest to one that is not.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace parallax {

// How many letters must be inserted, dropped, replaced or swapped with their neighbour (optimal string alignment)
// to make one word of the other; the case of ASCII letters does not matter.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The end of a message about a wrong name: `; did you mean "interval"?` when one of `valid` is near enough,
// else `; there are: a, b, c`, else (nothing is valid) nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> valid);

// What to say of a command line whose first word is neither one of `commands` nor an option: `unknown command
// "rnu"; did you mean "run"?`. Empty when all is well, and when there is no word at all.
std::string unknown_command(std::span<const char* const> arguments, std::span<const std::string> commands);

}  // namespace parallax
