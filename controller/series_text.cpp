#include "controller/series_text.h"

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

void append_number(std::string& out, std::uint64_t number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

void append_number(std::string& out, double number) {
  constexpr double kExact = 9007199254740992;  // 2^53: whole numbers up to here are exact
  char digits[32];
  if (std::isnan(number)) {
    out += "NaN";
  } else if (std::isinf(number)) {
    out += number > 0 ? "+Inf" : "-Inf";
  } else if (number == std::trunc(number) && std::abs(number) <= kExact) {
    out.append(digits, std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(number)).ptr);
  } else {
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  }
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
