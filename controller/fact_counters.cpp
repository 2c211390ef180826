#include "controller/fact_counters.h"

#include <algorithm>

namespace parallax {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The label of one value: itself, or "other" where it is out of range or one too many.
std::string counted_as(const FactCounters::Counter& counter, const Message& facts) {
  const proto::Metric& metric = *counter.of.metric;
  const FieldDescriptor& field = *counter.of.field;
  const bool is_text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
  if (!is_text && metric.has_min() && number_of(facts, field) < metric.min()) return "other";
  if (!is_text && metric.has_max() && number_of(facts, field) > metric.max()) return "other";
  std::string value = text_of(facts, field);
  if (counter.by.contains(value)) return value;
  const std::size_t different = counter.by.size() - counter.by.count("other");
  return metric.most() > 0 && different >= metric.most() ? "other" : value;
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
      ++counter.by[counted_as(counter, facts)];
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
