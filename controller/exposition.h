// The page Prometheus scrapes: one model, written as text 0.0.4 or OpenMetrics 1.0.
//
// Both formats are lines of  name{label="value",...} number , grouped in families with a HELP and a TYPE line
// each. They differ in that OpenMetrics names a counter's family without _total and an info's without _info, and
// ends with
// "# EOF". Never a timestamp: an explicit one keeps a dead value alive for five minutes. What a check type
// measured is found by walking the metric options of its facts (fact_metrics.h), so that a new type needs nothing
// here. https://prometheus.io/docs/instrumenting/exposition_formats/ and the OpenMetrics 1.0 specification.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/process_figures.h"
#include "base/time.h"
#include "controller/fleet_book.h"
#include "controller/ledger.h"
#include "controller/metrics_page.h"

namespace parallax {

// The format that an Accept header asks for (RFC 9110, section 12.5.1): the one with the higher q; text where
// nothing is named, nothing fits or both are equally welcome.
ExpositionFormat negotiate(std::string_view accept);

// Exactly what goes into Content-Type.
std::string_view content_type(ExpositionFormat format);

// The part of the page that was asked for by ?service=...&location=...; an empty set is everything.
// Series that belong to no service (or no location) are not touched by that half of the filter.
struct ExpositionFilter {
  std::set<std::string, std::less<>> services;
  std::set<std::string, std::less<>> locations;

  bool shows_service(std::string_view name) const { return services.empty() || services.contains(name); }
  bool shows_location(std::string_view name) const { return locations.empty() || locations.contains(name); }
};

// The controller about itself.
struct ControllerFigures {
  std::string version;
  std::string revision;  // of the program's source; empty where it is not known
  bool last_reload_ok = false;
  WallTime last_reload_success{};  // the epoch: there was none
  bool journal_failing = false;
  ProcessFigures process;
};

// Writes one page, part by part, so that others have their turn between two parts: a million samples are a tenth
// of a second. Each check is written whole, as it is at that moment. One that comes or goes, also with another set
// of definitions, is on the page or not: never by half and never twice.
//
// Ledger and fleet outlive it; they may change between two parts.
class ExpositionWriter {
 public:
  ExpositionWriter(ExpositionFormat format, const Ledger& ledger, const FleetBook& fleet,
                   ControllerFigures controller, ExpositionFilter filter);
  ~ExpositionWriter();

  // Writes about `most` further places (a check at a location, or a probe), everything as of `now`; counters of
  // slots are as of the last Ledger::tick(). False when the page is complete.
  bool write_some(std::size_t most, WallTime now);

  // The page, in pieces as they were written (metrics_page.h). Requires: write_some() returned false.
  TextPieces take();

 private:
  struct Members;
  std::unique_ptr<Members> members_;
};

// The whole page at once.
TextPieces write_exposition(ExpositionFormat format, const Ledger& ledger, const FleetBook& fleet,
                            const ControllerFigures& controller, const ExpositionFilter& filter, WallTime now);

}  // namespace parallax
