#include "base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace parallax {
namespace {

constexpr std::string_view kLevels[] = {"debug", "info", "warn", "error"};
constexpr std::size_t kMostTopics = 4096;  // a peer must not be able to grow the memory of what was told

// A JSON string; bytes that are not ASCII pass through, control characters are escaped.
void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') line += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<unsigned char>(c));
      continue;
    }
    line += c;
  }
  line += '"';
}

bool is_bare(std::string_view text) {
  if (text.empty()) return false;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f; });
}

void append_field(std::string& line, Log::Format format, std::string_view key, std::string_view value) {
  if (format == Log::Format::json) {
    line += line.empty() ? "{" : ",";
    append_quoted(line, key);
    line += ':';
    append_quoted(line, value);
    return;
  }
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  if (is_bare(value))
    line += value;
  else
    append_quoted(line, value);
}

}  // namespace

Log::Log(const Clock& clock, Format format, Level least, std::FILE* out)
    : clock_(clock), format_(format), least_(least), out_(out) {}

bool Log::on_change(std::string_view topic, std::string_view state, Level level, std::string_view message,
                    Fields fields) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = last_state_.find(topic);
    if (known != last_state_.end() && known->second == state) return false;
    if (known == last_state_.end() && last_state_.size() >= kMostTopics) last_state_.clear();
    last_state_[std::string(topic)] = state;
  }
  write(level, message, fields);
  return true;
}

void Log::configure(std::string_view format, std::string_view level) {
  const std::lock_guard lock(mutex_);
  format_ = format == "json" ? Format::json : Format::logfmt;
  least_ = Level::info;
  for (std::size_t i = 0; i < std::size(kLevels); ++i)
    if (kLevels[i] == level) least_ = static_cast<Level>(i);
}

void Log::write(Level level, std::string_view message, Fields fields) {
  const std::lock_guard lock(mutex_);
  if (level < least_) return;
  std::string line;
  append_field(line, format_, "time", to_text(clock_.wall(), 3));
  append_field(line, format_, "level", kLevels[static_cast<std::size_t>(level)]);
  append_field(line, format_, "msg", message);
  for (const auto& [key, value] : fields) append_field(line, format_, key, value);
  line += format_ == Format::json ? "}\n" : "\n";
  std::fwrite(line.data(), 1, line.size(), out_);
  std::fflush(out_);
}

}  // namespace parallax
