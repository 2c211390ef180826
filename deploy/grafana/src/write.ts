// Writes every dashboard into a folder, as Grafana provisions them: node build/write.js dashboards
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificates } from "./pages/certificates";
import { fleetHealth } from "./pages/fleet_health";
import { fleetOverview } from "./pages/fleet_overview";
import { ping } from "./pages/ping";
import { serviceGoldenSignals } from "./pages/service_golden_signals";
import { serviceRed } from "./pages/service_red";
import { serviceUse } from "./pages/service_use";

const dashboards = [
  fleetOverview(), serviceRed(), serviceUse(), serviceGoldenSignals(), ping(), certificates(), fleetHealth(),
];

function main(folder: string | undefined): void {
  if (!folder) {
    console.error("say where to: node build/write.js FOLDER");
    process.exit(2);
  }
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith(".json")) rmSync(join(folder, name));
  for (const dashboard of dashboards) {
    const path = join(folder, `${dashboard.uid}.json`);
    writeFileSync(path, JSON.stringify(dashboard, null, 2) + "\n");
    console.error(`wrote ${path}: ${dashboard.panels?.filter((p) => p.type !== "row").length} panels`);
  }
}

main(process.argv[2]);
