#include "probe/by_hand_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string_view>

#include "base/time.h"
#include "probe/by_hand_facts.h"
#include "proto/names.h"

namespace parallax {
namespace {

constexpr unsigned kBarWidth = 20;
constexpr std::size_t kReasonWidth = 19;  // most reasons

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
      return kGreen;
    case proto::STATE_DEGRADED:
      return kYellow;
    case proto::STATE_DOWN:
      return kRed;
    default:
      return kPurple;
  }
}

std::string name_of(const proto::Check& check) {
  return printable(check.id().empty() ? check.target() : check.id());
}

std::string repeated(std::string_view text, unsigned times) {
  std::string all;
  for (unsigned i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

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

std::string Table::header() const {
  const auto line = fmt::format("{:<8}  {:<{}}  {:>8}  CHECK", "STATE", "REASON", kReasonWidth, "TIME");
  return (style_.colors ? kDim + line + kReset : line) + "\n";
}

std::string Table::row(const proto::Check& check, const proto::RunResult& result, Facts facts) const {
  auto state = fmt::format("{:<8}", name(result.state()));
  auto title = name_of(check);
  if (style_.colors) {
    state = color_of(result.state()) + state + kReset;
    title = kBold + title + kReset;
  }
  std::string lines = fmt::format("{}  {:<{}}  {:>8}  {}\n", state, name(result.reason()), kReasonWidth,
                                  to_text(Nanoseconds(result.duration_ns())), title);
  auto detail = printable(result.detail());
  if (result.phase() != proto::PHASE_UNSPECIFIED) detail += fmt::format(" (in {})", name(result.phase()));
  if (result.attempts() > 1) detail += fmt::format(" (attempt {})", result.attempts());
  lines += "    " + indented(detail, 4, 4) + "\n" + phases(result);
  if (facts == Facts::none) return lines;
  constexpr std::size_t kIndent = 4 + kLabelWidth + 2;
  for (const auto& line : fact_lines(result, facts == Facts::all)) {
    auto label = fmt::format("{:<{}}", line.label, kLabelWidth);
    if (style_.colors) label = kDim + label + kReset;
    lines += fmt::format("    {}  {}\n", label, indented(line.text, kIndent, kIndent));
  }
  return lines;
}

std::string Table::indented(const std::string& text, std::size_t indent, std::size_t first) const {
  return style_.bars ? wrapped(text, indent, first) : text;
}

// A line, or none when no phase was entered.
std::string Table::phases(const proto::RunResult& result) const {
  if (result.phases().empty()) return "";
  if (style_.bars) return bars(result);
  std::string words;
  for (const auto& phase : result.phases())
    words += fmt::format("{}{} {}", words.empty() ? "" : ", ", name(phase.phase()),
                         to_text(Nanoseconds(phase.nanoseconds())));
  return "    " + words + "\n";
}

// A bar, and what each of its parts is; these go on below each other where they do not fit.
std::string Table::bars(const proto::RunResult& result) const {
  std::vector<std::int64_t> times;
  for (const auto& phase : result.phases()) times.push_back(phase.nanoseconds());
  const auto cells = bar_cells(times, kBarWidth);
  std::string bar;
  std::string words;
  constexpr std::size_t kIndent = 4 + kBarWidth;
  std::size_t column = kIndent;
  for (int i = 0; i < result.phases_size(); ++i) {
    const auto& phase = result.phases(i);
    const auto look = look_of(phase.phase());
    const char* glyph = style_.blocks ? look.block : look.ascii;
    const char* on = style_.colors ? look.color : "";
    const char* off = style_.colors ? kReset : "";
    bar += on + repeated(glyph, cells[static_cast<std::size_t>(i)]) + off;
    const auto word = fmt::format("{} {}", name(phase.phase()), to_text(Nanoseconds(phase.nanoseconds())));
    const std::size_t needed = 4 + width_of(word);  // two spaces, the glyph, a space
    if (column + needed > kScreenWidth) {
      words += "\n" + std::string(kIndent, ' ');
      column = kIndent;
    }
    words += fmt::format("  {}{}{} {}", on, glyph, off, word);
    column += needed;
  }
  const bool took_no_time = std::accumulate(cells.begin(), cells.end(), 0u) == 0;
  return "    " + bar + (took_no_time ? std::string(kBarWidth, ' ') : "") + words + "\n";
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
