#include "base/time.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <ctime>

namespace parallax {

Instant SystemClock::now() const { return std::chrono::steady_clock::now(); }

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::int64_t unix_ms(WallTime t) {
  return std::chrono::floor<std::chrono::milliseconds>(t).time_since_epoch().count();
}

std::int64_t unix_us(WallTime t) { return t.time_since_epoch().count(); }

double unix_seconds(WallTime t) { return static_cast<double>(unix_us(t)) / 1e6; }

WallTime from_unix_us(std::int64_t us) { return WallTime(std::chrono::microseconds(us)); }

std::string to_text(WallTime t, int digits) {
  const auto second = std::chrono::floor<std::chrono::seconds>(t);
  const auto fraction = (t - second).count();
  const std::time_t unix_time = second.time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&unix_time, &parts);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                                 parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (digits == 3) text += fmt::format(".{:03}", fraction / 1000);
  if (digits == 6) text += fmt::format(".{:06}", fraction);
  return text + "Z";
}

std::string to_text(Nanoseconds d) {
  const double s = std::abs(seconds(d));
  const char* sign = d.count() < 0 ? "-" : "";
  if (s < 1e-6) return fmt::format("{}{} ns", sign, std::abs(d.count()));
  if (s < 1e-3)
    // Every ping says it: nothing to read, no digits to find.
    return fmt::format(FMT_COMPILE("{}{} us"), sign, std::llrint(s * 1e6));
  if (s < 0.01) return fmt::format("{}{:.1f} ms", sign, s * 1e3);
  if (s < 1) return fmt::format("{}{:.0f} ms", sign, s * 1e3);
  if (s < 60) return fmt::format("{}{:.3g} s", sign, s);
  if (s < 2 * 3600) return fmt::format("{}{:.0f} min", sign, s / 60);
  if (s < 2 * 86400) return fmt::format("{}{:.0f} hours", sign, s / 3600);
  return fmt::format("{}{:.0f} days", sign, std::floor(s / 86400));
}

}  // namespace parallax
