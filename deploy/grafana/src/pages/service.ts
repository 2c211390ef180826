// What the page of every service begins with, whatever the method, and the panels that several methods share.
import { colour } from "../colours";
import { labelVariable } from "../page";
import { availabilitySteps, bigNumber, dataTable, plain, stateTimeline, timeSeries } from "../panels";
import { reachability, undecided, uptime } from "../queries";
import { named, stateMapping, verdict, verdictMapping, worstState } from "../states";

export const service = `service="$service"`;
export const seen = `service="$service",location=~"$location"`;
/** The services that are watched by a method, and the locations of the chosen one. */
export function variables(approach: string) {
  return [
    labelVariable("service", "Service", `parallax_service_info{approach="${approach}"}`, "one"),
    labelVariable("location", "Location", `parallax_check_state{${service}}`, "any"),
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
      width: 4, height: 4, unit: "percentunit", decimals: 2, steps: [[null, colour.up], [0.001, colour.unknown]],
      queries: [{ expr: undecided("", service) }],
    }),
    dataTable({
      title: "Whose it is",
      description: "As its check file says.",
      width: 9, height: 4,
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
      queries: [{ expr: named(worstState("check, location", seen), "check", "location"), legend: "{{_at}}" }],
    }),
  ];
}

/** What was promised, how much of the allowed failure is left, and how fast it goes. Empty without an objective. */
export function objective() {
  const slo = `sloth_service="$service"`;
  return [
    bigNumber({
      title: "Promised", description: "The objective of the definition, over 30 days.",
      width: 4, height: 6, unit: "percentunit", decimals: 2, steps: plain,
      queries: [{ expr: `max by (sloth_slo) (slo:objective:ratio{${slo}})`, legend: "{{sloth_slo}}" }],
    }),
    bigNumber({
      title: "Error budget left",
      description: "Of the failures that the objective allows in 30 days. Below zero the objective is missed.",
      width: 4, height: 6, unit: "percentunit", decimals: 1, steps: [[null, colour.down], [0, colour.degraded], [0.25, colour.up]],
      queries: [{ expr: `min by (sloth_slo) (slo:period_error_budget_remaining:ratio{${slo}})`, legend: "{{sloth_slo}}" }],
    }),
    timeSeries({
      title: "Burn rate",
      description:
        "How many times faster than allowed the budget goes: at 1 it is gone after 30 days, at 14.4 after two days " +
        "(alert ObjectiveBurningFast).",
      width: 16, height: 6, unit: "short", min: 0, decimals: 1,
      steps: [[null, colour.up], [1, colour.degraded], [14.4, colour.down]],
      queries: [
        { expr: `max by (sloth_slo) (slo:sli_error:ratio_rate1h{${slo}}) / on (sloth_slo) max by (sloth_slo) (slo:error_budget:ratio{${slo}})`, legend: "{{sloth_slo}}, 1 h" },
        { expr: `max by (sloth_slo) (slo:current_burn_rate:ratio{${slo}})`, legend: "{{sloth_slo}}, 5 min" },
      ],
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
      queries: [{ expr: `location:error:ratio_rate5m{${seen}}`, legend: "{{location}}" }],
    }),
    timeSeries({
      title: "Failed runs by reason",
      description:
        "Runs that were down or unknown in the ten minutes before each moment, by the reason that the probe gave. For " +
        "finding the cause; alerts count otherwise.",
      width: 12, height: 8, unit: "short", min: 0, decimals: 1,
      // Reasons have series from their first use on; while runs arrive and none failed, "none" is what there is to show.
      queries: [{
        expr: `(sum by (reason) (check_location:failures:increase10m{${seen}}) > 0)` +
          ` or label_replace(0 * sum(increase(parallax_runs_total{${seen}}[10m])), "reason", "none", "", "")`,
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
    queries: [{ expr: `service:http_responses:rate5m{${service}}`, legend: "{{code}}" }],
  });
}

export function bytesEachWay(width: number) {
  return timeSeries({
    title: "Bytes each way",
    description: "What the probes sent to the service and received from it, per second over five minutes.",
    width, height: 8, unit: "Bps", min: 0,
    queries: [{ expr: `service:bytes:rate5m{${service}}`, legend: "{{direction}}" }],
  });
}

export function durationByLocation(width: number) {
  return timeSeries({
    title: "Duration by location, 95 %",
    description: "Nearly all runs of the HTTP checks were faster, over five minutes. A gap: no run came in.",
    width, height: 8, unit: "s", min: 0,
    queries: [{ expr: `location:duration_seconds:p95_rate5m{${seen},type="http"}`, legend: "{{location}}" }],
  });
}

export function durationQuantiles(width: number) {
  const quantile = (name: string) => `service:duration_seconds:${name}_rate5m{${service},type="http"}`;
  return timeSeries({
    title: "Duration: mean, nearly all, worst",
    description: "Of all runs of the HTTP checks over five minutes, all locations. The mean is exact, 95 % and 99 % are estimates between bounds.",
    width, height: 8, unit: "s", min: 0,
    queries: [
      { expr: quantile("mean"), legend: "mean" },
      { expr: quantile("p95"), legend: "95 %" },
      { expr: quantile("p99"), legend: "99 %" },
    ],
  });
}

export function phases(width: number) {
  return timeSeries({
    title: "Where the time goes",
    description: "The phases of an HTTP check, mean over checks and locations: look-up, connect, TLS, the server's work, transfer.",
    width, height: 8, unit: "s", min: 0, stacked: true,
    queries: ["resolve", "connect", "tls", "processing", "transfer"].map((phase) => ({
      expr: `avg(probe_http_duration_seconds{${seen},phase="${phase}"})`,
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
      expr: `sum by (location) (location:runs:rate5m{${seen},outcome="degraded"})` +
        ` / (sum by (location) (location:runs:rate5m{${seen},outcome!="unknown"}) > 0)`,
      legend: "{{location}}",
    }],
  });
}

export function waiting(width: number) {
  return timeSeries({
    title: "Waiting for the server",
    description: "From the request sent to the first byte back, mean of the HTTP checks: it grows when work queues up.",
    width, height: 8, unit: "s", min: 0,
    queries: [{ expr: `avg by (location) (probe_http_duration_seconds{${seen},phase="processing"})`, legend: "{{location}}" }],
  });
}
