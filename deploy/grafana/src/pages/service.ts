// What the page of every service begins with, whatever the method, and the panels that several methods share.
import { colour } from "../colours";
import { labelVariable } from "../page";
import { availabilitySteps, bigNumber, dataTable, stateTimeline, timeSeries } from "../panels";
import { errorRatio, reachability, undecided, uptime } from "../queries";
import { stateMapping, verdict, verdictMapping, worstState } from "../states";

export const service = `service="$service"`;
export const seen = `service="$service",location=~"$location"`;
/** What of a service speaks HTTP: the checks whose time is that of a request. */
export const http = `${seen},check=~"$http"`;
/** A late result is true but old: it would draw a failure where it arrived, not where it happened. */
export const fresh = `${seen},arrival="fresh"`;

/** The services that are watched by a method, their locations, their HTTP checks. */
export function variables(approach: string) {
  return [
    labelVariable("service", "Service", `parallax_service_info{approach="${approach}"}`, "one"),
    labelVariable("location", "Location", `parallax_check_state{${service}}`, "any"),
    labelVariable("http", "HTTP checks", `parallax_check_info{${service},type="http"}`, "these", "check"),
  ];
}

/** Whether it is up, who owns it and what to do, how good it was, and where it was seen so. */
export function head() {
  return [
    bigNumber({
      title: "Now",
      description: "The verdict over all locations. No verdict: too few locations could measure to tell.",
      width: 3, height: 4, mappings: verdictMapping, background: true,
      queries: [{ expr: verdict("service", service) }],
    }),
    bigNumber({
      title: "Uptime",
      description: "Share of the time slots with a verdict in which its checks were up, over the chosen time.",
      width: 4, height: 4, unit: "percentunit", decimals: 2, steps: availabilitySteps,
      queries: [{ expr: uptime("", service) }],
    }),
    bigNumber({
      title: "Reachability",
      description: "Share of all runs that could measure and succeeded, each location counted for itself.",
      width: 4, height: 4, unit: "percentunit", decimals: 2, steps: availabilitySteps,
      queries: [{ expr: reachability("", seen) }],
    }),
    bigNumber({
      title: "Nobody could tell",
      description: "Share of the time slots without a verdict: what the uptime does not cover.",
      width: 3, height: 4, unit: "percentunit", decimals: 2, steps: [[null, colour.up], [0.001, colour.unknown]],
      queries: [{ expr: undecided("", service) }],
    }),
    dataTable({
      title: "Whose it is",
      description: "As its check file says.",
      width: 10, height: 4,
      queries: [{ expr: `max by (title, owner, runbook) (parallax_service_info{${service}})` }],
      columns: [
        { field: "title", title: "Title" },
        { field: "owner", title: "Owner" },
        { field: "runbook", title: "What to do", link: { title: "Open the runbook", url: "${__value.raw}" } },
      ],
    }),
    stateTimeline({
      title: "Checks by location",
      description:
        "Red in one location only is a fault of the path, red in all of them a fault of the service. Purple: that location " +
        "could not measure. Grey: nothing was heard from it. A gap: nobody asked the controller.",
      width: 24, height: 9, mappings: stateMapping,
      queries: [{ expr: worstState("check, location", seen), legend: "{{check}} · {{location}}" }],
    }),
  ];
}

/** Share of failed runs and why they failed: the errors of every method. */
export function errors() {
  return [
    timeSeries({
      title: "Error ratio by location",
      description: "Runs that found it down among those that could measure, over five minutes. A gap: nobody could tell.",
      width: 12, height: 8, unit: "percentunit", min: 0, max: 1,
      queries: [{ expr: errorRatio("location", fresh, "5m"), legend: "{{location}}" }],
    }),
    timeSeries({
      title: "Failed runs by reason",
      description:
        "Runs that were down or unknown in the five minutes before each moment, by the reason that the probe gave. For " +
        "finding the cause; alerts count otherwise.",
      width: 12, height: 8, unit: "short", min: 0, decimals: 1,
      // Reasons have series from their first use on; while runs arrive and none failed, "none" is what there is to show.
      queries: [{
        expr: `(sum by (reason) (increase(parallax_failures_total{${seen}}[5m])) > 0)` +
          ` or label_replace(0 * sum(increase(parallax_runs_total{${seen}}[5m])), "reason", "none", "", "")`,
        legend: "{{reason}}",
      }],
      colours: [["none", colour.noData]],
    }),
  ];
}

