#include "base/notation.h"

#include <charconv>
#include <span>

namespace parallax {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr Unit kTimeUnits[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr Unit kSizeUnits[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}};

// Digits and then the name of a unit, nothing around or between.
std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;  // from_chars takes a minus
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    std::int64_t product = 0;
    if (name == unit.name)
      return __builtin_mul_overflow(number, unit.factor, &product) ? std::nullopt : std::optional(product);
  }
  return std::nullopt;
}

std::string write(std::int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units)
    if (value != 0 && value % unit.factor == 0) return std::to_string(value / unit.factor).append(unit.name);
  return std::to_string(value).append(units.back().name);
}

}  // namespace

std::optional<std::int64_t> parse_duration_ms(std::string_view text) { return parse(text, kTimeUnits); }

std::optional<std::int64_t> parse_size(std::string_view text) {
  const bool has_unit = !text.empty() && (text.back() < '0' || text.back() > '9');
  return has_unit ? parse(text, kSizeUnits) : parse(std::string(text) + "B", kSizeUnits);
}

std::string duration_text(std::int64_t ms) { return write(ms, kTimeUnits); }
std::string size_text(std::int64_t bytes) { return write(bytes, kSizeUnits); }

}  // namespace parallax
