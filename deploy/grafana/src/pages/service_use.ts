// Utilisation, saturation, errors: for what does work inside. A probe sees these from outside, as time used of the time
// allowed and as waiting; what the machine itself says comes from its exporters.
import { page } from "../page";
import { bytesEachWay, degradedShare, durationByLocation, errors, head, objective, timeoutUsed, variables, waiting } from "./service";

export function serviceUse() {
  return page({
    uid: "parallax-service-use",
    title: "Service (USE)",
    description: "A service by utilisation, saturation and errors, as far as probes see them from outside.",
    variables: variables("use"),
    sections: [
      { title: "$service", panels: head() },
      { title: "Objective", panels: objective() },
      { title: "Utilisation", panels: [timeoutUsed(8), durationByLocation(8), bytesEachWay(8)] },
      { title: "Saturation", panels: [waiting(12), degradedShare(12)] },
      { title: "Errors", panels: errors() },
    ],
  });
}
