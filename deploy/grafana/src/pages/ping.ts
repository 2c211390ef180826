// Round trips, lost packets and jitter of every ping check.
import { colour } from "../colours";
import { labelVariable, page } from "../page";
import { bigNumber, heatMap, noneSteps, plain, stateTimeline, timeSeries } from "../panels";
import { growth } from "../queries";
import { named, stateMapping, worstState } from "../states";

const seen = `service=~"$service",location=~"$location"`;
const lossSteps: [number | null, string][] = [[null, colour.up], [0.001, colour.degraded], [0.05, colour.down]];

export function ping() {
  return page({
    uid: "parallax-ping",
    title: "Ping",
    description: "Round trips, loss and jitter between locations and services. Every packet counts, not the mean of a run.",
    variables: [
      labelVariable("service", "Service", "parallax_ping_packets_sent_total", "any"),
      labelVariable("location", "Location", `parallax_ping_packets_sent_total{service=~"$service"}`, "any"),
    ],
    sections: [
      { title: "The chosen time", panels: numbers() },
      { title: "Round trips", panels: roundTrips() },
      { title: "Loss and jitter", panels: lossAndJitter() },
    ],
  });
}

/** Lost packets among those sent. */
function loss(by: string, over: string): string {
  const sent = growth(by, `parallax_ping_packets_sent_total{${seen}}`, over);
  return `1 - ${growth(by, `parallax_ping_packets_received_total{${seen}}`, over)} / (${sent} > 0)`;
}

function roundTrip(q: number, by: string, over: string): string {
  return `histogram_quantile(${q}, sum by (${by}) (increase(parallax_ping_rtt_seconds_bucket{${seen}}[${over}])))`;
}

/** Exact, whatever the buckets. */
function mean(by: string, over: string): string {
  return `${growth(by, `parallax_ping_rtt_seconds_sum{${seen}}`, over)} / (${growth(by, `parallax_ping_rtt_seconds_count{${seen}}`, over)} > 0)`;
}

const firstBucket = "Between the bounds of a bucket it is an estimate, and the first one ends at 100 µs.";

function numbers() {
  const number = { width: 4, height: 4 };
  return [
    bigNumber({
      ...number, title: "Packets sent", description: "Echo requests over the chosen time.", unit: "locale", decimals: 0,
      queries: [{ expr: growth("", `parallax_ping_packets_sent_total{${seen}}`, "$__range") }],
      steps: plain,
    }),
    bigNumber({
      ...number, title: "Lost", description: "Share of them without an answer in time.", unit: "percentunit", decimals: 2,
      steps: lossSteps, queries: [{ expr: loss("", "$__range") }],
    }),
    bigNumber({
      ...number, title: "Round trip, mean", description: "Of all answers.", unit: "s",
      steps: plain, queries: [{ expr: mean("", "$__range") }],
    }),
    bigNumber({
      ...number, title: "Round trip, 99 %", description: `One answer in a hundred was slower. ${firstBucket}`, unit: "s",
      steps: plain, queries: [{ expr: roundTrip(0.99, "le", "$__range") }],
    }),
    bigNumber({
      ...number, title: "Too late", description: "Answers that came after their time; they count as lost.", unit: "locale",
      decimals: 0, steps: noneSteps,
      queries: [{ expr: growth("", `parallax_ping_packets_late_total{${seen}}`, "$__range") }],
    }),
    bigNumber({
      ...number, title: "Twice", description: "Answers that came more than once: a loop or a wrong bridge.", unit: "locale",
      decimals: 0, steps: noneSteps,
      queries: [{ expr: growth("", `parallax_ping_packets_duplicate_total{${seen}}`, "$__range") }],
    }),
  ];
}

function roundTrips() {
  return [
    heatMap({
      title: "Round trips",
      description: "How many packets came back within which time: the darker, the more. Choose one service to see one path.",
      width: 24, height: 10, unit: "s",
      queries: [{ expr: growth("le", `parallax_ping_rtt_seconds_bucket{${seen}}`) }],
    }).interval("30s"),
    timeSeries({
      title: "Round trip by location, mean",
      description: "Over five minutes.", width: 12, height: 8, unit: "s", min: 0,
      queries: [{ expr: mean("location", "5m"), legend: "{{location}}" }],
    }),
    timeSeries({
      title: "Round trip by location, 99 %",
      description: `Over five minutes. ${firstBucket}`, width: 12, height: 8, unit: "s", min: 0,
      queries: [{ expr: roundTrip(0.99, "le, location", "5m"), legend: "{{location}}" }],
    }),
  ];
}

function lossAndJitter() {
  return [
    timeSeries({
      title: "Loss by location",
      description: "Share of the packets of five minutes without an answer in time.",
      width: 12, height: 8, unit: "percentunit", min: 0, max: 1,
      queries: [{ expr: loss("location", "5m"), legend: "{{location}}" }],
    }),
    timeSeries({
      title: "Jitter by location",
      description: "Of the newest run as RFC 3550 has it, the worst service of each location. A gap: nothing came back.",
      width: 12, height: 8, unit: "s", min: 0,
      queries: [{ expr: `max by (location) (parallax_ping_jitter_seconds{${seen}})`, legend: "{{location}}" }],
    }),
    stateTimeline({
      title: "Ping checks",
      description: "One row a check and location.",
      width: 12, height: 9, mappings: stateMapping,
      queries: [{
        expr: named(`${worstState("service, check, location", seen)} and on (service, check) parallax_check_info{type="ping"}`,
          "service", "location"),
        legend: "{{_at}}",
      }],
    }),
    timeSeries({
      title: "Hop limit of the answers",
      description: "A step means that the way back has become longer or shorter.",
      width: 12, height: 9, unit: "none", decimals: 0,
      queries: [{
        expr: `max by (service, location) (probe_icmp_reply_hop_limit{${seen}})`, legend: "{{service}} · {{location}}",
      }],
    }),
  ];
}
