// The six kinds of panel these dashboards are made of, each with the settings that all of its kind share: no data is shown
// as a gap or as the words "no data", lines are not drawn over gaps, legends name series and not queries.
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as statetimeline from "@grafana/grafana-foundation-sdk/statetimeline";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import { colour } from "./colours";
import { noDataMapping } from "./states";

export const datasource: common.DataSourceRef = { type: "prometheus", uid: "${datasource}" };
const noData = "no data";

export interface Query {
  expr: string;
  /** How its series are named, like {{location}}. */
  legend?: string;
}

/** From this value on, this colour; the first step has no value and holds below all others. */
export type Steps = [number | null, string][];

interface Common {
  title: string;
  /** What the number means and what to do about it: shown behind the i of the panel. */
  description: string;
  width: number;
  height: number;
  queries: Query[];
  unit?: string;
  decimals?: number;
  steps?: Steps;
  mappings?: dashboard.ValueMapping[];
  /** Where a click on a value leads. */
  link?: { title: string; url: string };
}

type Builder = timeseries.PanelBuilder | stat.PanelBuilder | statetimeline.PanelBuilder | table.PanelBuilder | heatmap.PanelBuilder;

function commonSettings<B extends Builder>(panel: B, options: Common): B {
  panel
    .title(options.title)
    .description(options.description)
    .span(options.width)
    .height(options.height)
    .datasource(datasource)
    .noValue(noData);
  if (options.unit) panel.unit(options.unit);
  if (options.decimals !== undefined) panel.decimals(options.decimals);
  if (options.mappings) panel.mappings(options.mappings);
  if (options.steps) panel.thresholds(thresholds(options.steps));
  if (options.link) panel.dataLinks([new dashboard.DashboardLinkBuilder(options.link.title).url(options.link.url)]);
  return panel;
}

function thresholds(steps: Steps) {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}

function target(query: Query, index: number): prometheus.DataqueryBuilder {
  const built = new prometheus.DataqueryBuilder().refId("ABCDEFGHIJ"[index]).datasource(datasource).expr(query.expr);
  return query.legend ? built.legendFormat(query.legend) : built;
}

const byThresholds = () => new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds);

function legendBelow() {
  return new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.List)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true);
}

export interface TimeSeries extends Common {
  min?: number;
  max?: number;
  stacked?: boolean;
  /** Draws the steps as dashed lines. */
  drawSteps?: boolean;
  /** Fixed colours of named series: [name, colour]. */
  colours?: [string, string][];
}

export function timeSeries(options: TimeSeries): timeseries.PanelBuilder {
  const panel = commonSettings(new timeseries.PanelBuilder(), options)
    .targets(options.queries.map((query, index) => target(query, index).range()))
    .lineWidth(1)
    .fillOpacity(options.stacked ? 40 : 0)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(false)
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassic))
    .legend(legendBelow())
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending));
  if (options.min !== undefined) panel.min(options.min);
  if (options.max !== undefined) panel.max(options.max);
  if (options.stacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"));
  if (options.drawSteps) {
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed));
  }
  for (const [name, color] of options.colours ?? []) {
    panel.overrideByName(name, [{ id: "color", value: { mode: "fixed", fixedColor: color } }]);
  }
  return panel;
}

export interface BigNumber extends Common {
  background?: boolean;
  /** Other steps for the query with this legend. */
  stepsOf?: Record<string, Steps>;
}

/** One number a query, at the end of the chosen time. */
export function bigNumber(options: BigNumber): stat.PanelBuilder {
  const panel = commonSettings(new stat.PanelBuilder(), { mappings: [noDataMapping], ...options })
    .targets(options.queries.map((query, index) => target(query, index).instant()))
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]).values(false))
    .colorMode(options.background ? common.BigValueColorMode.BackgroundSolid : common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(options.queries.length > 1 ? common.BigValueTextMode.ValueAndName : common.BigValueTextMode.Auto)
    .orientation(common.VizOrientation.Vertical)
    .colorScheme(byThresholds());
  for (const [name, steps] of Object.entries(options.stepsOf ?? {})) {
    panel.overrideByName(name, [{ id: "thresholds", value: thresholds(steps).build() }]);
  }
  return panel;
}

export function stateTimeline(options: Common): statetimeline.PanelBuilder {
  return commonSettings(new statetimeline.PanelBuilder(), options)
    .targets(options.queries.map((query, index) => target(query, index).range()))
    .mergeValues(true)
    .showValue(common.VisibilityMode.Never)
    .alignValue(common.TimelineValueAlignment.Left)
    .rowHeight(0.85)
    .lineWidth(0)
    .fillOpacity(85)
    .spanNulls(false)
    .colorScheme(byThresholds())
    .legend(legendBelow())
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Single));
}

