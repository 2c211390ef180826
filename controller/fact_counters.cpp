#include "controller/fact_counters.h"

#include <algorithm>
#include <charconv>

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The counter of one value: its own, or that of "other" where it is one too many.
std::uint64_t& counter_of(FactCounters::Counter& counter, std::string_view value) {
  if (const auto known = counter.by.find(value); known != counter.by.end()) return known->second;
  const std::size_t most = counter.of.metric->most();
  const std::size_t different = counter.by.size() - counter.by.count("other");
  return counter.by[std::string(most > 0 && different >= most ? "other" : value)];
}

// A number out of range is "other", too.
std::uint64_t& counter_of(FactCounters::Counter& counter, const Message& facts) {
  const proto::Metric& metric = *counter.of.metric;
  const FieldDescriptor& field = *counter.of.field;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return counter_of(counter, text_of(facts, field));
  const double number = number_of(facts, field);
  if ((metric.has_min() && number < metric.min()) || (metric.has_max() && number > metric.max()))
    return counter_of(counter, "other");
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, static_cast<std::int64_t>(number)).ptr;
  return counter_of(counter, std::string_view(digits, end));
}

void observe(FactCounters::Counter& counter, double value) {
  const auto& bounds = counter.of.metric->bucket();
  const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  ++counter.bucket[static_cast<std::size_t>(bucket)];
  counter.sum += value;
}

}  // namespace

FactCounters::FactCounters(std::string_view type) : metrics_(&metrics_of_type(type)) {
  const auto start = [&](const FactMetrics& metrics) {
    for (const FactMetric& metric : metrics.all) {
      const auto kind = metric.metric->kind();
      if (kind == proto::Metric::GAUGE || kind == proto::Metric::INFO) continue;
      Counter& counter = counters_.emplace_back();
      counter.of = metric;
      if (kind == proto::Metric::HISTOGRAM)
        counter.bucket.resize(static_cast<std::size_t>(metric.metric->bucket_size()) + 1);
    }
  };
  start(metrics_->shared);
  shared_ = counters_.size();
  start(metrics_->own);
}

void FactCounters::add(const proto::Facts& facts) {
  for (std::size_t i = 0; i < shared_; ++i) add(counters_[i], facts);
  if (metrics_->own_field == nullptr || !facts.GetReflection()->HasField(facts, metrics_->own_field)) return;
  const Message& own = facts.GetReflection()->GetMessage(facts, metrics_->own_field);
  for (std::size_t i = shared_; i < counters_.size(); ++i) add(counters_[i], own);
}

void FactCounters::add(Counter& counter, const Message& facts) {
  const FieldDescriptor& field = *counter.of.field;
  if (!has_value(facts, field)) return;
  switch (counter.of.metric->kind()) {
    case proto::Metric::SUM:
      counter.sum += number_of(facts, field);
      break;
    case proto::Metric::COUNT_BY:
      ++counter_of(counter, facts);
      break;
    case proto::Metric::HISTOGRAM:
      if (!field.is_repeated()) return observe(counter, number_of(facts, field));
      for (int i = 0; i < facts.GetReflection()->FieldSize(facts, &field); ++i)
        observe(counter, facts.GetReflection()->GetRepeatedDouble(facts, &field, i));
      break;
    default:
      break;
  }
}

}  // namespace parallax
