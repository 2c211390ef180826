// The page to open first: which services are up, from where they are seen so, and how good the last hours were.
import { colour } from "../colours";
import { labelVariable, page, serviceLink } from "../page";
import { availabilitySteps, bigNumber, dataTable, noneSteps, plain, stateTimeline, timeSeries } from "../panels";
import { reachability, undecided, uptime } from "../queries";
import { named, severityMapping, stateMapping, verdict, verdictMapping, worstState } from "../states";

const services = `service=~"$service"`;
const seen = `service=~"$service",location=~"$location"`;

export function fleetOverview() {
  return page({
    uid: "parallax-fleet-overview",
    title: "Fleet overview",
    description: "Every service as the fleet sees it: state by service and location over time, uptime and reachability.",
    variables: [
      labelVariable("service", "Service", "parallax_service_info", "any"),
      labelVariable("location", "Location", `parallax_check_state{service=~"$service"}`, "any"),
    ],
    sections: [
      { title: "Now", panels: now() },
      { title: "State over time, and what alerts", panels: [...timelines(), alerts()] },
      { title: "How good it was", panels: [serviceTable(), worstPlaces(), ...ratios()] },
    ],
  });
}

function now() {
  const count = (expr: string) => `${expr} or 0 * count(parallax_service_info{${services}})`;
  return [
    bigNumber({
      title: "Services",
      description:
        "The verdict over all locations, now. No verdict: too few locations could measure to tell, so the service is " +
        "counted neither as up nor as down.",
      width: 9, height: 4, unit: "none",
      queries: [
        { legend: "up", expr: count(`count(parallax_service_up{${services}} == 1)`) },
        { legend: "down", expr: count(`count(parallax_service_up{${services}} == 0)`) },
        { legend: "no verdict", expr: count(`count(parallax_service_info{${services}} unless on (service) parallax_service_up)`) },
      ],
      stepsOf: { up: [[null, colour.up]], down: noneSteps, "no verdict": [[null, colour.up], [1, colour.unknown]] },
    }),
    bigNumber({
      title: "Uptime",
      description: "Share of the time slots with a verdict in which the check was up, over all checks and the chosen time.",
      width: 4, height: 4, unit: "percentunit", decimals: 2, steps: availabilitySteps,
      queries: [{ expr: uptime("", services) }],
    }),
    bigNumber({
      title: "Reachability",
      description: "Share of all runs that could measure and succeeded, over the chosen time: each location counts for itself.",
      width: 4, height: 4, unit: "percentunit", decimals: 2, steps: availabilitySteps,
      queries: [{ expr: reachability("", seen) }],
    }),
    bigNumber({
      title: "Nobody could tell",
      description: "Share of the time slots without a verdict. They are left out of the uptime, so it is only as good as this is small.",
      width: 3, height: 4, unit: "percentunit", decimals: 2,
      steps: [[null, colour.up], [0.001, colour.unknown]],
      queries: [{ expr: undecided("", services) }],
    }),
    bigNumber({
      title: "Probes connected",
      description: "How many probes are connected, and how many are not but were within the last day.",
      width: 4, height: 4, unit: "none", steps: plain,
      queries: [
        { legend: "connected", expr: `sum(parallax_probe_connected{location=~"$location"})` },
        { legend: "not", expr: `sum(1 - parallax_probe_connected{location=~"$location"})` },
      ],
      stepsOf: { not: noneSteps },
    }),
  ];
}

function timelines() {
  return [
    stateTimeline({
      title: "Services: the verdict over all locations",
      description: "Up or down as the definitions' up_when decides over the locations; purple when too few could measure to tell.",
      width: 24, height: 9, mappings: verdictMapping,
      queries: [{ expr: named(verdict("service, approach", services), "service"), legend: "{{_at}}" }],
      link: serviceLink("__field.labels.approach", "__field.labels.service"),
    }),
    stateTimeline({
      title: "Services by location: the worst state of their checks",
      description:
        "One row a service and location. Red in one location only is a fault of the path, red in all of them a fault of the " +
        "service. Purple: that location could not measure. Grey: nothing was heard from it. A gap: nobody asked the controller.",
      width: 24, height: 18, mappings: stateMapping,
      queries: [{ expr: named(worstState("service, location", seen), "service", "location"), legend: "{{_at}}" }],
    }),
  ];
}

function serviceTable() {
  return dataTable({
    title: "Services over the chosen time",
    description: "A click on a service opens its page.",
    width: 24, height: 9,
    queries: [
      { expr: `max by (service, title, owner, approach) (parallax_service_info{${services}})` },
      { expr: verdict("service", services) },
      { expr: uptime("service", services) },
      { expr: reachability("service", seen) },
      { expr: undecided("service", services) },
    ],
    joinOn: "service",
    columns: [
      { field: "service", title: "Service", link: serviceLink("__data.fields.Method", "__data.fields.Service") },
      { field: "title", title: "Title" },
      { field: "owner", title: "Owner" },
      { field: "approach", title: "Method" },
      { field: "Value #B", title: "Now", mappings: verdictMapping },
      { field: "Value #C", title: "Uptime", unit: "percentunit", decimals: 3, steps: availabilitySteps },
      { field: "Value #D", title: "Reachability", unit: "percentunit", decimals: 3, steps: availabilitySteps },
      { field: "Value #E", title: "Nobody could tell", unit: "percentunit", decimals: 3 },
    ],
    sortBy: { title: "Uptime" },
  });
}

function worstPlaces() {
  return dataTable({
    title: "Services by zone, the worst first",
    description: "Share of the runs in each zone that could measure and succeeded, over the chosen time.",
    width: 8, height: 8,
    queries: [{ expr: reachability("service, zone", seen) }],
    columns: [
      { field: "service", title: "Service" },
      { field: "zone", title: "Zone" },
      { field: "Value", title: "Reachability", unit: "percentunit", decimals: 3, steps: availabilitySteps },
    ],
    sortBy: { title: "Reachability" },
  });
}

function alerts() {
  return dataTable({
    title: "Alerts that fire",
    description: "Watchdog always does: without it in this list, the alert rules are not loaded.",
    width: 24, height: 6,
    queries: [{ expr: `max by (alertname, severity, service, check, location, zone) (ALERTS{alertstate="firing"})` }],
    columns: [
      { field: "severity", title: "Severity", mappings: severityMapping },
      { field: "alertname", title: "Alert" },
      { field: "service", title: "Service" },
      { field: "check", title: "Check" },
      { field: "location", title: "Location" },
      { field: "zone", title: "Zone" },
    ],
    sortBy: { title: "Severity" },
  });
}

function ratios() {
  return [
    timeSeries({
      title: "Uptime by service",
      description: "Over the five minutes before each moment. A gap: nobody could tell.",
      width: 8, height: 8, unit: "percentunit", min: 0, max: 1,
      queries: [{ expr: `service:uptime:ratio_rate5m{${services}}`, legend: "{{service}}" }],
    }),
    timeSeries({
      title: "Reachability by location",
      description: "Over the five minutes before each moment: one low line is the path of that location, all of them a service.",
      width: 8, height: 8, unit: "percentunit", min: 0, max: 1,
      queries: [{
        expr: `sum by (location) (location:runs:rate5m{${seen},outcome=~"up|degraded"})` +
          ` / (sum by (location) (location:runs:rate5m{${seen},outcome!="unknown"}) > 0)`,
        legend: "{{location}}",
      }],
    }),
  ];
}
