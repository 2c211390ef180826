// PromQL that more than one page asks. `matcher` is what stands between the braces, like service="$service".

/**
 * Share of the slots with a verdict in which the service was up, over a stretch of time. Slots nobody could judge are
 * left out and shown beside it (undecided).
 */
export function uptime(by: string, matcher: string, over = "$__range"): string {
  return ratio(by, "parallax_slots_total", matcher, `result="up"`, `result=~"up|down"`, over);
}

/** Share of all slots in which nobody could tell. */
export function undecided(by: string, matcher: string, over = "$__range"): string {
  return ratio(by, "parallax_slots_total", matcher, `result="unknown"`, "", over);
}

/** Share of the runs that could measure and succeeded. Late results count: they are true, only old. */
export function reachability(by: string, matcher: string, over = "$__range"): string {
  return ratio(by, "parallax_runs_total", matcher, `outcome=~"up|degraded"`, `outcome!="unknown"`, over);
}

/** Share of the runs that could measure and failed. */
export function errorRatio(by: string, matcher: string, over = "$__range"): string {
  return ratio(by, "parallax_runs_total", matcher, `outcome="down"`, `outcome!="unknown"`, over);
}

/** Sum of a counter's growth by labels. */
export function growth(by: string, series: string, over = "$__rate_interval"): string {
  return `sum${by ? ` by (${by})` : ""} (increase(${series}[${over}]))`;
}

function ratio(by: string, name: string, matcher: string, part: string, whole: string, over: string): string {
  const select = (more: string) => `${name}{${[matcher, more].filter(Boolean).join(",")}}`;
  return `${growth(by, select(part), over)} / (${growth(by, select(whole), over)} > 0)`;
}
