// What a command prints for people: what the reader's screen can show, and text made fit for it.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace parallax {

// As wide as a screen is at least; also where nobody knows.
inline constexpr std::size_t kScreenWidth = 80;

// What the reader's screen can show.
struct TableStyle {
  bool bars = false;    // on a terminal only
  bool colors = false;  // on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb forbids it
  bool blocks = false;  // block characters, where the locale is UTF-8; else ASCII
};
TableStyle style_for(std::FILE* out);

inline constexpr const char* kReset = "\x1b[0m";
inline constexpr const char* kDim = "\x1b[2m";
inline constexpr const char* kBold = "\x1b[1m";
inline constexpr const char* kGreen = "\x1b[32m";
inline constexpr const char* kYellow = "\x1b[33m";
inline constexpr const char* kRed = "\x1b[31m";
inline constexpr const char* kPurple = "\x1b[35m";

// Well-formed UTF-8 without control characters (C0, DEL, C1): a certificate's name may hold escape sequences.
std::string printable(std::string_view bytes);

// How many cells of a screen a printable text takes: a character one.
std::size_t width_of(std::string_view text);

// `text` in lines of at most `width`, broken at spaces, each but the first behind `indent` spaces; a word that is
// longer than that stays whole. `first` cells of the first line are taken already.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t first,
                    std::size_t width = kScreenWidth);

}  // namespace parallax
