// How the fleet itself is: its probes, what of their work was lost, the controller.
import { colour } from "../colours";
import { labelVariable, page } from "../page";
import { bigNumber, dataTable, days, noneSteps, plain, stateTimeline, Steps, timeSeries } from "../panels";
import { connectedMapping, reloadMapping, scrapeMapping } from "../states";

const at = `location=~"$location"`;
const job = `job="$job"`;
const ofProbe = "{{probe}}";
/** A clock that is off by more than the alert ProbeClockOff allows makes results arrive from the past or the future. */
const clockSteps: Steps = [[null, colour.down], [-5, colour.up], [5, colour.down]];
/** Probes' certificates are short-lived: the alert ProbeCertificateExpiring comes three days before the end. */
const certificateSteps: Steps = [[null, colour.down], [3, colour.up]];

export function fleetHealth() {
  return page({
    uid: "parallax-fleet-health",
    title: "Fleet health",
    description: "Probes and controller: who is connected, what was lost, late or refused, clocks, queues, memory.",
    variables: [
      labelVariable("job", "Job", "parallax_build_info", "one"),
      labelVariable("location", "Location", "parallax_probe_connected", "any"),
    ],
    sections: [
      { title: "Now", panels: now() },
      { title: "Probes", panels: [connected(), probeTable(), ...probes()] },
      { title: "What was not measured, or not in time", panels: losses() },
      { title: "Controller", panels: controller() },
    ],
  });
}

function now() {
  const number = { width: 4, height: 4 };
  const grown = (name: string) => `sum(increase(${name}{${at}}[$__range]))`;
  return [
    bigNumber({
      ...number, title: "Controller", description: "Whether Prometheus could read the controller's metrics at the last attempt.",
      mappings: scrapeMapping, background: true, queries: [{ expr: `min(up{${job}})` }],
    }),
    bigNumber({
      ...number, title: "Definitions", description: "Whether the newest state of the checkout is in force. Refused: the old set stays.",
      mappings: reloadMapping, background: true, queries: [{ expr: `min(parallax_config_last_reload_successful{${job}})` }],
    }),
    bigNumber({
      ...number, title: "Probes", description: "Connected now; not connected but heard from within the last day.",
      queries: [
        { legend: "connected", expr: `sum(parallax_probe_connected{${at}})` },
        { legend: "not", expr: `sum(1 - parallax_probe_connected{${at}})` },
      ],
      steps: plain, stepsOf: { not: noneSteps },
    }),
    bigNumber({
      ...number, title: "Missed runs", description: "Slots without a run and results that were lost, over the chosen time. Loss is counted exactly.",
      unit: "locale", decimals: 0, steps: noneSteps, queries: [{ expr: grown("parallax_missed_runs_total") }],
    }),
    bigNumber({
      ...number, title: "Late results", description: "Arrived after their freshness limit: counted, but they move no state.",
      unit: "locale", decimals: 0, steps: [[null, colour.up], [1e-9, colour.degraded]],
      queries: [{ expr: `sum(increase(parallax_runs_total{${at},arrival="late"}[$__range]))` }],
    }),
    bigNumber({
      ...number, title: "Rejected results", description: "Of checks that are removed or not expected there, or that cannot be true.",
      unit: "locale", decimals: 0, steps: [[null, colour.up], [1e-9, colour.degraded]],
      queries: [{ expr: grown("parallax_rejected_results_total") }],
    }),
  ];
}

function connected() {
  return stateTimeline({
    title: "Probes connected",
    description: "A gap: nobody asked the controller.",
    width: 24, height: 6, mappings: connectedMapping,
    queries: [{ expr: `max by (probe) (parallax_probe_connected{${at}})`, legend: ofProbe }],
  });
}

function probeTable() {
  const by = (name: string, minus = "") => `${minus}max by (probe) (parallax_probe_${name}{${at}})`;
  return dataTable({
    title: "Probes now",
    description: "A probe is listed for a day after the last contact, or until parallax-controller forget NAME.",
    width: 24, height: 6,
    queries: [
      { expr: `max by (probe, location, zone, version, icmp) (parallax_probe_info{${at}})` },
      { expr: by("connected") },
      { expr: by("last_seen_timestamp_seconds", "time() - ") },
      { expr: by("clock_offset_seconds") },
      { expr: by("spool_results") },
      { expr: `min by (probe) (parallax_probe_certificate_expiry_timestamp_seconds{${at}}) / 86400 - time() / 86400` },
      { expr: by("identity_conflict") },
    ],
    joinOn: "probe",
    columns: [
      { field: "probe", title: "Probe" },
      { field: "location", title: "Location" },
      { field: "zone", title: "Zone" },
      { field: "version", title: "Version" },
      { field: "icmp", title: "Pings by" },
      { field: "Value #B", title: "Connected", mappings: connectedMapping },
      { field: "Value #C", title: "Last heard from", unit: "s", decimals: 1 },
      { field: "Value #D", title: "Clock offset", unit: "s", steps: clockSteps },
      { field: "Value #E", title: "In its queue", unit: "short" },
      { field: "Value #F", title: "Certificate left", unit: days, decimals: 1, steps: certificateSteps },
      { field: "Value #G", title: "Name in use twice", unit: "none", steps: noneSteps },
    ],
    sortBy: { title: "Probe" },
  });
}

