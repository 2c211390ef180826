#include "controller/exposition.h"

#include "base/notation.h"
#include "controller/exposition_places.h"
#include "controller/series_text.h"

namespace parallax {
namespace {

// An info series: always 1, what it says is in its labels.
void add_info(Family& family, const std::string& labels) { family.add(labels, std::uint64_t{1}); }

std::uint64_t as_number(bool truth) { return truth ? 1 : 0; }

void write_services(MetricsPage& page, const Ledger& ledger, const ExpositionFilter& filter, WallTime now) {
  Family& up = page.family("parallax_service_up", MetricKind::gauge,
                           "Whether the service is up: down if a check that counts is, absent without a verdict.");
  Family& about = page.family("parallax_service_info", MetricKind::info, "What the service is.");
  for (const ServiceBook& service : ledger.services()) {
    const proto::Service& definition = service.definition;
    if (!filter.shows_service(definition.name())) continue;
    const std::string service_label = label("service", definition.name());
    std::string labels = service_label;
    append_label(labels, "instance", "");
    if (const auto is_up = ledger.service_up(service, now)) up.add(labels, as_number(*is_up));
    append_label(labels, "title", definition.title());
    append_label(labels, "owner", definition.owner());
    append_label(labels, "approach", definition.approach());
    append_label(labels, "runbook", definition.runbook());
    add_info(about, labels);
  }
}

void write_checks(MetricsPage& page, const Ledger& ledger, const ExpositionFilter& filter, WallTime now) {
  Family& up = page.family("parallax_check_up", MetricKind::gauge,
                           "Whether the check is up by the verdict of its locations; absent without one.");
  Family& slots = page.family("parallax_slots_total", MetricKind::counter,
                              "Time slots of the check by the verdict of its locations.");
  Family& about = page.family("parallax_check_info", MetricKind::info, "What the check is.");
  for (const auto& [id, check] : ledger.checks()) {
    if (!filter.shows_service(check.check.service())) continue;
    if (const auto is_up = ledger.check_up(check, now)) up.add(check.labels, as_number(*is_up));
    const SlotBook::Tally& tally = check.slots.tally();
    slots.add(check.labels, "result=\"up\"", tally.up);
    slots.add(check.labels, "result=\"down\"", tally.down);
    slots.add(check.labels, "result=\"unknown\"", tally.unknown);
    std::string labels = check.labels;
    append_label(labels, "title", check.check.title());
    append_label(labels, "type", check.type);
    append_label(labels, "target", check.check.target());
    append_label(labels, "interval", duration_text(check.check.every_ms()));
    append_label(labels, "up_when", check.check.up_when());
    append_label(labels, "counts", check.check.has_counts() && !check.check.counts() ? "false" : "true");
    add_info(about, labels);
  }
}

void write_places(MetricsPage& page, const Ledger& ledger, const ExpositionFilter& filter, WallTime now) {
  PlaceWriter writer(page);
  for (const auto& [id, check] : ledger.checks()) {
    if (!filter.shows_service(check.check.service())) continue;
    for (const PlaceBook& place : check.places)
      if (filter.shows_location(place.location)) writer.write(check, place, now);
  }
  for (const auto& [location, rejected] : ledger.unexpected()) {
    if (!filter.shows_location(location)) continue;
    std::string labels = label("location", location);
    append_label(labels, "zone", ledger.zone_of(location));
    append_label(labels, "instance", "");
    writer.write_unexpected(labels, rejected);
  }
}

void write_locations(MetricsPage& page, const Ledger& ledger, const ExpositionFilter& filter) {
  Family& about = page.family("parallax_location_info", MetricKind::info, "Where the location is.");
  for (const proto::Location& location : ledger.locations()) {
    if (!filter.shows_location(location.name())) continue;
    std::string labels = label("location", location.name());
    append_label(labels, "zone", location.zone());
    append_label(labels, "instance", "");
    append_label(labels, "region", location.region());
    append_label(labels, "title", location.title());
    append_label(labels, "geohash", location.geohash());
    add_info(about, labels);
  }
}

// The gauges of one probe that its heartbeats tell.
struct HeartbeatFamilies {
  explicit HeartbeatFamilies(MetricsPage& page)
      : spool(page.family("parallax_probe_spool_results", MetricKind::gauge,
                          "Results that wait in the probe's spool.")),
        oldest(page.family("parallax_probe_oldest_unacknowledged_seconds", MetricKind::gauge,
                           "Age of the oldest result that the controller has not acknowledged.")),
        offset(page.family("parallax_probe_clock_offset_seconds", MetricKind::gauge,
                           "The probe's clock minus the controller's.")),
        expiry(page.family("parallax_probe_certificate_expiry_timestamp_seconds", MetricKind::gauge,
                           "When the probe's certificate expires.")),
        memory(page.family("parallax_probe_resident_memory_bytes", MetricKind::gauge,
                           "Resident memory of the probe.")),
        fds(page.family("parallax_probe_open_fds", MetricKind::gauge, "Open file descriptors of the probe.")) {}

