#include "controller/exposition.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/notation.h"
#include "controller/exposition_places.h"
#include "controller/own_families.h"
#include "controller/series_text.h"
#include "controller/verdict.h"

namespace parallax {
namespace {

// An info series: always 1, what it says is in its labels.
void add_info(Family& family, const std::string& labels) { family.add(labels, std::uint64_t{1}); }

std::uint64_t as_number(bool truth) { return truth ? 1 : 0; }

// A place of a page, and a check or probe without one, count the same.
std::size_t cost_of(const CheckBook& check) { return std::max<std::size_t>(1, check.places.size()); }

// What a page says of each check beside its places, and of the services that they make up.
class CheckWriter {
 public:
  explicit CheckWriter(MetricsPage& page)
      : up_(declare(page, own_family("parallax_check_up"))),
        slots_(declare(page, own_family("parallax_slots_total"))),
        about_(declare(page, own_family("parallax_check_info"))),
        service_up_(declare(page, own_family("parallax_service_up"))),
        service_about_(declare(page, own_family("parallax_service_info"))) {}

  void write(const CheckBook& check, std::optional<bool> is_up) {
    const proto::Check& definition = check.definition();
    const bool counts = !definition.has_counts() || definition.counts();
    if (counts) of_service_[definition.service()].push_back(is_up);
    if (is_up) up_.add(check.labels, as_number(*is_up));
    const SlotBook::Tally& tally = check.slots.tally();
    slots_.add(check.labels, "result=\"up\"", tally.up);
    slots_.add(check.labels, "result=\"down\"", tally.down);
    slots_.add(check.labels, "result=\"unknown\"", tally.unknown);
    std::string labels = check.labels;
    append_label(labels, "title", definition.title());
    append_label(labels, "type", check.type);
    append_label(labels, "target", definition.target());
    append_label(labels, "interval", duration_text(definition.every_ms()));
    append_label(labels, "up_when", definition.up_when());
    append_label(labels, "counts", counts ? "true" : "false");
    add_info(about_, labels);
  }

  // Behind its checks: the verdict is over what the page says of them.
  void write(const ServiceBook& service) {
    const proto::Service& definition = *service.service;
    std::string labels = label("service", definition.name());
    append_label(labels, "instance", "");
    if (const auto is_up = service_verdict(of_service_[definition.name()]))
      service_up_.add(labels, as_number(*is_up));
    append_label(labels, "title", definition.title());
    append_label(labels, "owner", definition.owner());
    append_label(labels, "approach", definition.approach());
    append_label(labels, "runbook", definition.runbook());
    add_info(service_about_, labels);
  }

