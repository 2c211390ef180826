#include "controller/metrics_page.h"

#include <algorithm>

#include "controller/series_text.h"

namespace parallax {
namespace {

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

Family::Family(std::string name, MetricKind kind, std::string_view help)
    : name_(std::move(name)), kind_(kind), help_(help) {}

void Family::start_line(std::string_view suffix, std::string_view labels, std::string_view more) {
  samples_ += name_;
  samples_ += suffix;
  if (!labels.empty() || !more.empty()) {
    samples_ += '{';
    samples_ += labels;
    if (!labels.empty() && !more.empty()) samples_ += ',';
    samples_ += more;
    samples_ += '}';
  }
  samples_ += ' ';
}

void Family::add(std::string_view labels, std::string_view more, double number) {
  start_line({}, labels, more);
  append_number(samples_, number);
  samples_ += '\n';
}

void Family::add(std::string_view labels, std::string_view more, std::uint64_t number) {
  start_line({}, labels, more);
  append_number(samples_, number);
  samples_ += '\n';
}

void Family::add_histogram(std::string_view labels, std::span<const std::string> le,
                           std::span<const std::uint64_t> count, double sum) {
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < count.size(); ++i) {
    cumulative += count[i];
    start_line("_bucket", labels, le[i]);
    append_number(samples_, cumulative);
    samples_ += '\n';
  }
  add_summary(labels, sum, cumulative);
}

void Family::add_summary(std::string_view labels, double sum, std::uint64_t count) {
  start_line("_sum", labels, {});
  append_number(samples_, sum);
  samples_ += '\n';
  start_line("_count", labels, {});
  append_number(samples_, count);
  samples_ += '\n';
}

void Family::write(std::string& out, ExpositionFormat format) const {
  if (samples_.empty()) return;
  const std::string_view name = header_name(name_, kind_, format);
  out += "# HELP ";
  out += name;
  out += ' ';
  out += escaped_help(help_, format);
  out += "\n# TYPE ";
  out += name;
  out += ' ';
  out += type_word(kind_, format);
  out += '\n';
  out += samples_;
}

Family& MetricsPage::family(std::string_view name, MetricKind kind, std::string_view help) {
  const auto known = std::ranges::find(families_, name, &Family::name);
  if (known != families_.end()) return *known;
  return families_.emplace_back(std::string(name), kind, help);
}

std::string MetricsPage::write(ExpositionFormat format) const {
  std::size_t size = 64;  // room for the end
  for (const Family& family : families_) size += family.size();
  std::string out;
  out.reserve(size);
  for (const Family& family : families_) family.write(out, format);
  if (format == ExpositionFormat::open_metrics) out += "# EOF\n";
  return out;
}

}  // namespace parallax