  void add(const std::string& labels, const ProbeBook& probe) {
    spool.add(labels, probe.heartbeat.spool_results());
    oldest.add(labels, probe.heartbeat.oldest_unacknowledged_seconds());
    offset.add(labels, probe.clock_offset_seconds);
    const double expires = probe.heartbeat.certificate_expiry_timestamp_seconds();
    if (expires > 0) expiry.add(labels, expires);
    memory.add(labels, probe.heartbeat.resident_memory_bytes());
    fds.add(labels, std::uint64_t{probe.heartbeat.open_fds()});
  }

  Family& spool;
  Family& oldest;
  Family& offset;
  Family& expiry;
  Family& memory;
  Family& fds;
};

void write_fleet(MetricsPage& page, const Ledger& ledger, const FleetBook& fleet, const ExpositionFilter& filter) {
  Family& connected =
      page.family("parallax_probe_connected", MetricKind::gauge, "1 while the probe is connected.");
  Family& last_seen = page.family("parallax_probe_last_seen_timestamp_seconds", MetricKind::gauge,
                                  "When the probe was last heard of.");
  HeartbeatFamilies figures(page);
  Family& conflict = page.family("parallax_probe_identity_conflict", MetricKind::gauge,
                                 "1 while two living probes use this probe's certificate.");
  Family& lag = page.family("parallax_probe_schedule_lag_seconds", MetricKind::histogram, "How late runs start.");
  Family& about = page.family("parallax_probe_info", MetricKind::info, "What the probe is.");
  const std::vector<std::string> lag_bounds = bucket_labels(kLagBuckets);
  for (const auto& [identity, probe] : fleet.probes()) {
    if (!filter.shows_location(identity.location)) continue;
    std::string labels = label("probe", identity.probe);
    append_label(labels, "location", identity.location);
    append_label(labels, "zone", ledger.zone_of(identity.location));
    append_label(labels, "instance", "");
    connected.add(labels, as_number(probe.connected));
    last_seen.add(labels, unix_seconds(probe.last_seen));
    if (probe.has_heartbeat) figures.add(labels, probe);
    conflict.add(labels, as_number(probe.identity_conflict));
    lag.add_histogram(labels, lag_bounds, probe.lag.bucket, probe.lag.sum_seconds);
    append_label(labels, "version", probe.version);
    append_label(labels, "icmp", probe.icmp);
    add_info(about, labels);
  }
}

void write_process(MetricsPage& page, const ProcessFigures& process) {
  const auto gauge = [&](std::string_view name, std::string_view help, auto number) {
    page.family(name, MetricKind::gauge, help).add({}, number);
  };
  page.family("process_cpu_seconds_total", MetricKind::counter, "Total user and system CPU time spent in seconds.")
      .add({}, process.cpu_seconds);
  gauge("process_resident_memory_bytes", "Resident memory size in bytes.", process.resident_bytes);
  gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", process.virtual_bytes);
  gauge("process_open_fds", "Number of open file descriptors.", std::uint64_t{process.open_fds});
  gauge("process_max_fds", "Maximum number of open file descriptors.", process.max_fds);
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
        process.start_time_seconds);
}

void write_controller(MetricsPage& page, const Ledger& ledger, const ControllerFigures& controller) {
  std::string build = label("version", controller.version);
  append_label(build, "revision", controller.revision);
  add_info(page.family("parallax_build_info", MetricKind::info, "What this controller was built from."), build);
  add_info(page.family("parallax_checks_revision_info", MetricKind::info, "The set of definitions in force."),
           label("revision", ledger.revision()));
  page.family("parallax_config_last_reload_successful", MetricKind::gauge,
              "Whether the last attempt to load the definitions was a success.")
      .add({}, as_number(controller.last_reload_ok));
  if (controller.last_reload_success != WallTime())
    page.family("parallax_config_last_reload_success_timestamp_seconds", MetricKind::gauge,
                "When definitions were last loaded with success.")
        .add({}, unix_seconds(controller.last_reload_success));
  write_process(page, controller.process);
}

}  // namespace

TextPieces write_exposition(ExpositionFormat format, const Ledger& ledger, const FleetBook& fleet,
                            const ControllerFigures& controller, const ExpositionFilter& filter, WallTime now) {
  MetricsPage page;
  write_places(page, ledger, filter, now);
  write_checks(page, ledger, filter, now);
  write_services(page, ledger, filter, now);
  write_locations(page, ledger, filter);
  write_fleet(page, ledger, fleet, filter);
  write_controller(page, ledger, controller);
  return page.take(format);
}

}  // namespace parallax
