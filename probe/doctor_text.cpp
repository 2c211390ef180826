#include "probe/doctor_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"

namespace parallax {
namespace {

using State = Finding::State;

constexpr std::size_t kStateWidth = 7;
constexpr std::size_t kNameWidth = 11;  // "time-stamps", "authorities", "certificate"
constexpr std::size_t kIndent = kStateWidth + 2 + kNameWidth + 2;

const char* color_of(State state) {
  return state == State::ok ? kGreen : state == State::warning ? kYellow : kRed;
}

std::string summary(const std::vector<Finding>& findings, const TableStyle& style) {
  std::string parts;
  for (const auto state : {State::ok, State::warning, State::trouble}) {
    const auto count =
        std::count_if(findings.begin(), findings.end(), [&](const auto& f) { return f.state == state; });
    if (count == 0) continue;
    const auto part =
        fmt::format("{} {}{}", count, to_text(state), state == State::warning && count > 1 ? "s" : "");
    parts += (parts.empty() ? "" : ", ") + (style.colors ? color_of(state) + part + kReset : part);
  }
  return fmt::format("\n{} checks: {}\n", findings.size(), parts);
}

}  // namespace

std::string doctor_table(const std::vector<Finding>& findings, const TableStyle& style) {
  const auto header = fmt::format("{:<{}}  {:<{}}  FOUND", "STATE", kStateWidth, "CHECK", kNameWidth);
  std::string table = (style.colors ? kDim + header + kReset : header) + "\n";
  for (const auto& finding : findings) {
    auto state = fmt::format("{:<{}}", to_text(finding.state), kStateWidth);
    if (style.colors) state = color_of(finding.state) + state + kReset;
    table += fmt::format("{}  {:<{}}  {}\n", state, finding.name, kNameWidth,
                         wrapped(printable(finding.detail), kIndent, kIndent));
    if (finding.remedy.empty()) continue;
    const auto remedy = printable(finding.remedy);
    table += fmt::format("{:{}}  {:<{}}  {}\n", "", kStateWidth, "mend:", kNameWidth,
                         style.colors ? kBold + remedy + kReset : remedy);
  }
  return table + summary(findings, style);
}

std::string doctor_json(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.open_object().key("checks").open_array();
  for (const auto& finding : findings) {
    json.open_object().member("name", finding.name).member("state", to_text(finding.state));
    json.member("detail", finding.detail).key("remedy");
    finding.remedy.empty() ? json.null() : json.value(finding.remedy);
    json.close_object();
  }
  json.close_array().close_object();
  return json.take() + "\n";
}

}  // namespace parallax
