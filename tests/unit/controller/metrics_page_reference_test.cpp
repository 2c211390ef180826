// docs/metrics.md and a real page name the same families, types, labels and words, both ways.
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "controller/exposition.h"
#include "controller/reference/reference.h"
#include "tests/unit/controller/shop.h"

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// What is known of one family: its type, its labels, and of those with a closed set their words.
struct Shown {
  std::string type;
  std::map<std::string, std::set<std::string>> labels;

  bool operator==(const Shown&) const = default;
};
using Families = std::map<std::string, Shown>;

std::string to_text(const Families& families) {
  std::string text;
  for (const auto& [name, shown] : families) {
    text += name + " " + shown.type;
    for (const auto& [label, words] : shown.labels) {
      text += " " + label;
      for (const std::string& word : words) text += "|" + word;
    }
    text += "\n";
  }
  return text;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

// "service check outcome=up|down": labels, some with their words.
void add_labels(Shown& shown, const std::string& labels) {
  for (const std::string& label : split(labels, ' ')) {
    const auto parts = split(label, '=');
    if (parts.empty()) continue;
    auto& words = shown.labels[parts[0]];
    if (parts.size() < 2) continue;
    for (const std::string& word : split(parts[1], '|')) words.insert(word);
  }
}

// `text` between the first two backquotes; empty where there are none.
std::string in_backquotes(const std::string& text) {
  const auto begin = text.find('`');
  return begin == std::string::npos ? "" : text.substr(begin + 1, text.find('`', begin + 1) - begin - 1);
}

Families told_in_the_reference() {
  Families families;
  std::string of_each;
  for (std::string line : split(metrics_page(), '\n')) {
    if (line.starts_with("## ")) of_each.clear();
    if (line.starts_with("Labels of each: ")) of_each = in_backquotes(line);
    if (!line.starts_with("| `")) continue;
    for (auto at = line.find("\\|"); at != std::string::npos; at = line.find("\\|", at + 1))
      line.replace(at, 2, "/");
    auto cells = split(line, '|');
    if (cells.size() < 6) continue;  // a row of words and meanings
    for (char& c : cells[3])
      if (c == '/') c = '|';
    Shown& shown = families[in_backquotes(cells[1])];
    shown.type = cells[2].substr(1, cells[2].size() - 2);
    if (shown.type == "info") shown.type = "gauge";  // in text 0.0.4
    add_labels(shown, of_each);
    add_labels(shown, in_backquotes(cells[3]));
  }
  return families;
}

// name="value",... as it stands between braces; only labels in `closed` keep their words.
void add_sample(Shown& shown, const std::string& labels, const Shown& told) {
  for (std::size_t at = 0; at < labels.size();) {
    const auto equals = labels.find("=\"", at);
    const auto end = labels.find('"', equals + 2);
    const std::string name = labels.substr(at, equals - at);
    const std::string word = labels.substr(equals + 2, end - equals - 2);
    at = end + 2;
    if (name == "le") continue;
    auto& words = shown.labels[name];
    const auto known = told.labels.find(name);
    if (known != told.labels.end() && !known->second.empty()) words.insert(word);
  }
}

Families shown_on(const std::string& page, const Families& told) {
  Families families;
  std::string family;
  for (const std::string& line : split(page, '\n')) {
    const auto words = split(line, ' ');
    if (line.starts_with("# TYPE ")) families[family = words[2]].type = words[3];
    if (line.starts_with("#")) continue;
    const auto brace = line.find('{');
    const auto known = told.find(family);
    if (brace != std::string::npos)
      add_sample(families[family], line.substr(brace + 1, line.rfind('}') - brace - 1),
                 known == told.end() ? Shown() : known->second);
  }
  return families;
}

// Sets every field of a message of facts; lists get one element.
void fill(Message& facts) {
  const auto& reflection = *facts.GetReflection();
  for (int i = 0; i < facts.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = facts.GetDescriptor()->field(i);
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        fill(field->is_repeated() ? *reflection.AddMessage(&facts, field)
                                  : *reflection.MutableMessage(&facts, field));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        if (field->is_repeated())
          reflection.AddString(&facts, field, "word");
        else
          reflection.SetString(&facts, field, "word");
        break;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (field->is_repeated())
          reflection.AddDouble(&facts, field, 1);
        else
          reflection.SetDouble(&facts, field, 1);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(&facts, field, 200);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        reflection.SetUInt32(&facts, field, 4);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&facts, field, 4);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&facts, field, true);
        break;
      default:
        FAIL() << "a fact of a kind that this test does not fill: " << field->full_name();
    }
  }
}

// A run that told all there is to tell.
proto::RunResult full_run(const DefinedCheck& check, std::int64_t slot) {
  proto::RunResult run = run_of(check, slot, proto::STATE_UP);
  fill(*run.mutable_facts());
  for (int i = 1; i < proto::Phase_ARRAYSIZE; ++i) {
    proto::PhaseTime& time = *run.add_phases();
    time.set_phase(static_cast<proto::Phase>(i));
    time.set_nanoseconds(1'000'000);
  }
  return run;
}

// One check of each type, each down once and then up; a probe that tells of itself; a controller that reloaded.
std::string full_page() {
  std::vector<DefinedCheck> checks = {http_check("shop", "health", {"a"}), tls_check("shop", "certificate", {"a"}),
                                      ping_check("shop", "edge", {"a"})};
  for (DefinedCheck& defined : checks) {
    // So that `counts` has both its words.
    defined.check.set_counts(!defined.check.has_ping());
    defined.fingerprint = fingerprint(defined.check);
  }
  Definitions definitions = set_of(checks);
  definitions.services[0].mutable_objective()->set_availability(99.9);
  definitions.services[0].mutable_objective()->set_latency_ms(300);
  Ledger ledger;
  ledger.apply_definitions(shared(definitions), kStart);
  WallTime now = kStart;
  for (const DefinedCheck& check : checks) {
    const std::int64_t slot = grid_of(check).current(kStart) + 1;
    now = std::max(now, grid_of(check).due(slot + 1) + std::chrono::seconds(1));
    ledger.apply(probe_at("a"), run_of(check, slot, proto::STATE_DOWN), Milliseconds(0), now);
    ledger.apply(probe_at("a"), full_run(check, slot + 1), Milliseconds(0), now);
  }
  FleetBook fleet;
  fleet.connected(probe_at("a"), {}, now);
  proto::Heartbeat beat;
  beat.set_certificate_expiry_timestamp_seconds(1774778400);
  fleet.heartbeat(probe_at("a"), beat, Milliseconds(0), now);
  ControllerFigures controller{.version = "0.1.0", .revision = "abc", .last_reload_ok = true, .process = {}};
  controller.last_reload_success = kStart;
  return joined(write_exposition(ExpositionFormat::text, ledger, fleet, controller, {}, now));
}

TEST(MetricsReference, TellsOfEveryFamilyWithItsTypeAndLabelsAndOfNoOther) {
  const Families told = told_in_the_reference();
  EXPECT_GT(told.size(), 60U);
  EXPECT_EQ(to_text(told), to_text(shown_on(full_page(), told)));
}

}  // namespace
}  // namespace parallax
