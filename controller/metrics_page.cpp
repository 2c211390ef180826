#include "controller/metrics_page.h"

#include <algorithm>

#include "controller/series_text.h"

namespace parallax {
namespace {

// Below what malloc takes from the system and gives back at once.
constexpr std::size_t kPieceBytes = 64 * 1024;
constexpr std::size_t kSmallPiece = 4 * 1024;

// Small pieces are joined: a page has dozens of families of a line or two.
void append(TextPieces& out, std::string piece) {
  if (!out.empty() && piece.size() <= kSmallPiece && out.back().size() + piece.size() <= kPieceBytes)
    out.back() += piece;
  else
    out.push_back(std::move(piece));
}

std::string_view without(std::string_view name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// What HELP and TYPE call the family. OpenMetrics has the suffixes of counters and infos on the samples alone.
std::string_view header_name(std::string_view name, MetricKind kind, ExpositionFormat format) {
  if (format == ExpositionFormat::text) return name;
  if (kind == MetricKind::counter) return without(name, "_total");
  if (kind == MetricKind::info) return without(name, "_info");
  return name;
}

std::string_view type_word(MetricKind kind, ExpositionFormat format) {
  switch (kind) {
    case MetricKind::gauge:
      break;
    case MetricKind::counter:
      return "counter";
    case MetricKind::histogram:
      return "histogram";
    case MetricKind::summary:
      return "summary";
    case MetricKind::info:
      return format == ExpositionFormat::text ? "gauge" : "info";
  }
  return "gauge";
}

// Backslashes and line feeds are escaped in HELP; OpenMetrics wants double quotes escaped, too.
std::string escaped_help(std::string_view help, ExpositionFormat format) {
  std::string text;
  for (const char c : help) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && format == ExpositionFormat::open_metrics)) text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

std::size_t size_of(const TextPieces& pieces) {
  std::size_t size = 0;
  for (const std::string& piece : pieces) size += piece.size();
  return size;
}

std::string joined(const TextPieces& pieces) {
  std::string text;
  text.reserve(size_of(pieces));
  for (const std::string& piece : pieces) text += piece;
  return text;
}

Family::Family(std::string name, MetricKind kind, std::string_view help)
    : name_(std::move(name)),
      bucket_name_(name_ + "_bucket"),
      sum_name_(name_ + "_sum"),
      count_name_(name_ + "_count"),
      kind_(kind),
      help_(help) {}

// The last piece, with that much room behind its text; a new one where the last is full.
std::string& Family::piece_with_room(std::size_t bytes) {
  if (samples_.empty()) samples_.emplace_back();
  std::string& last = samples_.back();
  const std::size_t needed = last.size() + bytes;
  if (needed <= last.capacity()) return last;
  if (needed <= kPieceBytes) {
    // Most families are small: begin small and grow.
    last.reserve(std::min(kPieceBytes, std::max(needed, 4 * last.capacity())));
    return last;
  }
  std::string& next = samples_.emplace_back();
  next.reserve(std::max(kPieceBytes, bytes));
  return next;
}

// This is called for each sample of a page, a million times a scrape where there are many checks: one look whether
// there is room, then plain copies.
template <class Number>
void Family::add_line(std::string_view name, std::string_view labels, std::string_view more, Number number) {
  constexpr std::size_t kMarks = 8;  // { , } space, line feed
  const std::size_t most = name.size() + labels.size() + more.size() + kLongestNumber + kMarks;
  std::string& piece = piece_with_room(most);
  const std::size_t before = piece.size();
  piece.resize_and_overwrite(before + most, [&](char* text, std::size_t) {
    char* to = text + before;
    const auto put = [&to](std::string_view part) { to = std::copy_n(part.data(), part.size(), to); };
    put(name);
    if (!labels.empty() || !more.empty()) {
      *to++ = '{';
      put(labels);
      if (!labels.empty() && !more.empty()) *to++ = ',';
      put(more);
      *to++ = '}';
    }
    *to++ = ' ';
    to = write_number(to, number);
    *to++ = '\n';
    return static_cast<std::size_t>(to - text);
  });
}

void Family::add(std::string_view labels, std::string_view more, double number) {
  add_line(name_, labels, more, number);
}

void Family::add(std::string_view labels, std::string_view more, std::uint64_t number) {
  add_line(name_, labels, more, number);
}

void Family::add_histogram(std::string_view labels, std::span<const std::string> le,
                           std::span<const std::uint64_t> count, double sum) {
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < count.size(); ++i) {
    cumulative += count[i];
    add_line(bucket_name_, labels, le[i], cumulative);
  }
  add_summary(labels, sum, cumulative);
}

void Family::add_summary(std::string_view labels, double sum, std::uint64_t count) {
  add_line(sum_name_, labels, {}, sum);
  add_line(count_name_, labels, {}, count);
}

void Family::move_to(TextPieces& out, ExpositionFormat format) {
  if (samples_.empty()) return;
  const std::string_view name = header_name(name_, kind_, format);
  std::string header = "# HELP ";
  header += name;
  header += ' ';
  header += escaped_help(help_, format);
  header += "\n# TYPE ";
  header += name;
  header += ' ';
  header += type_word(kind_, format);
  header += '\n';
  append(out, std::move(header));
  for (std::string& piece : samples_) append(out, std::move(piece));
  samples_.clear();
}

Family& MetricsPage::family(std::string_view name, MetricKind kind, std::string_view help) {
  const auto known = std::ranges::find(families_, name, &Family::name);
  if (known != families_.end()) return *known;
  return families_.emplace_back(std::string(name), kind, help);
}

void MetricsPage::move_to(TextPieces& out, ExpositionFormat format) {
  for (Family& family : families_) family.move_to(out, format);
}

TextPieces MetricsPage::take(ExpositionFormat format) {
  TextPieces out;
  move_to(out, format);
  if (format == ExpositionFormat::open_metrics) append(out, "# EOF\n");
  return out;
}

}  // namespace parallax