/** Buckets of a histogram over time; its queries give one series a bucket, labelled le. */
export function heatMap(options: Common): heatmap.PanelBuilder {
  return commonSettings(new heatmap.PanelBuilder(), options)
    .targets(
      options.queries.map((query, index) =>
        target({ ...query, legend: "{{le}}" }, index).range().format(prometheus.PromQueryFormat.Heatmap),
      ),
    )
    .calculate(false)
    .yAxis(new heatmap.YAxisConfigBuilder().unit(options.unit ?? "short").axisPlacement(common.AxisPlacement.Left))
    .cellValues(new heatmap.CellValuesBuilder().unit("short"))
    .cellGap(1)
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme("Oranges")
        .scale(heatmap.HeatmapColorScale.Exponential)
        .exponent(0.5)
        .steps(64),
    )
    .filterValues(new heatmap.FilterValueRangeBuilder().le(1e-9))
    .showLegend()
    .tooltip(new heatmap.HeatmapTooltipBuilder().mode(common.TooltipDisplayMode.Single).yHistogram(true));
}

export interface Column {
  /** A label of the series, or "Value" ("Value #A", "Value #B", ... when there are several queries). */
  field: string;
  title: string;
  unit?: string;
  decimals?: number;
  steps?: Steps;
  mappings?: dashboard.ValueMapping[];
  width?: number;
  link?: { title: string; url: string };
}

export interface Table extends Common {
  columns: Column[];
  /** A label that all queries share: their rows are joined on it. Without, rows with the same labels are one row. */
  joinOn?: string;
  sortBy?: { title: string; descending?: boolean };
}

export function dataTable(options: Table): table.PanelBuilder {
  const fields = options.columns.map((column) => column.field);
  const panel = commonSettings(new table.PanelBuilder(), options)
    .targets(
      options.queries.map((query, index) => target(query, index).instant().format(prometheus.PromQueryFormat.Table)),
    )
    .withTransformation(
      options.joinOn
        ? { id: "joinByField", options: { byField: options.joinOn, mode: "outer" } }
        : { id: "merge", options: {} },
    )
    .withTransformation({ id: "filterFieldsByName", options: { include: { names: fields } } })
    .withTransformation({
      id: "organize",
      options: {
        excludeByName: {},
        indexByName: Object.fromEntries(fields.map((field, index) => [field, index])),
        renameByName: Object.fromEntries(options.columns.map((column) => [column.field, column.title])),
      },
    })
    .cellHeight(common.TableCellHeight.Sm)
    .showHeader(true);
  if (options.sortBy) {
    panel.sortBy([new common.TableSortByFieldStateBuilder().displayName(options.sortBy.title).desc(options.sortBy.descending ?? false)]);
  }
  for (const column of options.columns) panel.overrideByName(column.title, columnSettings(column));
  return panel;
}

function columnSettings(column: Column): dashboard.DynamicConfigValue[] {
  const settings: dashboard.DynamicConfigValue[] = [];
  if (column.unit) settings.push({ id: "unit", value: column.unit });
  if (column.decimals !== undefined) settings.push({ id: "decimals", value: column.decimals });
  if (column.width) settings.push({ id: "custom.width", value: column.width });
  if (column.mappings) settings.push({ id: "mappings", value: column.mappings });
  if (column.steps) settings.push({ id: "thresholds", value: thresholds(column.steps).build() });
  if (column.steps || column.mappings) {
    settings.push({ id: "custom.cellOptions", value: { type: common.TableCellDisplayMode.ColorText } });
  }
  if (column.link) settings.push({ id: "links", value: [{ title: column.link.title, url: column.link.url }] });
  return settings;
}

/** Good above, for shares like an uptime; the grey below the first step is for "no data". */
export const availabilitySteps: Steps = [[null, colour.down], [0.99, colour.degraded], [0.999, colour.up]];
/** Any at all is too many. */
export const noneSteps: Steps = [[null, colour.up], [1e-9, colour.down]];
/** Days that a certificate is still good, as the alert rules count them. Grafana would turn its own unit of days into weeks. */
export const expirySteps: Steps = [[null, colour.down], [14, colour.degraded], [30, colour.up]];
export const days = "suffix: days";
export const plain: Steps = [[null, colour.neutral]];
