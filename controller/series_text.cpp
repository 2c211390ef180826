#include "controller/series_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace parallax {

void append_label(std::string& out, std::string_view name, std::string_view value) {
  if (!out.empty()) out += ',';
  out += name;
  out += "=\"";
  std::string valid;
  append_utf8(valid, value.substr(0, 4 * kLongestLabel));
  for (const char c : cut_utf8(valid, kLongestLabel)) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string label(std::string_view name, std::string_view value) {
  std::string text;
  append_label(text, name, value);
  return text;
}

char* write_number(char* to, std::uint64_t number) {
  if (number < 10) {  // most series are 0 or 1
    *to = static_cast<char>('0' + number);
    return to + 1;
  }
  return std::to_chars(to, to + kLongestNumber, number).ptr;
}

char* write_number(char* to, double number) {
  constexpr double kExact = 9007199254740992;  // 2^53: whole numbers up to here are exact
  if (number == std::trunc(number) && std::abs(number) <= kExact) {
    if (number >= 0) return write_number(to, static_cast<std::uint64_t>(number));
    return std::to_chars(to, to + kLongestNumber, static_cast<std::int64_t>(number)).ptr;
  }
  if (std::isfinite(number)) return std::to_chars(to, to + kLongestNumber, number).ptr;
  const std::string_view word = std::isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
  return std::copy_n(word.data(), word.size(), to);
}

std::vector<std::string> bucket_labels(std::span<const double> bounds) {
  std::vector<std::string> labels;
  for (const double bound : bounds) {
    char digits[512];  // a double in fixed notation has up to 309 digits
    const auto end = std::to_chars(digits, digits + sizeof digits, bound, std::chars_format::fixed).ptr;
    std::string text(digits, end);
    if (text.find('.') == std::string::npos) text += ".0";
    labels.push_back(label("le", text));
  }
  labels.push_back(label("le", "+Inf"));
  return labels;
}

}  // namespace parallax
