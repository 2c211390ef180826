// The pieces that lines of /metrics are made of: labels and numbers as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parallax {

// No label value is longer than this, in bytes and before escaping; a longer one is cut.
inline constexpr std::size_t kLongestLabel = 512;

// Appends  name="value"  with a comma before it unless `out` is empty. In the value, backslash, double quote and
// line feed are escaped, and what is not UTF-8 becomes U+FFFD.
void append_label(std::string& out, std::string_view name, std::string_view value);

// The same for the value of one sample's only further label.
std::string label(std::string_view name, std::string_view value);

// The shortest text that reads back as the same number; whole numbers without a point; "NaN", "+Inf", "-Inf".
// Returns the end of what was written. Requires: room for kLongestNumber bytes at `to`.
inline constexpr std::size_t kLongestNumber = 32;
char* write_number(char* to, double number);
char* write_number(char* to, std::uint64_t number);

// The label `le` of each bucket of a histogram, +Inf last, in canonical form: le="0.005", le="1.0", le="+Inf".
std::vector<std::string> bucket_labels(std::span<const double> bounds);

}  // namespace parallax
