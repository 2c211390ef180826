#include "probe/by_hand_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string_view>

#include "base/time.h"
#include "base/utf8.h"
#include "proto/names.h"

namespace parallax {
namespace {

constexpr unsigned kBarWidth = 20;
constexpr std::size_t kReasonWidth = 19;  // most reasons
constexpr const char* kReset = "\x1b[0m";
constexpr const char* kDim = "\x1b[2m";
constexpr const char* kBold = "\x1b[1m";

struct PhaseLook {
  const char* block;
  const char* ascii;
  const char* color;
};

// Neighbours differ without colour, too.
PhaseLook look_of(proto::Phase phase) {
  switch (phase) {
    case proto::PHASE_RESOLVE:
      return {"░", ".", "\x1b[35m"};
    case proto::PHASE_CONNECT:
    case proto::PHASE_SETUP:
      return {"▒", ":", "\x1b[34m"};
    case proto::PHASE_TLS:
      return {"▓", "=", "\x1b[36m"};
    case proto::PHASE_PROCESSING:
    case proto::PHASE_RTT:
      return {"█", "#", "\x1b[33m"};
    case proto::PHASE_TRANSFER:
    default:
      return {"▄", "-", "\x1b[32m"};
  }
}

const char* color_of(proto::State state) {
  switch (state) {
    case proto::STATE_UP:
      return "\x1b[32m";
    case proto::STATE_DEGRADED:
      return "\x1b[33m";
    case proto::STATE_DOWN:
      return "\x1b[31m";
    default:
      return "\x1b[35m";
  }
}

// Well-formed UTF-8 without control characters (C0, DEL, C1): a certificate's name may hold escape sequences.
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

std::string name_of(const proto::Check& check) {
  return printable(check.id().empty() ? check.target() : check.id());
}

bool says_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
  }
  return false;
}

std::string repeated(std::string_view text, unsigned times) {
  std::string all;
  for (unsigned i = 0; i < times; ++i) all += text;
  return all;
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

std::vector<unsigned> bar_cells(const std::vector<std::int64_t>& nanoseconds, unsigned width) {
  const auto whole = std::accumulate(nanoseconds.begin(), nanoseconds.end(), std::int64_t{0});
  std::vector<unsigned> cells(nanoseconds.size(), 0);
  if (whole <= 0) return cells;
  // Where each phase ends, rounded: the ends never overlap and the last one is the width.
  std::int64_t passed = 0;
  unsigned before = 0;
  for (std::size_t i = 0; i < nanoseconds.size(); ++i) {
    passed += nanoseconds[i];
    const auto end = static_cast<unsigned>(static_cast<double>(passed) / static_cast<double>(whole) * width + 0.5);
    cells[i] = end - before;
    before = end;
  }
  return cells;
}

Table::Table(TableStyle style, const std::vector<proto::Check>& checks) : style_(style), name_width_(5) {
  for (const auto& check : checks) name_width_ = std::max(name_width_, name_of(check).size());
}

std::string Table::header() const {
  const auto line = fmt::format("{:<{}}  {:<8}  {:<{}}  {:>8}  {}", "CHECK", name_width_, "STATE", "REASON",
                                kReasonWidth, "TIME", "PHASES");
  return (style_.colors ? kDim + line + kReset : line) + "\n";
}

std::string Table::row(const proto::Check& check, const proto::RunResult& result) const {
  auto state = fmt::format("{:<8}", name(result.state()));
  auto title = fmt::format("{:<{}}", name_of(check), name_width_);
  if (style_.colors) {
    state = color_of(result.state()) + state + kReset;
    title = kBold + title + kReset;
  }
  std::string line = fmt::format("{}  {}  {:<{}}  {:>8}  {}", title, state, name(result.reason()), kReasonWidth,
                                 to_text(Nanoseconds(result.duration_ns())), phases(result));
  line.erase(line.find_last_not_of(' ') + 1);
  line += "\n    " + printable(result.detail());
  if (result.phase() != proto::PHASE_UNSPECIFIED) line += fmt::format(" (in {})", name(result.phase()));
  if (result.attempts() > 1) line += fmt::format(" (attempt {})", result.attempts());
  for (const auto& one : result.facts().addresses())
    line +=
        fmt::format("\n      {}  {}  {}  {}", one.address(), one.state(), one.reason(), printable(one.detail()));
  return line + "\n";
}

std::string Table::phases(const proto::RunResult& result) const {
  std::vector<std::int64_t> times;
  for (const auto& phase : result.phases()) times.push_back(phase.nanoseconds());
  const auto cells = bar_cells(times, kBarWidth);
  std::string bar;
  std::string words;
  for (int i = 0; i < result.phases_size(); ++i) {
    const auto& phase = result.phases(i);
    const auto look = look_of(phase.phase());
    const char* glyph = style_.blocks ? look.block : look.ascii;
    const char* on = style_.colors ? look.color : "";
    const char* off = style_.colors ? kReset : "";
    if (const auto width = cells[static_cast<std::size_t>(i)]; width > 0) bar += on + repeated(glyph, width) + off;
    if (style_.bars) words += fmt::format("  {}{}{}", on, glyph, off);
    words += fmt::format("{}{} {}",
                         style_.bars ? " "
                         : i > 0     ? ", "
                                     : "",
                         name(phase.phase()), to_text(Nanoseconds(phase.nanoseconds())));
  }
  return style_.bars && !words.empty() ? bar + words : words;
}

std::string Table::summary(const std::vector<proto::State>& states) const {
  std::map<proto::State, std::size_t> count;  // up, degraded, down, unknown
  for (const auto state : states) ++count[state];
  std::string parts;
  for (const auto& [state, times] : count) {
    const auto part = fmt::format("{} {}", times, name(state));
    parts += (parts.empty() ? "" : ", ") + (style_.colors ? color_of(state) + part + kReset : part);
  }
  return fmt::format("\n{} {}: {}\n", states.size(), states.size() == 1 ? "run" : "runs", parts);
}

}  // namespace parallax
