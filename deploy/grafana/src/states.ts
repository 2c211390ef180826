// A check's state at a location as one number a moment, so that Grafana's state timeline can draw it.
//
// Prometheus has five series a check and location, parallax_check_state{state="..."}, one of which is 1. Multiplied by the
// state's number and put together, the greatest one is the state; taken over several checks it is the worst of them. The
// numbers are in that order. Between up and down lie the states in which we do not know: none of them hides a down.
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { colour } from "./colours";

export const noDataMapping: dashboard.ValueMapping = {
  type: dashboard.MappingType.SpecialValue,
  options: { match: dashboard.SpecialValueMatch.NullAndNan, result: { text: "no data", color: colour.noData, index: 9 } },
};

const states = [
  { label: "up", text: "up", number: 1, color: colour.up },
  { label: "degraded", text: "degraded", number: 2, color: colour.degraded },
  { label: "unknown", text: "unknown", number: 3, color: colour.unknown },
  { label: "no_data", text: "no data", number: 4, color: colour.noData },
  { label: "down", text: "down", number: 5, color: colour.down },
];

/** The worst state among the checks that a matcher selects, one series for each combination of the labels. */
export function worstState(by: string, matcher = ""): string {
  const selected = matcher ? `${matcher},` : "";
  const numbered = states.map((s) => `${s.number} * parallax_check_state{${selected}state="${s.label}"}`);
  return `max by (${by}) (${numbered.join(" or ")})`;
}

/** The verdict over all locations: 1 up, 0 down, 2 when nobody can tell (then parallax_service_up is absent). */
export function verdict(by: string, matcher = ""): string {
  return `max by (${by}) ((parallax_service_up{${matcher}} or on (service) 2 * parallax_service_info{${matcher}})` +
    ` * on (service) group_left (approach) parallax_service_info{${matcher}})`;
}

/**
 * Gives a row of a state timeline its name, "_at", made of labels. Rows stand in the order of their labels' names, and this
 * one comes before all of ours: so they are sorted by what is written in front of them.
 */
export function named(expr: string, ...labels: string[]): string {
  return `label_join(${expr}, "_at", " · ", ${labels.map((label) => `"${label}"`).join(", ")})`;
}

export const stateMapping = textFor(Object.fromEntries(states.map((s) => [s.number, [s.text, s.color]])));
export const verdictMapping = textFor({ 1: ["up", colour.up], 0: ["down", colour.down], 2: ["no verdict", colour.unknown] });
export const connectedMapping = textFor({ 1: ["connected", colour.up], 0: ["not connected", colour.noData] });
export const reloadMapping = textFor({ 1: ["in force", colour.up], 0: ["refused", colour.down] });
export const severityMapping = textFor({
  critical: ["critical", colour.down], warning: ["warning", colour.degraded], info: ["info", colour.neutral], none: ["none", colour.noData],
});
export const scrapeMapping = textFor({ 1: ["answers", colour.up], 0: ["silent", colour.down] });

/** Colours for series that are named by their state, as `sum by (state) (...)` gives them. */
export const stateColours: [string, string][] = states.map((s) => [s.label, s.color]);

function textFor(words: Record<string, [string, string]>): dashboard.ValueMapping[] {
  const options = Object.fromEntries(
    Object.entries(words).map(([value, [text, color]], index) => [value, { text, color, index }]),
  );
  return [{ type: dashboard.MappingType.ValueToText, options }, noDataMapping];
}
