// How durations and sizes are written in our files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parallax {

inline constexpr std::string_view kDurationSays = "an integer and one of ms s m h d, like \"15s\"";
inline constexpr std::string_view kSizeSays =
    "an integer of bytes, or one with B, KiB, MiB or GiB, like \"64KiB\"";

// "250ms", "15s", "5m", "1h", "1d" in milliseconds; nothing for other notation and beyond the range of int64.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);

// "4096", "128B", "64KiB", "1MiB", "2GiB" in bytes; nothing as above.
std::optional<std::int64_t> parse_size(std::string_view text);

// The shortest exact notation: 60000 is "1m", 1500 is "1500ms", 1048576 is "1MiB", 1000 is "1000B".
std::string duration_text(std::int64_t ms);
std::string size_text(std::int64_t bytes);

}  // namespace parallax