 private:
  Family& up_;
  Family& slots_;
  Family& about_;
  Family& service_up_;
  Family& service_about_;
  std::map<std::string, std::vector<std::optional<bool>>> of_service_;
};

void write_unexpected(PlaceWriter& writer, const Ledger& ledger, const ExpositionFilter& filter) {
  for (const auto& [location, rejected] : ledger.unexpected()) {
    if (!filter.shows_location(location)) continue;
    std::string labels = label("location", location);
    append_label(labels, "zone", ledger.zone_of(location));
    append_label(labels, "instance", "");
    writer.write_unexpected(labels, rejected);
  }
}

void write_locations(Family& about, const Ledger& ledger, const ExpositionFilter& filter) {
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

class ProbeWriter {
 public:
  explicit ProbeWriter(MetricsPage& page)
      : lag_bounds_(bucket_labels(kLagBuckets)),
        connected_(declare(page, own_family("parallax_probe_connected"))),
        last_seen_(declare(page, own_family("parallax_probe_last_seen_timestamp_seconds"))),
        figures_(page),
        conflict_(declare(page, own_family("parallax_probe_identity_conflict"))),
        lag_(declare(page, own_family("parallax_probe_schedule_lag_seconds"))),
        about_(declare(page, own_family("parallax_probe_info"))) {}

  void write(const Identity& identity, const ProbeBook& probe, std::string_view zone) {
    std::string labels = label("probe", identity.probe);
    append_label(labels, "location", identity.location);
    append_label(labels, "zone", zone);
    append_label(labels, "instance", "");
    connected_.add(labels, as_number(probe.connected));
    last_seen_.add(labels, unix_seconds(probe.last_seen));
    if (probe.has_heartbeat) figures_.add(labels, probe);
    conflict_.add(labels, as_number(probe.identity_conflict));
    lag_.add_histogram(labels, lag_bounds_, probe.lag.bucket, probe.lag.sum_seconds);
    append_label(labels, "version", probe.version);
    append_label(labels, "icmp", probe.icmp);
    add_info(about_, labels);
  }

 private:
  std::vector<std::string> lag_bounds_;
  Family& connected_;
  Family& last_seen_;
  HeartbeatFamilies figures_;
  Family& conflict_;
  Family& lag_;
  Family& about_;
};

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

struct ExpositionWriter::Members {
  Members(ExpositionFormat f, const Ledger& l, const FleetBook& b, ControllerFigures c, ExpositionFilter shown)
      : format(f), ledger(l), fleet(b), controller(std::move(c)), filter(std::move(shown)) {}

  // Each goes on behind the key it wrote last, whatever came or went meanwhile. True when nothing is left.
  bool write_checks(std::size_t& left, WallTime now);
  bool write_probes(std::size_t& left);
  void write_rest();

  const ExpositionFormat format;
  const Ledger& ledger;
  const FleetBook& fleet;
  const ControllerFigures controller;
  const ExpositionFilter filter;

  MetricsPage of_places;  // comes first; its families depend on the types of the checks
  MetricsPage of_others;
  PlaceWriter places{of_places};
  CheckWriter checks{of_others};
  Family& locations = declare(of_others, own_family("parallax_location_info"));
  ProbeWriter probes{of_others};

  std::optional<std::string> last_check;
  std::optional<Identity> last_probe;
};

bool ExpositionWriter::Members::write_checks(std::size_t& left, WallTime now) {
  const auto& all = ledger.checks();
  for (auto at = last_check ? all.upper_bound(*last_check) : all.begin(); at != all.end(); ++at) {
    if (left == 0) return false;
    const auto& [id, check] = *at;
    last_check = id;
    if (!filter.shows_service(check.definition().service())) continue;
    left -= std::min(left, cost_of(check));
    for (const PlaceBook& place : check.places)
      if (filter.shows_location(place.location)) places.write(check, place, now);
    checks.write(check, ledger.check_up(check, now));
  }
  return true;
}

bool ExpositionWriter::Members::write_probes(std::size_t& left) {
  const auto& all = fleet.probes();
  for (auto at = last_probe ? all.upper_bound(*last_probe) : all.begin(); at != all.end(); ++at) {
    if (left == 0) return false;
    --left;
    const auto& [identity, probe] = *at;
    last_probe = identity;
    if (filter.shows_location(identity.location)) probes.write(identity, probe, ledger.zone_of(identity.location));
  }
  return true;
}

void ExpositionWriter::Members::write_rest() {
  write_unexpected(places, ledger, filter);
  for (const ServiceBook& service : ledger.services())
    if (filter.shows_service(service.service->name())) checks.write(service);
  write_locations(locations, ledger, filter);
  write_controller(of_others, ledger, controller);
}

ExpositionWriter::ExpositionWriter(ExpositionFormat format, const Ledger& ledger, const FleetBook& fleet,
                                   ControllerFigures controller, ExpositionFilter filter)
    : members_(std::make_unique<Members>(format, ledger, fleet, std::move(controller), std::move(filter))) {}

ExpositionWriter::~ExpositionWriter() = default;

bool ExpositionWriter::write_some(std::size_t most, WallTime now) {
  std::size_t left = most;
  if (!members_->write_checks(left, now) || !members_->write_probes(left)) return true;
  members_->write_rest();
  return false;
}

TextPieces ExpositionWriter::take() {
  TextPieces page;
  members_->of_places.move_to(page, members_->format);
  for (std::string& piece : members_->of_others.take(members_->format)) page.push_back(std::move(piece));
  return page;
}

TextPieces write_exposition(ExpositionFormat format, const Ledger& ledger, const FleetBook& fleet,
                            const ControllerFigures& controller, const ExpositionFilter& filter, WallTime now) {
  ExpositionWriter writer(format, ledger, fleet, controller, filter);
  while (writer.write_some(std::numeric_limits<std::size_t>::max(), now)) {
  }
  return writer.take();
}

}  // namespace parallax