function probes() {
  const graph = { width: 8, height: 8 };
  const lag = (q: number) =>
    `histogram_quantile(${q}, sum by (le, location) (rate(parallax_probe_schedule_lag_seconds_bucket{${at}}[5m])))`;
  return [
    timeSeries({
      ...graph, title: "Clock offset", unit: "s", steps: clockSteps, drawSteps: true,
      description: "Probe minus controller. Results are corrected by it; more than five seconds deserve a look (alert ProbeClockOff).",
      queries: [{ expr: `max by (probe) (parallax_probe_clock_offset_seconds{${at}})`, legend: ofProbe }],
    }),
    timeSeries({
      ...graph, title: "Schedule lag, 99 %", unit: "s", min: 0,
      description: "How late runs start after their slot's moment, over five minutes. It grows when the host is too busy.",
      queries: [{ expr: lag(0.99), legend: "{{location}}" }],
    }),
    timeSeries({
      ...graph, title: "Results waiting in the queue", unit: "short", min: 0, decimals: 0,
      description: "Not yet acknowledged by the controller: it grows while a probe is cut off (alert ProbeSpoolFilling).",
      queries: [{ expr: `max by (probe) (parallax_probe_spool_results{${at}})`, legend: ofProbe }],
    }),
    timeSeries({
      ...graph, title: "Oldest result that waits", unit: "s", min: 0,
      description: "Age of the oldest result that the controller has not acknowledged.",
      queries: [{ expr: `max by (probe) (parallax_probe_oldest_unacknowledged_seconds{${at}})`, legend: ofProbe }],
    }),
    timeSeries({
      ...graph, title: "Memory", unit: "bytes", min: 0, description: "Resident memory of the probe.",
      queries: [{ expr: `max by (probe) (parallax_probe_resident_memory_bytes{${at}})`, legend: ofProbe }],
    }),
    timeSeries({
      ...graph, title: "Open files", unit: "none", min: 0, decimals: 0, description: "File descriptors of the probe, sockets included.",
      queries: [{ expr: `max by (probe) (parallax_probe_open_fds{${at}})`, legend: ofProbe }],
    }),
  ];
}

function losses() {
  const graph = { width: 12, height: 8, unit: "short", min: 0, decimals: 1 };
  const grown = (by: string, series: string) => `sum by (${by}) (increase(${series}[5m]))`;
  return [
    timeSeries({
      ...graph, title: "Missed runs by cause",
      description:
        "In five minutes. probe_down: nobody was there; overrun: the run before was not done; overload: too much at once; " +
        "evicted, corrupt: measured, but the result was lost.",
      queries: [{ expr: grown("cause", `parallax_missed_runs_total{${at}}`), legend: "{{cause}}" }],
    }),
    timeSeries({
      ...graph, title: "Results by arrival",
      description: "In five minutes. Late ones are what a healed partition delivers: counted, but they page nobody.",
      queries: [{ expr: grown("arrival", `parallax_runs_total{${at}}`), legend: "{{arrival}}" }],
      colours: [["fresh", colour.up], ["late", colour.degraded]],
    }),
    timeSeries({
      ...graph, title: "Rejected results by cause",
      description: "In five minutes.",
      queries: [{ expr: grown("cause", `parallax_rejected_results_total{${at}}`), legend: "{{cause}}" }],
    }),
    timeSeries({
      ...graph, title: "Runs that could not measure, by location",
      description: "In five minutes: our own trouble (no socket, no uplink, overload), never the service's.",
      queries: [{ expr: grown("location", `parallax_runs_total{${at},outcome="unknown"}`), legend: "{{location}}" }],
    }),
  ];
}

function controller() {
  const graph = { width: 8, height: 8 };
  return [
    timeSeries({
      ...graph, title: "Memory", unit: "bytes", min: 0, description: "Resident memory of the controller.",
      queries: [{ expr: `process_resident_memory_bytes{${job}}`, legend: "{{instance}}" }],
    }),
    timeSeries({
      ...graph, title: "CPU", unit: "percentunit", min: 0, description: "Share of one core, over five minutes.",
      queries: [{ expr: `rate(process_cpu_seconds_total{${job}}[5m])`, legend: "{{instance}}" }],
    }),
    timeSeries({
      ...graph, title: "Open files", unit: "percentunit", min: 0, description: "Share of the allowed file descriptors in use.",
      queries: [{ expr: `process_open_fds{${job}} / process_max_fds{${job}}`, legend: "{{instance}}" }],
    }),
    timeSeries({
      ...graph, title: "Reading /metrics", unit: "s", min: 0, description: "How long a scrape of the controller takes.",
      queries: [{ expr: `scrape_duration_seconds{${job}}`, legend: "{{instance}}" }],
    }),
    timeSeries({
      ...graph, title: "Series", unit: "short", min: 0, description: "How many samples a scrape brings.",
      queries: [{ expr: `scrape_samples_scraped{${job}}`, legend: "{{instance}}" }],
    }),
    dataTable({
      ...graph, title: "Definitions in force", description: "Since when, and which; parallax-controller explain CHECK tells more.",
      queries: [
        { expr: `1000 * max by (instance) (parallax_config_last_reload_success_timestamp_seconds{${job}})` },
        { expr: `max by (instance, revision) (parallax_checks_revision_info{${job}})` },
        { expr: `max by (instance, version) (parallax_build_info{${job}})` },
      ],
      joinOn: "instance",
      columns: [
        { field: "instance", title: "Controller" },
        { field: "version", title: "Version", width: 80 },
        { field: "Value #A", title: "Since", unit: "dateTimeAsIso" },
        { field: "revision", title: "Revision" },
      ],
    }),
  ];
}
