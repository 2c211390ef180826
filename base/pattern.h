// A regular expression that a person wrote: RE2 syntax, time linear in the text. The one door to RE2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace parallax {

// Copies share the compiled expression; safe to use from several threads.
class Pattern {
 public:
  // The error is what RE2 says is wrong: "missing ): (UP".
  static Result<Pattern> compile(std::string_view expression);

  bool matches_whole(std::string_view text) const;
  bool found_in(std::string_view text) const;

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace parallax