export function responsesByCode(width: number) {
  return timeSeries({
    title: "HTTP responses by status code",
    description: "What the probes got, per second over five minutes; no more than what they ask for.",
    width, height: 8, unit: "reqps", min: 0,
    queries: [{ expr: `sum by (code) (rate(parallax_http_responses_total{${seen}}[5m]))`, legend: "{{code}}" }],
  });
}

export function bytesEachWay(width: number) {
  return timeSeries({
    title: "Bytes each way",
    description: "What the probes sent to the service and received from it, per second over five minutes.",
    width, height: 8, unit: "Bps", min: 0,
    queries: [{ expr: `sum by (direction) (rate(parallax_bytes_total{${seen}}[5m]))`, legend: "{{direction}}" }],
  });
}

export function durationByLocation(width: number) {
  return timeSeries({
    title: "Duration by location",
    description: "How long the newest run of an HTTP check took, the slowest check of each location. A gap: no fresh result.",
    width, height: 8, unit: "s", min: 0,
    queries: [{ expr: `max by (location) (probe_duration_seconds{${http}})`, legend: "{{location}}" }],
  });
}

export function durationQuantiles(width: number) {
  const quantile = (q: number) =>
    `histogram_quantile(${q}, sum by (le) (rate(probe_all_duration_seconds_bucket{${http}}[5m])))`;
  return timeSeries({
    title: "Duration: half, nearly all, worst",
    description: "Of all runs of the HTTP checks over five minutes: the median, 95 % and 99 %.",
    width, height: 8, unit: "s", min: 0,
    queries: [
      { expr: quantile(0.5), legend: "median" },
      { expr: quantile(0.95), legend: "95 %" },
      { expr: quantile(0.99), legend: "99 %" },
    ],
  });
}

export function phases(width: number) {
  return timeSeries({
    title: "Where the time goes",
    description: "The phases of an HTTP check, mean over checks and locations: look-up, connect, TLS, the server's work, transfer.",
    width, height: 8, unit: "s", min: 0, stacked: true,
    queries: ["resolve", "connect", "tls", "processing", "transfer"].map((phase) => ({
      expr: `avg(probe_http_duration_seconds{${http},phase="${phase}"})`,
      legend: phase,
    })),
  });
}

export function timeoutUsed(width: number) {
  return timeSeries({
    title: "Share of the timeout that is used",
    description: "How near the slowest check of each location is to failing for slowness alone.",
    width, height: 8, unit: "percentunit", min: 0,
    steps: [[null, colour.up], [0.5, colour.degraded], [1, colour.down]],
    queries: [{ expr: `max by (location) (probe_duration_seconds{${seen}} / probe_timeout_seconds)`, legend: "{{location}}" }],
  });
}

export function degradedShare(width: number) {
  return timeSeries({
    title: "Degraded runs",
    description: "Share of the runs that succeeded but broke a warning of their definition (slow, packets lost, certificate old).",
    width, height: 8, unit: "percentunit", min: 0, max: 1,
    queries: [{
      expr: `sum by (location) (increase(parallax_runs_total{${fresh},outcome="degraded"}[5m]))` +
        ` / (sum by (location) (increase(parallax_runs_total{${fresh},outcome!="unknown"}[5m])) > 0)`,
      legend: "{{location}}",
    }],
  });
}

export function waiting(width: number) {
  return timeSeries({
    title: "Waiting for the server",
    description: "From the request sent to the first byte back, mean of the HTTP checks: it grows when work queues up.",
    width, height: 8, unit: "s", min: 0,
    queries: [{ expr: `avg by (location) (probe_http_duration_seconds{${http},phase="processing"})`, legend: "{{location}}" }],
  });
}
