// docs/settings.md: probe.toml and controller.toml key by key, and the exit statuses of the commands.
#include <fmt/format.h>

#include <set>
#include <string>

#include "base/notation.h"
#include "controller/reference/key_table.h"
#include "controller/reference/reference.h"
#include "proto/settings.pb.h"

namespace parallax {
namespace {

using google::protobuf::Descriptor;

constexpr std::string_view kHead = R"(# Settings and commands

<!-- Generated from proto/ by `parallax-controller reference`; see CONTRIBUTING.md. -->

Settings are read as strictly as check definitions: an unknown key or a value out of bounds is told with `file:line:column` and the
program exits with 4. Every key but `controllers` has a default that serves. Relative paths are relative to the file. A size is
{}.
)";

// By hand: the statuses lie where each command ends. tests/lint/reference.test finds a command that is not here.
constexpr std::string_view kCommands = R"(
## Commands

Results go to stdout, problems and logs to stderr.

| command | exit status |
|---|---|
| `parallax-probe serve` | 0 told to stop; 1 trouble while running; 2 bad usage; 4 invalid settings |
| `parallax-probe run` | 0 all up or degraded; 1 something is down; 2 bad usage, a missing file, an unknown check or scheme; else 3 something is unknown; 4 invalid definitions |
| `parallax-probe doctor` | 0 all well, warnings included; 1 something is missing that a probe needs; 2 bad usage; 4 invalid settings (the host is looked at all the same) |
| `parallax-controller serve` | 0 told to stop; 1 trouble while running, like a port in use; 2 bad usage; 4 invalid settings or certificates, or invalid definitions and none accepted before |
| `parallax-controller verify` | 0 valid, warnings included; 2 bad usage or a missing file; 4 invalid |
| `parallax-controller rules` | 0 printed, or `--compare` found no difference; 1 it found one; 2 bad usage or a missing file; 4 invalid definitions |
| `parallax-controller explain` | 0 told; 1 no controller answers; 2 bad usage or no such check; 4 invalid settings |
| `parallax-controller forget` | 0 forgotten; 1 no controller answers; 2 bad usage or no such probe; 4 invalid settings |
| `parallax-controller reference` | 0 printed or written; 1 a file cannot be written; 2 bad usage or no such page |
)";

void append_file(std::string& page, std::string_view name, const Descriptor& type,
                 std::set<const Descriptor*>& told) {
  page += fmt::format("\n## {}\n\n{}\n\n", name, about(type));
  append_example(page, type);
  append_key_table(page, keys_of(type));
  append_inner_tables(page, keys_of(type), "###", told);
}

}  // namespace

std::string settings_page() {
  std::string page = fmt::format(kHead, kSizeSays);
  std::set<const Descriptor*> told;
  append_file(page, "probe.toml", *proto::ProbeSettings::descriptor(), told);
  append_file(page, "controller.toml", *proto::ControllerSettings::descriptor(), told);
  page += kCommands;
  return page;
}

}  // namespace parallax
