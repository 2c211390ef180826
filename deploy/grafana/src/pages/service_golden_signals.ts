// Latency, traffic, errors, saturation: for APIs.
import { page } from "../page";
import {
  bytesEachWay, degradedShare, durationByLocation, durationQuantiles, errors, head, objective, phases, responsesByCode, timeoutUsed,
  variables, waiting,
} from "./service";

export function serviceGoldenSignals() {
  return page({
    uid: "parallax-service-golden-signals",
    title: "Service (golden signals)",
    description: "A service by latency, traffic, errors and saturation, as probes see it from outside.",
    variables: variables("golden-signals"),
    sections: [
      { title: "$service", panels: head() },
      { title: "Objective", panels: objective() },
      { title: "Latency", panels: [durationQuantiles(8), durationByLocation(8), phases(8)] },
      { title: "Traffic", panels: [responsesByCode(12), bytesEachWay(12)] },
      { title: "Errors", panels: errors() },
      { title: "Saturation", panels: [timeoutUsed(8), waiting(8), degradedShare(8)] },
    ],
  });
}
