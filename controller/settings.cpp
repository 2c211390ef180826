#include "controller/settings.h"

#include <fmt/format.h>

#include "base/listen_address.h"
#include "base/settings.h"

namespace parallax {

bool read_controller_settings(const std::string& file, proto::ControllerSettings& settings, Problems& problems) {
  if (!read_settings(file, settings, problems)) return false;
  const auto complain = [&](std::string text) {
    problems.push_back({.file = file, .line = 0, .column = 0, .text = std::move(text)});
    return false;
  };
  const auto web = parse_listen_address(settings.web().listen());
  if (!web) return complain("[web] listen: " + web.error().what);
  const auto fleet = parse_listen_address(settings.fleet().listen());
  if (!fleet) return complain("[fleet] listen: " + fleet.error().what);
  if (!web->address().is_loopback() && !settings.web().allow_plain_http())
    return complain(
        fmt::format("[web] listen = \"{}\" would serve plain HTTP beyond this host; listen on 127.0.0.1, or "
                    "set allow_plain_http = true in [web]",
                    settings.web().listen()));
  return true;
}

std::string control_socket(const proto::ControllerSettings& settings) {
  return "unix:" + settings.state_dir() + "/control.sock";
}

}  // namespace parallax
