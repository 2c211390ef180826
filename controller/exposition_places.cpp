#include "controller/exposition_places.h"

#include <google/protobuf/message.h>

#include <algorithm>

#include "controller/own_families.h"
#include "controller/series_text.h"
#include "proto/names.h"

namespace parallax {
namespace {

using google::protobuf::Message;

MetricKind kind_of(const proto::Metric& metric) {
  switch (metric.kind()) {
    case proto::Metric::SUM:
    case proto::Metric::COUNT_BY:
      return MetricKind::counter;
    case proto::Metric::HISTOGRAM:
      return MetricKind::histogram;
    default:
      return MetricKind::gauge;  // blackbox_exporter's info metrics are gauges
  }
}

// Whether the target answered at all; before that, facts are shown as 0 and not as they are for "not said".
bool has_answer(const NewestRun& run, const TypeMetrics& type) {
  if (type.own.answer == nullptr) return run.result.state() != proto::STATE_DOWN;
  const Message& own = facts_of(run).GetReflection()->GetMessage(facts_of(run), type.own_field);
  return has_value(own, *type.own.answer);
}

std::string two_labels(std::string_view first, std::string_view first_value, std::string_view second,
                       std::string_view second_value) {
  std::string text = label(first, first_value);
  append_label(text, second, second_value);
  return text;
}

}  // namespace

PlaceWriter::PlaceWriter(MetricsPage& page)
    : page_(page),
      duration_bounds_(bucket_labels(kDurationBuckets)),
      success_(declare(page, own_family("probe_success"))),
      duration_(declare(page, own_family("probe_duration_seconds"))),
      timeout_(declare(page, own_family("probe_timeout_seconds"))),
      dns_lookup_(declare(page, own_family("probe_dns_lookup_time_seconds"))),
      all_success_(declare(page, own_family("probe_all_success"))),
      all_duration_(declare(page, own_family("probe_all_duration_seconds"))),
      state_(declare(page, own_family("parallax_check_state"))),
      expected_(declare(page, own_family("parallax_check_expected"))),
      last_result_(declare(page, own_family("parallax_check_last_result_timestamp_seconds"))),
      runs_(declare(page, own_family("parallax_runs_total"))),
      failures_(declare(page, own_family("parallax_failures_total"))),
      missed_(declare(page, own_family("parallax_missed_runs_total"))),
      duplicates_(declare(page, own_family("parallax_duplicate_results_total"))),
      rejected_(declare(page, own_family("parallax_rejected_results_total"))),
      objective_runs_(declare(page, own_family("parallax_objective_runs_total"))) {
  for (std::size_t i = 0; i < 4; ++i) {
    const auto outcome = name(static_cast<proto::State>(i + 1));
    fresh_outcomes_[i] = two_labels("outcome", outcome, "arrival", "fresh");
    late_outcomes_[i] = two_labels("outcome", outcome, "arrival", "late");
    rejected_causes_[i] = label("cause", name(static_cast<proto::Reject::Cause>(i + 1)));
    states_[i] = label("state", outcome);
  }
  for (std::size_t i = 0; i < 5; ++i)
    missed_causes_[i] = label("cause", name(static_cast<proto::Gap::Cause>(i + 1)));
  states_[4] = label("state", "no_data");
  objective_results_ = {
      two_labels("result", "fast", "arrival", "fresh"), two_labels("result", "slow", "arrival", "fresh"),
      two_labels("result", "fast", "arrival", "late"), two_labels("result", "slow", "arrival", "late")};
}

PlaceWriter::FactSeries PlaceWriter::series_of(const FactMetric& metric) {
  Family& family = page_.family(metric.metric->name(), kind_of(*metric.metric), metric.metric->help());
  FactSeries series{metric, &family, {}, {}};
  if (metric.metric->has_fixed())
    series.fixed = label(metric.metric->fixed().name(), metric.metric->fixed().value());
  const auto& bounds = metric.metric->bucket();
  if (!bounds.empty()) series.le = bucket_labels({bounds.data(), static_cast<std::size_t>(bounds.size())});
  return series;
}

PlaceWriter::MessageSeries PlaceWriter::series_of(const FactMetrics& metrics) {
  MessageSeries series;
  series.of = &metrics;
  for (const FactMetric& metric : metrics.all) {
    const auto kind = metric.metric->kind();
    if (kind == proto::Metric::GAUGE || kind == proto::Metric::INFO) series.gauges.push_back(series_of(metric));
  }
  for (const ListMetrics& list : metrics.lists) {
    ListSeries& of_list = series.lists.emplace_back();
    of_list.of = &list;
    of_list.info =
        list.info == nullptr ? nullptr : &page_.family(list.info->name(), MetricKind::gauge, list.info->help());
    for (const FactMetric& metric : list.of_element) of_list.of_element.push_back(series_of(metric));
  }
  return series;
}

PlaceWriter::TypeSeries& PlaceWriter::series_of(const CheckBook& check, const FactCounters& counters) {
  const auto known = types_.find(check.type);
  if (known != types_.end()) return known->second;
  TypeSeries& series = types_[check.type];
  const TypeMetrics& metrics = metrics_of_type(check.type);
  series.metrics = &metrics;
  series.shared = series_of(metrics.shared);
  if (metrics.phases != nullptr) {
    series.phases = &page_.family(metrics.phases->name(), MetricKind::gauge, metrics.phases->help());
    for (const std::string& phase : metrics.phases->phase()) series.phase_labels.push_back(label("phase", phase));
  }
  series.own = series_of(metrics.own);
  for (const auto& [field, of_field] : metrics.beside) series.beside.push_back(series_of(of_field));
  for (const auto& counter : counters.all()) series.counters.push_back(series_of(counter.of));
  return series;
}

void PlaceWriter::write(const CheckBook& check, const PlaceBook& place, WallTime now) {
  const TypeSeries& series = series_of(check, place.facts);
  const NewestRun* run = place.fresh(now);
  // Neither a run that could not measure nor one that is too old says how the target is.
  if (run != nullptr && run->result.state() != proto::STATE_UNKNOWN) write_run(check, place, *run, series);
  write_state(place, now);
  write_counters(place);
  if (check.latency_objective) write_objective_runs(place);
  write_fact_counters(place, series);
}

void PlaceWriter::write_run(const CheckBook& check, const PlaceBook& place, const NewestRun& newest,
                            const TypeSeries& series) {
  const proto::RunResult& run = newest.result;
  const std::string& labels = place.labels;
  const TypeMetrics& type = *series.metrics;
  success_.add(labels, std::uint64_t{run.state() == proto::STATE_DOWN ? 0U : 1U});
  duration_.add(labels, probe_duration_seconds(type, run));
  timeout_.add(labels, static_cast<double>(check.definition().timeout_ms()) / 1e3);
  dns_lookup_.add(labels, phase_seconds(run, "resolve").value_or(0));

  const Message& facts = facts_of(newest);
  const auto& reflection = *facts.GetReflection();
  write_facts(labels, facts, series.shared, has_answer(newest, type));
  if (type.own_field != nullptr)
    write_facts(labels, reflection.GetMessage(facts, type.own_field), series.own, has_answer(newest, type));
  for (std::size_t i = 0; i < type.beside.size(); ++i) {
    const auto* field = type.beside[i].first;
    if (reflection.HasField(facts, field))
      write_facts(labels, reflection.GetMessage(facts, field), series.beside[i], true);
  }
  if (type.phases == nullptr) return;
  const auto& absent = type.phases->absent();
  for (int i = 0; i < type.phases->phase_size(); ++i) {
    const std::string& phase = type.phases->phase(i);
    const std::optional<double> took = measured_phase_seconds(type, run, phase);
    if (!took && std::ranges::find(absent, phase) != absent.end()) continue;
    series.phases->add(labels, series.phase_labels[static_cast<std::size_t>(i)], took.value_or(0));
  }
}

void PlaceWriter::write_facts(const std::string& labels, const Message& facts, const MessageSeries& series,
                              bool answered) {
  for (const FactSeries& fact : series.gauges) {
    const proto::Metric& metric = *fact.of.metric;
    if (has_value(facts, *fact.of.field)) {
      if (metric.kind() == proto::Metric::INFO)
        fact.family->add(labels, label(metric.label(), text_of(facts, *fact.of.field)), std::uint64_t{1});
      else
        fact.family->add(labels, fact.fixed, number_of(facts, *fact.of.field));
    } else if (metric.has_when_unset()) {
      fact.family->add(labels, fact.fixed, answered ? metric.when_unset() : 0);
    }
  }
  for (const ListSeries& list : series.lists) write_list(labels, facts, list);
}

void PlaceWriter::write_list(const std::string& labels, const Message& facts, const ListSeries& series) {
  const auto& reflection = *facts.GetReflection();
  const int size = reflection.FieldSize(facts, series.of->field);
  for (int i = 0; i < size; ++i) {
    const Message& element = reflection.GetRepeatedMessage(facts, series.of->field, i);
    if (i == 0 && series.info != nullptr) {
      std::string more;
      for (const auto& [label_name, field] : series.of->labels)
        append_label(more, label_name, text_of(element, *field));
      series.info->add(labels, more, std::uint64_t{1});
    }
    for (const FactSeries& fact : series.of_element)
      if (has_value(element, *fact.of.field))
        fact.family->add(labels, label(fact.of.metric->label(), std::to_string(i)),
                         number_of(element, *fact.of.field));
  }
}

void PlaceWriter::write_state(const PlaceBook& place, WallTime now) {
  const NewestRun* run = place.fresh(now);
  const std::size_t current = run == nullptr ? 4 : static_cast<std::size_t>(run->result.state()) - 1;
  for (std::size_t i = 0; i < states_.size(); ++i)
    state_.add(place.labels, states_[i], std::uint64_t{i == current ? 1U : 0U});
  expected_.add(place.labels, std::uint64_t{1});
  if (place.newest) last_result_.add(place.labels, unix_seconds(place.newest->started));
}

void PlaceWriter::write_counters(const PlaceBook& place) {
  const PlaceCounters& counters = place.counters;
  const std::string& labels = place.labels;
  for (std::size_t i = 0; i < 4; ++i) {
    runs_.add(labels, fresh_outcomes_[i], counters.fresh_runs[i]);
    runs_.add(labels, late_outcomes_[i], counters.late_runs[i]);
    rejected_.add(labels, rejected_causes_[i], counters.rejected[i]);
  }
  for (std::size_t i = 0; i < missed_causes_.size(); ++i)
    missed_.add(labels, missed_causes_[i], counters.missed[i]);
  for (const auto& [reason, count] : counters.failures)
    failures_.add(labels, label("reason", name(static_cast<proto::Reason>(reason))), count);
  duplicates_.add(labels, counters.duplicates);
  all_success_.add_summary(labels, static_cast<double>(counters.success_sum), counters.success_count);
  all_duration_.add_histogram(labels, duration_bounds_, counters.duration_bucket, counters.duration_sum);
}

void PlaceWriter::write_objective_runs(const PlaceBook& place) {
  const PlaceCounters& counters = place.counters;
  objective_runs_.add(place.labels, objective_results_[0], counters.fresh_objective_runs.fast);
  objective_runs_.add(place.labels, objective_results_[1], counters.fresh_objective_runs.slow);
  objective_runs_.add(place.labels, objective_results_[2], counters.late_objective_runs.fast);
  objective_runs_.add(place.labels, objective_results_[3], counters.late_objective_runs.slow);
}

void PlaceWriter::write_fact_counters(const PlaceBook& place, const TypeSeries& series) {
  const auto& counters = place.facts.all();
  for (std::size_t i = 0; i < counters.size(); ++i) {
    const FactCounters::Counter& counter = counters[i];
    const proto::Metric& metric = *counter.of.metric;
    const FactSeries& fact = series.counters[i];
    if (metric.kind() == proto::Metric::HISTOGRAM) {
      fact.family->add_histogram(place.labels, fact.le, counter.bucket, counter.sum);
    } else if (metric.kind() == proto::Metric::COUNT_BY) {
      for (const auto& [value, count] : counter.by)
        fact.family->add(place.labels, label(metric.label(), value), count);
    } else {
      fact.family->add(place.labels, fact.fixed, counter.sum);
    }
  }
}

void PlaceWriter::write_unexpected(std::string_view labels, const RejectedCounts& rejected) {
  for (std::size_t i = 0; i < rejected.size(); ++i) rejected_.add(labels, rejected_causes_[i], rejected[i]);
}

}  // namespace parallax
