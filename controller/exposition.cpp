#include "controller/exposition.h"

#include "base/notation.h"
#include "controller/exposition_places.h"
#include "controller/own_families.h"
#include "controller/series_text.h"

namespace parallax {
namespace {

// An info series: always 1, what it says is in its labels.
void add_info(Family& family, const std::string& labels) { family.add(labels, std::uint64_t{1}); }

std::uint64_t as_number(bool truth) { return truth ? 1 : 0; }

void write_services(MetricsPage& page, const Ledger& ledger, const ExpositionFilter& filter, WallTime now) {
  Family& up = declare(page, own_family("parallax_service_up"));
  Family& about = declare(page, own_family("parallax_service_info"));
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
  Family& up = declare(page, own_family("parallax_check_up"));
  Family& slots = declare(page, own_family("parallax_slots_total"));
  Family& about = declare(page, own_family("parallax_check_info"));
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
  Family& about = declare(page, own_family("parallax_location_info"));
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
      : spool(declare(page, own_family("parallax_probe_spool_results"))),
        oldest(declare(page, own_family("parallax_probe_oldest_unacknowledged_seconds"))),
        disk_failing(declare(page, own_family("parallax_probe_spool_disk_failing"))),
        damaged_files(declare(page, own_family("parallax_probe_spool_damaged_files"))),
        offset(declare(page, own_family("parallax_probe_clock_offset_seconds"))),
        expiry(declare(page, own_family("parallax_probe_certificate_expiry_timestamp_seconds"))),
        memory(declare(page, own_family("parallax_probe_resident_memory_bytes"))),
        fds(declare(page, own_family("parallax_probe_open_fds"))) {}

  void add(const std::string& labels, const ProbeBook& probe) {
    spool.add(labels, probe.heartbeat.spool_results());
    oldest.add(labels, probe.heartbeat.oldest_unacknowledged_seconds());
    disk_failing.add(labels, as_number(probe.heartbeat.spool_disk_failing()));
    damaged_files.add(labels, std::uint64_t{probe.heartbeat.spool_damaged_files()});
    offset.add(labels, probe.clock_offset_seconds);
    const double expires = probe.heartbeat.certificate_expiry_timestamp_seconds();
    if (expires > 0) expiry.add(labels, expires);
    memory.add(labels, probe.heartbeat.resident_memory_bytes());
    fds.add(labels, std::uint64_t{probe.heartbeat.open_fds()});
  }

  Family& spool;
  Family& oldest;
  Family& disk_failing;
  Family& damaged_files;
  Family& offset;
  Family& expiry;
  Family& memory;
  Family& fds;
};

void write_fleet(MetricsPage& page, const Ledger& ledger, const FleetBook& fleet, const ExpositionFilter& filter) {
  Family& connected = declare(page, own_family("parallax_probe_connected"));
  Family& last_seen = declare(page, own_family("parallax_probe_last_seen_timestamp_seconds"));
  HeartbeatFamilies figures(page);
  Family& conflict = declare(page, own_family("parallax_probe_identity_conflict"));
  Family& lag = declare(page, own_family("parallax_probe_schedule_lag_seconds"));
  Family& about = declare(page, own_family("parallax_probe_info"));
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
  declare(page, own_family("process_cpu_seconds_total")).add({}, process.cpu_seconds);
  declare(page, own_family("process_resident_memory_bytes")).add({}, process.resident_bytes);
  declare(page, own_family("process_virtual_memory_bytes")).add({}, process.virtual_bytes);
  declare(page, own_family("process_open_fds")).add({}, std::uint64_t{process.open_fds});
  declare(page, own_family("process_max_fds")).add({}, process.max_fds);
  declare(page, own_family("process_start_time_seconds")).add({}, process.start_time_seconds);
}

void write_controller(MetricsPage& page, const Ledger& ledger, const ControllerFigures& controller) {
  std::string build = label("version", controller.version);
  append_label(build, "revision", controller.revision);
  add_info(declare(page, own_family("parallax_build_info")), build);
  add_info(declare(page, own_family("parallax_checks_revision_info")), label("revision", ledger.revision()));
  declare(page, own_family("parallax_config_last_reload_successful"))
      .add({}, as_number(controller.last_reload_ok));
  if (controller.last_reload_success != WallTime())
    declare(page, own_family("parallax_config_last_reload_success_timestamp_seconds"))
        .add({}, unix_seconds(controller.last_reload_success));
  declare(page, own_family("parallax_journal_failing")).add({}, as_number(controller.journal_failing));
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
