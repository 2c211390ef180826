// The model behind /metrics: families of samples, in the order they are declared, each written once as a block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

namespace parallax {

enum class ExpositionFormat { text, open_metrics };

enum class MetricKind { gauge, counter, histogram, summary, info };

// One name, its help and type, and the samples written so far. Owned by its page.
class Family {
 public:
  Family(std::string name, MetricKind kind, std::string_view help);

  // One sample. `labels` and `more` are written labels (series_text.h) without braces; both may be empty.
  void add(std::string_view labels, std::string_view more, double number);
  void add(std::string_view labels, std::string_view more, std::uint64_t number);
  void add(std::string_view labels, double number) { add(labels, {}, number); }
  void add(std::string_view labels, std::uint64_t number) { add(labels, {}, number); }

  // The buckets, sum and count of a histogram. `le` is bucket_labels() of its bounds; `count` has as many entries
  // and is not cumulative.
  void add_histogram(std::string_view labels, std::span<const std::string> le,
                     std::span<const std::uint64_t> count, double sum);
  // The sum and count of a summary without quantiles.
  void add_summary(std::string_view labels, double sum, std::uint64_t count);

  // Appends HELP, TYPE and the samples; nothing where there are none.
  void write(std::string& out, ExpositionFormat format) const;

  const std::string& name() const { return name_; }
  // At least as many bytes as write() appends.
  std::size_t size() const { return samples_.size() + 2 * (name_.size() + help_.size()) + 64; }

 private:
  void start_line(std::string_view suffix, std::string_view labels, std::string_view more);

  std::string name_;  // as samples of a gauge, counter or info carry it: with _total and _info
  MetricKind kind_;
  std::string help_;
  std::string samples_;
};

// All families of one scrape.
class MetricsPage {
 public:
  // The family of that name; a second declaration gives the first one, so that several facts can share it.
  Family& family(std::string_view name, MetricKind kind, std::string_view help);

  std::string write(ExpositionFormat format) const;

 private:
  std::deque<Family> families_;
};

}  // namespace parallax
