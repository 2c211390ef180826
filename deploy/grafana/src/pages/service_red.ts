// Rate, errors, duration: for what answers requests.
import { page } from "../page";
import { timeSeries } from "../panels";
import { stateColours } from "../states";
import { durationByLocation, durationQuantiles, errors, head, objective, phases, responsesByCode, seen, variables } from "./service";

export function serviceRed() {
  return page({
    uid: "parallax-service-red",
    title: "Service (RED)",
    description: "A service by rate, errors and duration, as probes see it from outside.",
    variables: variables("red"),
    sections: [
      { title: "$service", panels: head() },
      { title: "Objective", panels: objective() },
      { title: "Rate", panels: [runsByOutcome(), responsesByCode(12)] },
      { title: "Errors", panels: errors() },
      { title: "Duration", panels: [durationQuantiles(8), durationByLocation(8), phases(8)] },
    ],
  });
}

function runsByOutcome() {
  return timeSeries({
    title: "Runs by outcome",
    description: "Runs per second whose results came in time, over five minutes. Less than usual means that results are missing.",
    width: 12, height: 8, unit: "ops", min: 0, stacked: true,
    queries: [{ expr: `sum by (outcome) (location:runs:rate5m{${seen}})`, legend: "{{outcome}}" }],
    colours: stateColours,
  });
}
