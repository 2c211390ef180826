// `parallax-controller serve`: everything the controller is made of, in the order it starts.
#pragma once

#include <map>
#include <string>

namespace parallax {

// Serves until SIGTERM or SIGINT. The exit status: 0 then, 1 for trouble like a port in use, 4 for settings or
// definitions that are not valid (and no accepted set kept).
int serve(const std::string& config_file);

// `explain` and `forget`: asks the running controller of `config_file` and prints its answer. The exit status: 0,
// 1 when no controller answers, 2 for a check or probe it does not know, 4 for invalid settings.
int ask_controller(const std::string& config_file, const std::string& method, const std::string& path,
                   const std::multimap<std::string, std::string>& query);

}  // namespace parallax
