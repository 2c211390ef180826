// The model behind /metrics: families of samples, in the order they are declared, each written once as a block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace parallax {

// A long text in pieces that follow each other. A page of many megabytes is written once into pieces of a size
// that the allocator keeps at hand, and never grown, moved or joined: that costs more than writing it.
using TextPieces = std::vector<std::string>;

std::size_t size_of(const TextPieces& pieces);
std::string joined(const TextPieces& pieces);

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

  // Appends HELP, TYPE and the samples, which are gone then; nothing where there are none.
  void move_to(TextPieces& out, ExpositionFormat format);

  const std::string& name() const { return name_; }

 private:
  template <class Number>
  void add_line(std::string_view name, std::string_view labels, std::string_view more, Number number);
  std::string& piece_with_room(std::size_t bytes);

  std::string name_;  // as samples of a gauge, counter or info carry it: with _total and _info
  std::string bucket_name_, sum_name_, count_name_;
  MetricKind kind_;
  std::string help_;
  TextPieces samples_;
};

// All families of one scrape.
class MetricsPage {
 public:
  // The family of that name; a second declaration gives the first one, so that several facts can share it.
  Family& family(std::string_view name, MetricKind kind, std::string_view help);

  // Appends all families; they are empty then.
  void move_to(TextPieces& out, ExpositionFormat format);
  // The same as a whole page, with its end.
  TextPieces take(ExpositionFormat format);

 private:
  std::deque<Family> families_;
};

}  // namespace parallax
