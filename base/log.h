// Log lines for the person on call, to stderr: one line an event, logfmt or JSON.
//
//   time=2026-01-31T10:00:00.123Z level=warn msg="probe refused" peer=192.0.2.7:4711 reason="certificate has
//   expired"
//
// Thread-safe. Owned by main; outlives everything that logs. Secrets never go in here.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace parallax {

class Log {
 public:
  enum class Level { debug, info, warn, error };
  enum class Format { logfmt, json };
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

  // Writes to `out`, which stays the caller's.
  Log(const Clock& clock, Format format, Level least, std::FILE* out = stderr);

  void debug(std::string_view message, Fields fields = {}) { write(Level::debug, message, fields); }
  void info(std::string_view message, Fields fields = {}) { write(Level::info, message, fields); }
  void warn(std::string_view message, Fields fields = {}) { write(Level::warn, message, fields); }
  void error(std::string_view message, Fields fields = {}) { write(Level::error, message, fields); }

  // For what lasts: writes only when `state` differs from the last one given for `topic`
  // ("uplink" is "connected", then "certificate expired", ...). True when it wrote.
  bool on_change(std::string_view topic, std::string_view state, Level level, std::string_view message,
                 Fields fields = {});

  // Takes the settings' words; "logfmt" and "info" for a word it does not know.
  void configure(std::string_view format, std::string_view level);

 private:
  void write(Level level, std::string_view message, Fields fields);

  const Clock& clock_;
  Format format_;
  Level least_;
  std::FILE* out_;
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> last_state_;
};

}  // namespace parallax
