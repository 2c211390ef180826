// docs/checks.md: the files people write, key by key, and what a run of a check says.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/notation.h"
#include "controller/reference/key_table.h"
#include "controller/reference/reference.h"
#include "proto/definition.pb.h"
#include "proto/options.pb.h"
#include "proto/result.pb.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;

constexpr std::string_view kHead = R"(# Check definitions

<!-- Generated from proto/ by `parallax-controller reference`; see CONTRIBUTING.md. -->

A directory kept in git holds one TOML file a service and `locations.toml`. Everything is strict: an unknown key, another type, a
value out of bounds or a name that is there twice is told with `file:line:column`; a set with one problem is refused whole and
the last good one stays in force. `parallax-controller verify DIR` says the same before it is merged: 0 valid, 4 invalid.

Editors with [taplo](https://taplo.tamasfe.dev) (Even Better TOML) complete and check the keys with
[checks.schema.json](checks.schema.json) and [locations.schema.json](locations.schema.json); `.taplo.toml` in this repository
shows how. They see one key at a time; what must fit together only `verify` sees.
)";

constexpr std::string_view kNotation = R"(
## How values are written

- A **duration** is {}: `"60s"` and `"1m"` are the same.
- A **size** is {}.
- An **RE2 pattern** is found anywhere in the text unless it has `^` and `$`; write it in single quotes.
- A **secret** is `{{ file = "name" }}` or `{{ env = "NAME" }}`, found by the probe within its `[secrets]` limits ([settings](settings.md)).
- A **list** has brackets; an inline table stands on one line: `expect = {{ max_loss = 0.2 }}` or a table `[http.expect]` below its `[[http]]`.
- What is **required** has no default. An empty default: nothing, or what the meaning says.
- *Cosmetic*: a change of the key leaves the last result standing. A change of any other drops it and keeps the counters.
)";

void append_table(std::string& page, std::string_view heading, const Descriptor& type,
                  std::set<const Descriptor*>& told) {
  page += fmt::format("\n## {}\n\n{}\n\n", heading, about(type));
  append_example(page, type);
  const std::vector<SchemaKey> keys = keys_of(type);
  append_key_table(page, keys);
  append_inner_tables(page, keys, "###", told);
}

// A table of an enumeration's words: `name` in lower case without its prefix, the state where it tells one, the
// meaning.
void append_words(std::string& page, const EnumDescriptor& type, std::string_view prefix, std::string_view heading,
                  bool with_state) {
  page += fmt::format(
      "\n### {}\n\n{}", heading,
      with_state ? "| word | of a run that is | meaning |\n|---|---|---|\n" : "| word | meaning |\n|---|---|\n");
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    const proto::Meaning& meaning = type.value(i)->options().GetExtension(proto::meaning);
    std::string word = type.value(i)->name().substr(prefix.size());
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    std::vector<std::string> cells = {"`" + word + "`"};
    if (with_state) cells.push_back(meaning.state());
    cells.push_back(meaning.doc());
    append_row(page, cells);
  }
}

void append_results(std::string& page) {
  page +=
      "\n## What a run says\n\nA state, a reason, the phase in which it died, and one sentence of detail for "
      "people.\n";
  append_words(page, *proto::State_descriptor(), "STATE_", "States", false);
  append_words(page, *proto::Reason_descriptor(), "REASON_", "Reasons", true);
  page +=
      "\nA reason of *down* is one of *degraded* when it was a `warn` rule that failed. Where several rules "
      "failed it is the\n"
      "first of status, http_version, tls, headers, body, json, duration, expiry. A reason that the controller "
      "does not know\n"
      "(a newer probe's) is shown as `other`.\n";
  append_words(page, *proto::Phase_descriptor(), "PHASE_", "Phases", false);
  page +=
      "\nPhases are disjoint and additive, and summed over redirects. Where a rule failed there is no phase.\n";
}

}  // namespace

std::string checks_page() {
  std::string page(kHead);
  page += fmt::format(kNotation, kDurationSays, kSizeSays);
  std::set<const Descriptor*> told;
  const Descriptor& locations = *proto::LocationsFile::descriptor();
  page += fmt::format("\n## [[location]]\n\n{}\n\n", about(locations));
  append_example(page, locations);
  append_key_table(page, keys_of(*proto::Location::descriptor()));
  append_table(page, "[service]", *proto::Service::descriptor(), told);
  append_table(page, "Every check, and [defaults]", *proto::Check::descriptor(), told);
  const auto& types = *proto::Check::descriptor()->FindOneofByName("type");
  for (int i = 0; i < types.field_count(); ++i)
    append_table(page, fmt::format("[[{}]]", types.field(i)->name()), *types.field(i)->message_type(), told);
  append_results(page);
  return page;
}

}  // namespace parallax
