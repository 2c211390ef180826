// The families of /metrics that are not facts of a check type (those are options in proto/result.proto): what
// each is called, what it says, its labels and when it is not there. The exposition writes its headers from here
// and docs/metrics.md is generated from here; a test compares both with a real page, both ways.
#pragma once

#include <string_view>

#include "controller/metrics_page.h"

namespace parallax {

// What a series is about, and so the labels that it has in any case; see labels_of().
enum class Subject { place, check, service, location, probe, controller };

struct OwnFamily {
  Subject subject;
  std::string_view name;
  MetricKind kind;
  std::string_view help;
  std::string_view
      labels;  // beside the subject's: "outcome=up|down reason", with the values where they are closed
  std::string_view absent;  // when there is no such series
};

inline constexpr std::string_view kOfTheNewestRun = "When the newest run is unknown or not fresh.";
inline constexpr std::string_view kFromTheFirstAppearance = "Never: at 0 from the check's first appearance.";
inline constexpr std::string_view kWhileTheProbeIsKept =
    "24 hours after the last contact, or once the probe is forgotten.";
inline constexpr std::string_view kWithAHeartbeat = "Until the first heartbeat.";

// clang-format off
inline constexpr OwnFamily kOwnFamilies[] = {
    {Subject::place, "probe_success", MetricKind::gauge, "Displays whether or not the probe was a success", "", kOfTheNewestRun},
    {Subject::place, "probe_duration_seconds", MetricKind::gauge, "Returns how long the probe took to complete in seconds", "", kOfTheNewestRun},
    {Subject::place, "probe_timeout_seconds", MetricKind::gauge, "Timeout of the probe in seconds", "", kOfTheNewestRun},
    {Subject::place, "probe_dns_lookup_time_seconds", MetricKind::gauge, "Returns the time taken for probe dns lookup in seconds", "", kOfTheNewestRun},
    {Subject::place, "probe_all_success", MetricKind::summary, "Runs that were a success, of all fresh runs that could measure.", "", kFromTheFirstAppearance},
    {Subject::place, "probe_all_duration_seconds", MetricKind::histogram, "Duration of all fresh runs that could measure.", "", kFromTheFirstAppearance},
    {Subject::place, "parallax_check_state", MetricKind::gauge, "State of the check at the location: the one that is 1.", "state=up|degraded|down|unknown|no_data", "Never: five series, one of them 1."},
    {Subject::place, "parallax_check_expected", MetricKind::gauge, "1 while the check is meant to run at the location, whoever is alive.", "", "Once the check is not meant to run there."},
    {Subject::place, "parallax_check_last_result_timestamp_seconds", MetricKind::gauge, "When the newest run started.", "", "Until the first result on the current definition."},
    {Subject::place, "parallax_runs_total", MetricKind::counter, "Runs by outcome; late ones arrived after their freshness limit.", "outcome=up|degraded|down|unknown arrival=fresh|late", kFromTheFirstAppearance},
    {Subject::place, "parallax_failures_total", MetricKind::counter, "Down and unknown runs by reason.", "reason", "Each series until its first use."},
    {Subject::place, "parallax_missed_runs_total", MetricKind::counter, "Slots without a run, and runs whose results were lost, by cause.", "cause=evicted|corrupt|probe_down|overrun|overload", kFromTheFirstAppearance},
    {Subject::place, "parallax_duplicate_results_total", MetricKind::counter, "Results that were received again and dropped.", "", kFromTheFirstAppearance},
    {Subject::place, "parallax_rejected_results_total", MetricKind::counter, "Results that were refused, by cause.", "cause=removed|not_expected|invalid|clock", "Never: at 0 from the first appearance; of checks not expected at a location, under the location alone and from the first use."},
    {Subject::place, "parallax_objective_runs_total", MetricKind::counter, "Up and degraded runs by whether they were faster than the service's latency objective.", "result=fast|slow arrival=fresh|late", "For all but http checks that count in a service with a latency objective."},
    {Subject::check, "parallax_check_up", MetricKind::gauge, "Whether the check is up by the verdict of its locations; absent without one.", "", "Without a verdict."},
    {Subject::check, "parallax_slots_total", MetricKind::counter, "Time slots of the check by the verdict of its locations.", "result=up|down|unknown", kFromTheFirstAppearance},
    {Subject::check, "parallax_check_info", MetricKind::info, "What the check is.", "title type target interval up_when counts=true|false", "Never."},
    {Subject::service, "parallax_service_up", MetricKind::gauge, "Whether the service is up: down if a check that counts is, absent without a verdict.", "", "Without a verdict."},
    {Subject::service, "parallax_service_info", MetricKind::info, "What the service is.", "title owner approach runbook", "Never."},
    {Subject::location, "parallax_location_info", MetricKind::info, "Where the location is.", "region title geohash", "Never."},
    {Subject::probe, "parallax_probe_spool_results", MetricKind::gauge, "Results that wait in the probe's spool.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_oldest_unacknowledged_seconds", MetricKind::gauge, "Age of the oldest result that the controller has not acknowledged.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_spool_disk_failing", MetricKind::gauge, "1 while what waits in the probe's spool is in its memory only, as its disk does not take it.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_spool_damaged_files", MetricKind::gauge, "Damaged spool files that were set aside in the probe's state directory; at most three are kept.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_clock_offset_seconds", MetricKind::gauge, "The probe's clock minus the controller's.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_certificate_expiry_timestamp_seconds", MetricKind::gauge, "When the probe's certificate expires.", "", "Until a heartbeat told it."},
    {Subject::probe, "parallax_probe_resident_memory_bytes", MetricKind::gauge, "Resident memory of the probe.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_open_fds", MetricKind::gauge, "Open file descriptors of the probe.", "", kWithAHeartbeat},
    {Subject::probe, "parallax_probe_connected", MetricKind::gauge, "1 while the probe is connected.", "", kWhileTheProbeIsKept},
    {Subject::probe, "parallax_probe_last_seen_timestamp_seconds", MetricKind::gauge, "When the probe was last heard of.", "", kWhileTheProbeIsKept},
    {Subject::probe, "parallax_probe_identity_conflict", MetricKind::gauge, "1 while two living probes use this probe's certificate.", "", kWhileTheProbeIsKept},
    {Subject::probe, "parallax_probe_schedule_lag_seconds", MetricKind::histogram, "How late runs start.", "", kWhileTheProbeIsKept},
    {Subject::probe, "parallax_probe_info", MetricKind::info, "What the probe is.", "version icmp", kWhileTheProbeIsKept},
    {Subject::controller, "parallax_build_info", MetricKind::info, "What this controller was built from.", "version revision", "Never."},
    {Subject::controller, "parallax_checks_revision_info", MetricKind::info, "The set of definitions in force.", "revision", "Never."},
    {Subject::controller, "parallax_config_last_reload_successful", MetricKind::gauge, "Whether the last attempt to load the definitions was a success.", "", "Never."},
    {Subject::controller, "parallax_config_last_reload_success_timestamp_seconds", MetricKind::gauge, "When definitions were last loaded with success.", "", "Until a load was a success."},
    {Subject::controller, "parallax_journal_failing", MetricKind::gauge, "1 while the disk does not take what probes report: nothing new is counted or acknowledged, probes keep it.", "", "Never."},
    {Subject::controller, "process_cpu_seconds_total", MetricKind::counter, "Total user and system CPU time spent in seconds.", "", "Never."},
    {Subject::controller, "process_resident_memory_bytes", MetricKind::gauge, "Resident memory size in bytes.", "", "Never."},
    {Subject::controller, "process_virtual_memory_bytes", MetricKind::gauge, "Virtual memory size in bytes.", "", "Never."},
    {Subject::controller, "process_open_fds", MetricKind::gauge, "Number of open file descriptors.", "", "Never."},
    {Subject::controller, "process_max_fds", MetricKind::gauge, "Maximum number of open file descriptors.", "", "Never."},
    {Subject::controller, "process_start_time_seconds", MetricKind::gauge, "Start time of the process since unix epoch in seconds.", "", "Never."},
};
// clang-format on

// The family of that name; one that is not listed does not compile.
consteval const OwnFamily& own_family(std::string_view name) {
  for (const OwnFamily& family : kOwnFamilies)
    if (family.name == name) return family;
  throw "no such family in kOwnFamilies";
}

inline Family& declare(MetricsPage& page, const OwnFamily& own) {
  return page.family(own.name, own.kind, own.help);
}

// The labels that every series about the subject has.
constexpr std::string_view labels_of(Subject subject) {
  switch (subject) {
    case Subject::place:
      return "service check location zone instance";
    case Subject::check:
      return "service check instance";
    case Subject::service:
      return "service instance";
    case Subject::location:
      return "location zone instance";
    case Subject::probe:
      return "probe location zone instance";
    case Subject::controller:
      break;
  }
  return "";
}

}  // namespace parallax
