// controller.toml, read and checked.
#pragma once

#include <string>

#include "base/problem.h"
#include "proto/settings.pb.h"

namespace parallax {

// False when it is not valid; `problems` then says why. Beyond the rules of each key: plain HTTP only on loopback
// unless allowed.
bool read_controller_settings(const std::string& file, proto::ControllerSettings& settings, Problems& problems);

// "unix:STATE_DIR/control.sock", as base/web_server.h has it.
std::string control_socket(const proto::ControllerSettings& settings);

}  // namespace parallax
