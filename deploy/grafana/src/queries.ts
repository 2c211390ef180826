// PromQL that more than one page asks: shares over the time that is looked at, which no rule can record beforehand. What
// is drawn over time comes from the recording rules (deploy/prometheus/rules/). `matcher` is what stands between the braces.

/** Of the checks that make up a service's state; what its definition says not to count is left out, as the verdict does. */
const thatCount = `and on (service, check) parallax_check_info{counts!="false"}`;

/**
 * Share of the slots with a verdict in which the checks were up, over a stretch of time. Slots nobody could judge are left
 * out and shown beside it (undecided).
 */
export function uptime(by: string, matcher: string): string {
  return ratio(by, "parallax_slots_total", matcher, `result="up"`, `result=~"up|down"`);
}

/** Share of all slots in which nobody could tell. */
export function undecided(by: string, matcher: string): string {
  return ratio(by, "parallax_slots_total", matcher, `result="unknown"`, "");
}

/** Share of the runs that could measure and succeeded. Late results count: they are true, only old. */
export function reachability(by: string, matcher: string): string {
  return ratio(by, "parallax_runs_total", matcher, `outcome=~"up|degraded"`, `outcome!="unknown"`);
}

/** Sum of a counter's growth by labels. */
export function growth(by: string, series: string, over = "$__rate_interval"): string {
  return `sum${by ? ` by (${by})` : ""} (increase(${series}[${over}]))`;
}

function ratio(by: string, name: string, matcher: string, part: string, whole: string): string {
  const counted = (more: string) => {
    const selected = `${name}{${[matcher, more].filter(Boolean).join(",")}}`;
    return `sum${by ? ` by (${by})` : ""} (increase(${selected}[$__range]) ${thatCount})`;
  };
  return `${counted(part)} / (${counted(whole)} > 0)`;
}
