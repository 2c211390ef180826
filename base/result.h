// Our own trouble as a value. What a target did wrong is not an Error: that is an outcome.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace parallax {

// What went wrong, for people: names the thing, what was tried, and the next step.
struct Error {
  std::string what;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(std::string what) { return std::unexpected(Error{std::move(what)}); }

}  // namespace parallax
