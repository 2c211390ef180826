#include "base/toml.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>

namespace parallax {
namespace {

constexpr std::size_t kLongestShown = 60;
constexpr int kMostDots = 8;  // in one key; no table of ours lies deeper

Place place_of(const toml::source_region& region) {
  return {std::max(1, static_cast<int>(region.begin.line)), std::max(1, static_cast<int>(region.begin.column))};
}

TomlValue copy(const toml::node& node);

TomlValue copy_table(const toml::table& table) {
  TomlValue value;
  for (const auto& [key, node] : table)
    value.table.push_back({std::string(key.str()), place_of(key.source()), copy(node)});
  std::stable_sort(value.table.begin(), value.table.end(), [](const TomlEntry& a, const TomlEntry& b) {
    return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
  });
  return value;
}

TomlValue copy_list(const toml::array& list) {
  TomlValue value;
  value.kind = TomlValue::Kind::list;
  for (const toml::node& element : list) value.list.push_back(copy(element));
  return value;
}

TomlValue copy_scalar(const toml::node& node) {
  TomlValue value;
  if (const auto* text = node.as_string()) {
    value.kind = TomlValue::Kind::text;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlValue::Kind::integer;
    value.integer = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = TomlValue::Kind::number;
    value.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = TomlValue::Kind::boolean;
    value.boolean = boolean->get();
  } else {
    value.kind = TomlValue::Kind::moment;
  }
  return value;
}

TomlValue copy(const toml::node& node) {
  TomlValue value = node.is_table()   ? copy_table(*node.as_table())
                    : node.is_array() ? copy_list(*node.as_array())
                                      : copy_scalar(node);
  value.place = place_of(node.source());
  return value;
}

// The length of the UTF-8 sequence (RFC 3629) at the start of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = first == 0xED && byte(1) > 0x9F;
    return tail(1) && tail(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && byte(1) < 0x90;
    const bool beyond = first == 0xF4 && byte(1) > 0x8F;
    return tail(1) && tail(2) && tail(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

// Follows a document just far enough to count the dots of each key: toml++ nests as deep as a key has dots and
// frees by recursion. (What is nested in brackets it bounds itself.)
class KeyDepth {
 public:
  // The dots so far in the key that ends at the start of `rest`; to be asked of every character in turn.
  int next(std::string_view rest) {
    const char c = rest.front();
    if (skip_ > 0) {
      --skip_;
    } else if (in_comment_) {
      in_comment_ = c != '\n';
    } else if (!closing_.empty()) {
      pass_text(rest);
    } else if (c == '"' || c == '\'') {
      const std::string three(3, c);
      closing_ = rest.starts_with(three) ? three : three.substr(0, 1);
      skip_ = closing_.size() - 1;
    } else if (c == '#') {
      in_comment_ = true;
    } else if (c == '.') {
      ++dots_;
    } else if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos) {
      dots_ = 0;
    }
    return dots_;
  }

 private:
  void pass_text(std::string_view rest) {
    const bool ends_early = closing_.size() == 1 && rest.front() == '\n';  // a syntax error, which toml++ tells
    if (rest.front() == '\\' && closing_[0] == '"') {
      skip_ = 1;
    } else if (rest.starts_with(closing_) || ends_early) {
      skip_ = ends_early ? 0 : closing_.size() - 1;
      closing_.clear();
    }
  }

  std::string closing_;  // what ends the text under way
  std::size_t skip_ = 0;
  bool in_comment_ = false;
  int dots_ = 0;
};

// What toml++ would trip over, found beforehand so that the message is ours and the place exact.
bool bytes_are_fine(std::string_view content, const std::string& file, Problems& problems) {
  Place place;
  KeyDepth depth;
  const auto refuse = [&](std::string text) {
    problems.push_back({file, place.line, place.column, std::move(text)});
    return false;
  };
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t length = utf8_length(content.substr(at));
    const char c = content[at];
    if (length == 0) return refuse(fmt::format("byte 0x{:02x} is not UTF-8; save the file as UTF-8", c & 0xFF));
    if (c == '\0') return refuse("a NUL byte; TOML is text in UTF-8");
    if (depth.next(content.substr(at)) > kMostDots) return refuse("a key of too many parts");
    place = c == '\n' ? Place{place.line + 1, 1} : Place{place.line, place.column + 1};
    at += length;
  }
  return true;
}

}  // namespace

const TomlEntry* TomlValue::find(std::string_view key) const {
  const auto found = std::find_if(table.begin(), table.end(), [&](const TomlEntry& e) { return e.key == key; });
  return found == table.end() ? nullptr : &*found;
}

std::string in_quotes(std::string_view text) {
  std::string shown;
  std::size_t at = 0;
  while (at < text.size() && shown.size() < kLongestShown) {
    const std::size_t length = std::max<std::size_t>(1, utf8_length(text.substr(at)));
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"' || c == '\\') shown += '\\';
    if (c < 0x20 || c == 0x7F)
      shown += fmt::format("\\u{:04X}", c);
    else
      shown += text.substr(at, length);
    at += length;
  }
  return fmt::format("\"{}{}\"", shown, at < text.size() ? "..." : "");
}

std::string to_text(const TomlValue& value) {
  switch (value.kind) {
    case TomlValue::Kind::text:
      return in_quotes(value.text);
    case TomlValue::Kind::integer:
      return std::to_string(value.integer);
    case TomlValue::Kind::number:
      return fmt::format("{}", value.number);
    case TomlValue::Kind::boolean:
      return value.boolean ? "true" : "false";
    case TomlValue::Kind::moment:
      return "a date or time";
    case TomlValue::Kind::list:
      return "a list";
    case TomlValue::Kind::table:
      return "a table";
  }
  return "";
}

bool parse_toml(std::string_view content, const std::string& file, TomlValue& document, Problems& problems) {
  if (!bytes_are_fine(content, file, problems)) return false;
  try {
    document = copy(toml::parse(content));
    return true;
  } catch (const toml::parse_error& error) {
    const Place place = place_of(error.source());
    problems.push_back({file, place.line, place.column, "not TOML: " + std::string(error.description())});
    return false;
  }
}

}  // namespace parallax
