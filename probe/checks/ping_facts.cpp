#include "probe/checks/ping_facts.h"

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <cmath>
#include <numeric>

namespace parallax {
namespace {

using Times = boost::container::small_vector<double, 8>;  // in seconds; few, mostly: no memory of their own

bool is_late(std::span<const Echo> echoes, std::size_t i, Nanoseconds round_trip) {
  const bool is_last = i + 1 == echoes.size();
  const Nanoseconds to_next = is_last ? Nanoseconds(0) : echoes[i + 1].sent.steady - echoes[i].sent.steady;
  return round_trip > to_next + kReplyIsLateAfter;
}

double median_of(const Times& sorted) {
  const auto half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double nearest_rank(const Times& sorted, std::size_t per_cent) {
  const auto rank = (sorted.size() * per_cent + 99) / 100;  // rounded up
  return sorted[rank - 1];
}

double deviation_of(const Times& values, double mean) {
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

double jitter_of(const Times& in_order) {
  double jitter = 0;
  for (std::size_t i = 1; i < in_order.size(); ++i)
    jitter += (std::abs(in_order[i] - in_order[i - 1]) - jitter) / 16;
  return jitter;
}

// To whole nanoseconds: what lies behind is not known.
double rounded(double time) { return std::round(time * 1e9) / 1e9; }

void add_statistics(proto::PingFacts& facts, const Times& in_order) {
  auto sorted = in_order;
  std::sort(sorted.begin(), sorted.end());
  const double mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(sorted.size());
  facts.set_min(sorted.front());
  facts.set_mean(rounded(mean));
  facts.set_median(rounded(median_of(sorted)));
  facts.set_p95(nearest_rank(sorted, 95));
  facts.set_max(sorted.back());
  facts.set_stddev(rounded(deviation_of(sorted, mean)));
  if (in_order.size() > 1) facts.set_jitter(rounded(jitter_of(in_order)));
  facts.mutable_rtt()->Add(in_order.begin(), in_order.end());
}

}  // namespace

proto::PingFacts ping_facts(std::span<const Echo> echoes) {
  proto::PingFacts facts;
  Times round_trips;
  unsigned late = 0;
  unsigned duplicates = 0;
  bool all_by_kernel = true;
  for (std::size_t i = 0; i < echoes.size(); ++i) {
    const auto& echo = echoes[i];
    duplicates += echo.duplicates;
    if (!echo.received) continue;
    const auto trip = round_trip(echo);
    if (is_late(echoes, i, trip.time)) {
      ++late;
      continue;
    }
    round_trips.push_back(seconds(trip.time));
    all_by_kernel = all_by_kernel && trip.by_kernel;
    if (echo.hop_limit) facts.set_hop_limit(*echo.hop_limit);
  }
  const auto received = round_trips.size();
  facts.set_sent(static_cast<unsigned>(echoes.size()));
  facts.set_received(static_cast<unsigned>(received));
  facts.set_duplicates(duplicates);
  facts.set_late(late);
  facts.set_loss(static_cast<double>(echoes.size() - received) / static_cast<double>(echoes.size()));
  if (received == 0) return facts;
  add_statistics(facts, round_trips);
  facts.set_timestamps(all_by_kernel ? "kernel" : "user");
  return facts;
}

}  // namespace parallax
