// Writes every dashboard into a folder, as Grafana provisions them: node build/write.js dashboards
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fleetOverview } from "./pages/fleet_overview";

const dashboards = [fleetOverview()];

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
