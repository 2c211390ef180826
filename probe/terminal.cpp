#include "probe/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/utf8.h"

namespace parallax {
namespace {

bool says_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
  }
  return false;
}

}  // namespace

TableStyle style_for(std::FILE* out) {
  TableStyle style;
  style.bars = isatty(fileno(out)) == 1;
  if (!style.bars) return style;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool is_dumb = term == nullptr || std::string_view(term) == "dumb";
  style.colors = (no_color == nullptr || *no_color == '\0') && !is_dumb;
  style.blocks = says_utf8();
  return style;
}

std::string printable(std::string_view bytes) {
  std::string text;
  append_utf8(text, bytes);
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (is_c1) ++i;
    shown += is_c1 || byte < 0x20 || byte == 0x7f ? '?' : text[i];
  }
  return shown;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t first, std::size_t width) {
  std::string lines;
  std::size_t column = first;
  std::size_t spaces = 0;  // before the next word, unless it begins a line
  bool at_start = true;    // of a line
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!word.empty()) {
      if (!at_start && column + spaces + width_of(word) > width) {
        lines += "\n" + std::string(indent, ' ');
        column = indent;
        at_start = true;
      }
      const std::size_t before = at_start ? 0 : spaces;
      lines += std::string(before, ' ');
      lines += word;
      column += before + width_of(word);
      at_start = false;
      spaces = 0;
    }
    ++spaces;
  }
  return lines;
}

}  // namespace parallax
