#include "probe/settings.h"

#include <fmt/format.h>

#include <charconv>

#include "base/settings.h"
#include "probe/net/guard.h"

namespace parallax {

Result<HostPort> parse_host_port(const std::string& text) {
  const auto wrong = [&] {
    return failure(fmt::format("\"{}\" is not a host and a port, like \"controller.example:7443\"", text));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong();
  HostPort parsed{.host = text.substr(0, colon), .port = 0};
  const bool has_brackets = parsed.host.starts_with('[') && parsed.host.ends_with(']');
  if (has_brackets) parsed.host = parsed.host.substr(1, parsed.host.size() - 2);
  if (parsed.host.empty() || (!has_brackets && parsed.host.find_first_of(":/[] ") != std::string::npos))
    return wrong();
  const char* begin = text.data() + colon + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, parsed.port);
  if (error != std::errc() || stop != end || parsed.port == 0) return wrong();
  return parsed;
}

std::optional<proto::ProbeSettings> read_probe_settings(const std::filesystem::path& file, Problems& problems) {
  proto::ProbeSettings settings;
  if (!read_settings(file, settings, problems)) return std::nullopt;
  const auto complain = [&](const std::string& text) {
    problems.push_back(Problem{.file = file.string(), .text = text});
  };
  for (const auto& controller : settings.controllers())
    if (const auto parsed = parse_host_port(controller); !parsed) complain("controllers: " + parsed.error().what);
  const auto& allow = settings.guard().allow();
  if (const auto guard = Guard::from_prefixes({allow.begin(), allow.end()}); !guard)
    complain("[guard] allow: " + guard.error().what);
  if (has_errors(problems)) return std::nullopt;
  return settings;
}

}  // namespace parallax
