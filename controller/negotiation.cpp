// Which format a scraper gets: the content negotiation of RFC 9110, section 12.5.1, for our two.
#include <charconv>
#include <optional>
#include <string>

#include "controller/exposition.h"

namespace parallax {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Takes the part before `separator` off the front of `rest`.
std::string_view next_part(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return trimmed(part);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

struct MediaRange {
  std::string type;     // "text/plain", "text/*", "*/*"
  std::string version;  // empty where none is named
  double q = 1;
};

MediaRange read_range(std::string_view text) {
  MediaRange range;
  range.type = lower_case(next_part(text, ';'));
  while (!text.empty()) {
    std::string_view value = next_part(text, ';');
    const std::string name = lower_case(next_part(value, '='));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    if (name == "version") range.version = value;
    if (name != "q") continue;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), range.q);
    if (read.ec != std::errc() || range.q < 0 || range.q > 1) range.q = 0;
  }
  return range;
}

// How much one format is wanted, by the most specific range that covers it.
struct Wanted {
  std::string type;
  std::string version;
  int specific = 0;  // 1: */*, 2: text/*, 3: by name
  double q = 0;
  int place = 0;  // of that range in the header

  void consider(const MediaRange& range, int range_place) {
    if (!range.version.empty() && range.version != version) return;
    const std::string kind = type.substr(0, type.find('/')) + "/*";
    const int fits = range.type == type ? 3 : range.type == kind ? 2 : range.type == "*/*" ? 1 : 0;
    if (fits <= specific) return;
    specific = fits;
    q = range.q;
    place = range_place;
  }
};

}  // namespace

ExpositionFormat negotiate(std::string_view accept) {
  Wanted text{"text/plain", "0.0.4"};
  Wanted open_metrics{"application/openmetrics-text", "1.0.0"};
  int place = 0;
  while (!accept.empty()) {
    const MediaRange range = read_range(next_part(accept, ','));
    text.consider(range, place);
    open_metrics.consider(range, place);
    ++place;
  }
  if (open_metrics.q != text.q)
    return open_metrics.q > text.q ? ExpositionFormat::open_metrics : ExpositionFormat::text;
  // Equally welcome: the one that was named, of two that were named the first.
  const bool prefers_open_metrics =
      open_metrics.q > 0 && open_metrics.specific == 3 && (text.specific < 3 || open_metrics.place < text.place);
  return prefers_open_metrics ? ExpositionFormat::open_metrics : ExpositionFormat::text;
}

std::string_view content_type(ExpositionFormat format) {
  if (format == ExpositionFormat::open_metrics)
    return "application/openmetrics-text; version=1.0.0; charset=utf-8";
  return "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace parallax
