// What every dashboard has: a data source to choose, variables, links to the others, a height and width for each panel.
import * as cog from "@grafana/grafana-foundation-sdk/cog";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { datasource } from "./panels";

const tag = "parallax";

export interface Section {
  title: string;
  panels: cog.Builder<dashboard.Panel>[];
}

export interface Page {
  uid: string;
  title: string;
  description: string;
  variables: cog.Builder<dashboard.VariableModel>[];
  sections: Section[];
}

export function page(options: Page): dashboard.Dashboard {
  const built = new dashboard.DashboardBuilder(`Parallax / ${options.title}`)
    .uid(options.uid)
    .description(options.description)
    .tags([tag])
    .readonly()
    .timezone("browser")
    .time({ from: "now-6h", to: "now" })
    .refresh("30s")
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder("Parallax")
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags([tag])
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true),
    )
    .variables([datasourceVariable(), ...options.variables]);
  for (const section of options.sections) {
    built.withRow(new dashboard.RowBuilder(section.title));
    for (const panel of section.panels) built.withPanel(panel);
  }
  return numbered(built.build());
}

/** Panels are numbered in the order they stand, so that the same source always gives the same file. */
function numbered(built: dashboard.Dashboard): dashboard.Dashboard {
  for (const link of built.links ?? []) delete link.placement; // the SDK would hide the links in a menu
  (built.panels ?? []).forEach((panel, index) => (panel.id = index + 1));
  return built;
}

function datasourceVariable() {
  return new dashboard.DatasourceVariableBuilder("datasource").label("Prometheus").type("prometheus");
}

/** A variable whose values are those of a label. One: exactly one is chosen. Any: several, at first all. */
export function labelVariable(name: string, label: string, series: string, many: "one" | "any") {
  const query = `label_values(${series}, ${name})`;
  const built = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(datasource)
    .query({ query, refId: "PrometheusVariableQueryEditor-VariableQuery" })
    .definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.NaturalAsc);
  return many === "one" ? built : built.multi(true).includeAll(true).allValue(".*").current({ text: "All", value: "$__all" });
}

/** Where a click on a series or row that carries service and approach leads: that service's page. */
export function serviceLink(approach: string, service: string) {
  return {
    title: "Open the service",
    url: `/d/parallax-service-\${${approach}}?var-service=\${${service}}&\${__url_time_range}`,
  };
}
