// The series of one check at one location: what its newest run measured, and its counters.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "controller/check_book.h"
#include "controller/metrics_page.h"

namespace parallax {

// Writes places into families of `page`, which outlives it. Made for one page.
class PlaceWriter {
 public:
  explicit PlaceWriter(MetricsPage& page);

  void write(const CheckBook& check, const PlaceBook& place, WallTime now);
  // Rejected results of checks that are not expected at a location, under the location alone.
  void write_unexpected(std::string_view labels, const RejectedCounts& rejected);

 private:
  // A metric of a fact and the family it goes to.
  struct FactSeries {
    FactMetric of;
    Family* family;
    std::string fixed;            // a label with one value, written
    std::vector<std::string> le;  // of a histogram's buckets
  };
  struct ListSeries {
    const ListMetrics* of;
    Family* info;  // null: none
    std::vector<FactSeries> of_element;
  };
  struct MessageSeries {
    const FactMetrics* of = nullptr;
    std::vector<FactSeries> gauges;  // GAUGE and INFO
    std::vector<ListSeries> lists;
  };
  // The families of one check type.
  struct TypeSeries {
    const TypeMetrics* metrics = nullptr;
    MessageSeries shared;
    MessageSeries own;
    std::vector<MessageSeries> beside;
    Family* phases = nullptr;
    std::vector<std::string> phase_labels;
    std::vector<FactSeries> counters;  // as in FactCounters::all()
  };

  TypeSeries& series_of(const CheckBook& check, const FactCounters& counters);
  MessageSeries series_of(const FactMetrics& metrics);
  FactSeries series_of(const FactMetric& metric);

  void write_run(const CheckBook& check, const PlaceBook& place, const NewestRun& newest,
                 const TypeSeries& series);
  void write_facts(const std::string& labels, const google::protobuf::Message& facts, const MessageSeries& series,
                   bool answered);
  void write_list(const std::string& labels, const google::protobuf::Message& facts, const ListSeries& series);
  void write_state(const PlaceBook& place, WallTime now);
  void write_counters(const PlaceBook& place);
  void write_objective_runs(const PlaceBook& place);
  void write_fact_counters(const PlaceBook& place, const TypeSeries& series);

  MetricsPage& page_;
  std::map<std::string, TypeSeries, std::less<>> types_;
  // Labels that many samples share, written once.
  std::array<std::string, 4> fresh_outcomes_;
  std::array<std::string, 4> late_outcomes_;
  std::array<std::string, 5> missed_causes_;
  std::array<std::string, 4> rejected_causes_;
  std::array<std::string, 5> states_;
  std::array<std::string, 4> objective_results_;
  std::vector<std::string> duration_bounds_;

  Family& success_;
  Family& duration_;
  Family& timeout_;
  Family& dns_lookup_;
  Family& all_success_;
  Family& all_duration_;
  Family& state_;
  Family& expected_;
  Family& last_result_;
  Family& runs_;
  Family& failures_;
  Family& missed_;
  Family& duplicates_;
  Family& rejected_;
  Family& objective_runs_;
};

}  // namespace parallax
