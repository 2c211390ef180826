// The counters and histograms of what a check type measures at one location, as the metric options of its facts
// say.
#pragma once

#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/fact_metrics.h"
#include "proto/kept.pb.h"
#include "proto/result.pb.h"

namespace parallax {

class FactCounters {
 public:
  struct Counter {
    FactMetric of;
    double sum = 0;                                                          // SUM; HISTOGRAM: of all values
    boost::container::flat_map<std::string, std::uint64_t, std::less<>> by;  // COUNT_BY: runs by value; few
    std::vector<std::uint64_t> bucket;  // HISTOGRAM: not cumulative, the last is +Inf
  };

  // All counters of the type exist at 0 from here on.
  explicit FactCounters(std::string_view type);

  // Adds one counted run. Requires: its facts are plausible() (plausible.h).
  void add(const proto::Facts& facts);

  const std::vector<Counter>& all() const { return counters_; }
  const TypeMetrics& type() const { return *metrics_; }

  // As messages, and back: what the type does not count any more is passed over.
  void keep(google::protobuf::RepeatedPtrField<proto::KeptFactCounter>& kept) const;
  void restore(const google::protobuf::RepeatedPtrField<proto::KeptFactCounter>& kept);

 private:
  void add(Counter& counter, const google::protobuf::Message& facts);

  const TypeMetrics* metrics_;
  std::vector<Counter> counters_;  // in order of the fields: the shared facts first, then the type's own
  std::size_t shared_ = 0;         // how many of them are of the shared facts
};

}  // namespace parallax
