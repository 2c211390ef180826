#include "controller/explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/nearest.h"
#include "base/slot_grid.h"
#include "controller/plan.h"
#include "proto/names.h"

namespace parallax {
namespace {

// The newest run there and what it says, as the books have it.
void explain_state(const Ledger& ledger, std::string_view id, WallTime now, ExplainedPlace& place) {
  place.state = "no_data";
  const auto check = ledger.checks().find(id);
  if (check == ledger.checks().end()) return;
  const auto book = std::find_if(check->second.places.begin(), check->second.places.end(),
                                 [&](const PlaceBook& candidate) { return candidate.location == place.location; });
  if (book == check->second.places.end()) return;
  if (book->newest) place.last_run = book->newest->started;
  if (const NewestRun* fresh = book->fresh(now)) {
    const auto& result = fresh->result;
    place.state = name(result.state());
    place.why = result.detail().empty() ? std::string(name(result.reason()))
                                        : fmt::format("{}: {}", name(result.reason()), result.detail());
    return;
  }
  if (place.probe.empty())
    place.why = "no probe of this location is connected";
  else if (book->newest)
    place.why = "its newest result is too old: a result is fresh for 2 x every + timeout + 5 s";
  else
    place.why = "no result yet";
}

std::string moment(const std::optional<WallTime>& t) { return t ? to_text(*t, 0) : "-"; }

// A column as wide as its widest entry.
std::string column(const std::string& text, std::size_t width) { return fmt::format("{:<{}}  ", text, width); }

}  // namespace

std::optional<Explanation> explain(std::string_view id, const Definitions& definitions, WallTime in_force_since,
                                   const Ledger& ledger, const std::vector<Fleet::Connected>& connected,
                                   WallTime now) {
  const auto defined = std::find_if(definitions.checks.begin(), definitions.checks.end(),
                                    [&](const DefinedCheck& check) { return check.check.id() == id; });
  if (defined == definitions.checks.end()) return std::nullopt;
  const proto::Check& check = defined->check;
  Explanation explanation{.id = check.id(),
                          .type = std::string(type_name(check)),
                          .target = check.target(),
                          .file = fmt::format("{}:{}", defined->file, defined->line),
                          .revision = definitions.revision,
                          .since = in_force_since,
                          .enabled = check.enabled(),
                          .every = Milliseconds(check.every_ms()),
                          .timeout = Milliseconds(check.timeout_ms()),
                          .globs = {check.locations().begin(), check.locations().end()},
                          .places = {}};
  if (!check.enabled()) return explanation;

  std::set<Identity> probes;
  for (const auto& probe : connected) probes.insert(probe.identity);
  const auto count = static_cast<std::uint32_t>(defined->locations.size());
  for (std::uint32_t k = 0; k < count; ++k) {
    ExplainedPlace place{
        .location = defined->locations[k], .probe = {}, .peer = {}, .state = {}, .why = {}, .last_run = {}};
    if (const Identity* has_it = probe_for(check.id(), place.location, probes)) {
      const auto session = std::find_if(connected.begin(), connected.end(),
                                        [&](const Fleet::Connected& c) { return c.identity == *has_it; });
      place.probe = has_it->probe;
      place.peer = session->peer;
      place.connected = session->since;
    }
    explain_state(ledger, id, now, place);
    const SlotGrid grid(check.id(), Milliseconds(check.every_ms()), k, count);
    place.next_due = grid.due(grid.current(now) + 1);
    explanation.places.push_back(std::move(place));
  }
  return explanation;
}

std::string to_table(const Explanation& of, WallTime now) {
  std::string text = fmt::format("{} ({} {})\n", of.id, of.type, of.target);
  text += fmt::format("  defined  {}, revision {}; unchanged at least since {}\n", of.file, of.revision,
                      to_text(of.since, 0));
  text += fmt::format("  runs     every {}, timeout {}\n", to_text(Nanoseconds(of.every)),
                      to_text(Nanoseconds(of.timeout)));
  if (!of.enabled) return text + "  where    nowhere: enabled = false\n";
  std::vector<std::string> names;
  for (const auto& place : of.places) names.push_back(place.location);
  text += fmt::format("  where    locations = [\"{}\"] are {}\n\n", fmt::join(of.globs, "\", \""),
                      names.empty() ? "none of locations.toml" : fmt::format("{}", fmt::join(names, ", ")));

  std::vector<std::array<std::string, 6>> rows = {
      {"LOCATION", "PROBE", "CONNECTED SINCE", "STATE", "LAST RUN", "NEXT DUE"}};
  for (const auto& place : of.places)
    rows.push_back({place.location, place.probe.empty() ? "none" : fmt::format("{} ({})", place.probe, place.peer),
                    place.probe.empty() ? "-" : to_text(place.connected, 0), place.state, moment(place.last_run),
                    "in " + to_text(Nanoseconds(place.next_due - now))});
  std::array<std::size_t, 6> width{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    text += "  ";
    for (std::size_t i = 0; i < width.size(); ++i) text += column(rows[r][i], width[i]);
    text += r == 0 ? "WHY" : of.places[r - 1].why;
    text += '\n';
  }
  return text;
}

std::string to_json(const Explanation& of) {
  JsonWriter json;
  json.open_object()
      .member("check", of.id)
      .member("type", of.type)
      .member("target", of.target)
      .member("file", of.file)
      .member("revision", of.revision)
      .member("since", to_text(of.since))
      .member("enabled", of.enabled)
      .member("every_seconds", seconds(of.every))
      .member("timeout_seconds", seconds(of.timeout));
  json.key("locations_written").open_array();
  for (const auto& glob : of.globs) json.value(glob);
  json.close_array().key("locations").open_array();
  for (const auto& place : of.places) {
    const bool has_probe = !place.probe.empty();
    json.open_object()
        .member("location", place.location)
        .member("probe", has_probe ? std::optional<std::string>(place.probe) : std::nullopt)
        .member("peer", has_probe ? std::optional<std::string>(place.peer) : std::nullopt)
        .member("connected_since", has_probe ? std::optional<std::string>(to_text(place.connected)) : std::nullopt)
        .member("state", place.state)
        .member("why", place.why)
        .member("last_run", place.last_run ? std::optional<std::string>(to_text(*place.last_run)) : std::nullopt)
        .member("next_due", to_text(place.next_due))
        .close_object();
  }
  json.close_array().close_object();
  return json.take() + "\n";
}

std::string no_such_check(std::string_view id, const Definitions& definitions) {
  std::vector<std::string> ids;
  for (const auto& check : definitions.checks) ids.push_back(check.check.id());
  return fmt::format("there is no check \"{}\"{}", id, did_you_mean(id, ids));
}

}  // namespace parallax
