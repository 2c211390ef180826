// Draws one dashboard: `page` (data.js) holds its panels and what their queries gave. Runs once, in a headless browser.
"use strict";

const palette = ["#7EB26D", "#EAB839", "#6ED0E0", "#EF843C", "#E24D42", "#1F78C1", "#BA43A9", "#705DA0", "#508642", "#CCA300", "#447EBC", "#C15C17"];
const drawers = { timeseries, stat, "state-timeline": stateTimeline, heatmap, table };

drawHead();
for (const row of page.rows) element("div", { class: "row", style: `top:${topOf(row.y)}px` }, document.body).textContent = `▾ ${row.title}`;
for (const panel of page.panels) drawPanel(panel);

function drawHead() {
  element("h1", {}, document.body).textContent = page.title;
  const stamp = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  element("div", { class: "range" }, document.body).textContent = `${stamp(page.start)} to ${stamp(page.end).slice(11)} UTC`;
  const variables = element("div", { class: "variables" }, document.body);
  for (const [label, value] of Object.entries(page.variables)) {
    const box = element("span", {}, variables);
    element("b", {}, box).textContent = label;
    box.append(value);
  }
}

function topOf(y) { return 76 + y * (page.cell + page.gap); }

function drawPanel(panel) {
  const { x, y, w, h } = panel.gridPos;
  const column = (page.width - page.gap) / 24;
  const width = w * column - page.gap, height = h * (page.cell + page.gap) - page.gap;
  const box = element("div", {
    class: "panel", style: `left:${page.gap + x * column}px;top:${topOf(y)}px;width:${width}px;height:${height}px`,
  }, document.body);
  element("h2", {}, box).textContent = panel.title;
  const series = panel.answers.flatMap((answer) =>
    answer.series.map(([labels, values]) => ({ name: nameOf(answer.target, labels), labels, values })));
  if (!drawers[panel.type]) throw new Error(`a panel of type ${panel.type} is not known here`);
  if (series.length) drawers[panel.type](panel, box, series, width, height);
  else element("div", { class: "empty" }, box).textContent = "no data";
}

// --- what a panel says of its series ----------------------------------------------------------------------------------

function nameOf(target, labels) {
  if (target.legendFormat) return target.legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
  const { __name__, ...others } = labels;
  return Object.keys(others).length ? Object.entries(others).map(([k, v]) => `${k}="${v}"`).join(", ") : "value";
}

/** A field's settings: the panel's, and over them those for its name. */
function fieldOf(panel, name) {
  const field = { ...panel.fieldConfig.defaults };
  for (const { matcher, properties } of panel.fieldConfig.overrides ?? []) {
    if (matcher.id !== "byName" || matcher.options !== name) continue;
    for (const { id, value } of properties) field[id.replace("custom.", "")] = value;
  }
  return field;
}

function mapped(value, field) {
  for (const mapping of field.mappings ?? []) {
    if (mapping.type === "value" && value !== null && mapping.options[String(value)]) return mapping.options[String(value)];
    if (mapping.type === "special" && (value === null || Number.isNaN(value))) return mapping.options.result;
  }
  return undefined;
}

function colourBySteps(value, field) {
  const steps = field.thresholds?.steps ?? [];
  return steps.filter((step) => step.value === null || step.value === undefined || value >= step.value).at(-1)?.color ?? "#24292e";
}

/** Values on the step's grid; a moment without one is null, so that no line is drawn over it. */
function onGrid(panel, values) {
  const found = new Map(values.map(([t, v]) => [Math.round((t - page.start) / panel.step), v]));
  const count = Math.floor((page.end - page.start) / panel.step + 1e-6) + 1;
  return Array.from({ length: count }, (_, i) => [1000 * (page.start + i * panel.step), found.has(i) && !Number.isNaN(found.get(i)) ? found.get(i) : null]);
}

// --- the five kinds of panel ------------------------------------------------------------------------------------------

function timeseries(panel, box, series, width, height) {
  const stacked = panel.fieldConfig.defaults.custom?.stacking?.mode === "normal";
  const lines = series.map((one, index) => {
    const field = fieldOf(panel, one.name);
    return { ...one, colour: field.color?.fixedColor ?? palette[index % palette.length] };
  });
  const legendHeight = legend(box, lines, width);
  const { min, max, thresholds, custom } = panel.fieldConfig.defaults;
  const marks = (custom?.thresholdsStyle?.mode ?? "off") === "off" ? [] :
    thresholds.steps.filter((s) => s.value !== null && s.value !== undefined).map((s) => ({ yAxis: s.value, lineStyle: { color: s.color, type: "dashed" } }));
  chart(box, height - 28 - legendHeight).setOption({
    animation: false, grid: { left: 76, right: 14, top: 10, bottom: 24 }, xAxis: timeAxis(),
    yAxis: {
      type: "value", min, max: max ?? greatest(panel.fieldConfig.defaults, lines), scale: min === undefined, splitNumber: 4, interval: evenly(panel.fieldConfig.defaults, lines),
      axisLabel: { fontSize: 11, formatter: (v) => formatted(v, { unit: panel.fieldConfig.defaults.unit }) }, splitLine: { lineStyle: { color: "#ececec" } },
    },
    series: lines.map((line, index) => ({
      type: "line", name: line.name, stack: stacked ? "all" : undefined, symbol: "circle", symbolSize: 3, showSymbol: isSparse(panel, line.values),
      data: onGrid(panel, line.values), connectNulls: false,
      lineStyle: { width: 1.5, color: line.colour }, itemStyle: { color: line.colour }, areaStyle: { color: line.colour, opacity: (panel.fieldConfig.defaults.custom?.fillOpacity ?? 0) / 100 },
      markLine: index === 0 && marks.length ? { silent: true, symbol: "none", label: { show: false }, data: marks } : undefined,
    })),
  });
}

/** The distance of the axis' marks where the chart library's own choice would be odd: shares of one, powers of two. */
function evenly({ unit, min, max }, lines) {
  if (min === 0 && max === 1) return 0.25;
  return unit === "bytes" ? 2 ** Math.ceil(Math.log2(highest(lines) / 5)) : undefined;
}

function greatest({ unit }, lines) {
  return unit === "bytes" ? evenly({ unit }, lines) * Math.ceil(highest(lines) / evenly({ unit }, lines)) : undefined;
}

function highest(lines) { return Math.max(...lines.flatMap((line) => line.values.map(([, v]) => v))); }

function isSparse(panel, values) { return values.length < 0.1 * (page.end - page.start) / panel.step; }

function stat(panel, box, series) {
  const numbers = element("div", { class: "numbers" }, box);
  for (const { name, values: value } of series) {
    const field = fieldOf(panel, name), meaning = mapped(value, field);
    const colour = meaning?.color ?? colourBySteps(value, field);
    const filled = panel.options.colorMode === "background_solid";
    const one = element("div", { style: filled ? `background:${colour};color:#fff` : "" }, numbers);
    if (series.length > 1 || panel.options.textMode === "value_and_name") element("small", {}, one).textContent = name;
    element("b", { style: filled ? "" : `color:${colour}` }, one).textContent = meaning?.text ?? formatted(value, field);
  }
}

function stateTimeline(panel, box, series, width, height) {
  const names = series.map((one) => one.name);
  const field = panel.fieldConfig.defaults;
  const seen = new Map();
  const spans = series.flatMap((one, row) => runs(onGrid(panel, one.values)).map(([from, to, value]) => {
    const meaning = mapped(value, field) ?? { text: String(value), color: "#333" };
    seen.set(meaning.text, meaning);
    return { value: [row, from, Math.min(to + 1000 * panel.step, 1000 * page.end)], itemStyle: { color: meaning.color } };
  }));
  const legendHeight = legend(box, [...seen.values()].map((m) => ({ name: m.text, colour: m.color })), width);
  chart(box, height - 28 - legendHeight).setOption({
    animation: false, grid: { left: 12 + 7.2 * Math.max(...names.map((n) => n.length)), right: 14, top: 4, bottom: 24 }, xAxis: timeAxis(),
    yAxis: { type: "category", data: names, inverse: true, axisLabel: { interval: 0, fontSize: 11 }, axisTick: { show: false }, axisLine: { show: false } },
    series: [{
      type: "custom", encode: { x: [1, 2], y: 0 }, data: spans,
      renderItem: (_, api) => {
        const [left, middle] = api.coord([api.value(1), api.value(0)]), [right] = api.coord([api.value(2), api.value(0)]);
        const thick = 0.8 * api.size([0, 1])[1];
        return { type: "rect", shape: { x: left, y: middle - thick / 2, width: right - left, height: thick }, style: { fill: api.visual("color") } };
      },
    }],
  });
}

/** Stretches of equal values as [from, to, value]; nulls make gaps. */
function runs(points) {
  const found = [];
  for (const [t, v] of points) {
    const last = found.at(-1);
    if (v !== null && last && last[2] === v && last[3] === true) last[1] = t;
    else if (v !== null) found.push([t, t, v, true]);
    else if (last) last[3] = false;
  }
  return found;
}

/** One colour per bucket and moment: what of a histogram's growth fell into that bucket alone. */
function heatmap(panel, box, series, width, height) {
  const buckets = series.map((one) => ({ le: Number(one.labels.le.replace("+Inf", "Infinity")), points: onGrid(panel, one.values) })).sort((a, b) => a.le - b.le);
  const cells = [];
  let greatest = 0, highest = 0;
  buckets.forEach((bucket, row) => bucket.points.forEach(([, v], column) => {
    const own = v === null ? 0 : Math.max(0, v - (row ? buckets[row - 1].points[column][1] ?? 0 : 0));
    if (own > 1e-9) { cells.push([column, row, own]); greatest = Math.max(greatest, own); highest = Math.max(highest, row); }
  }));
  const unit = { unit: panel.fieldConfig.defaults.unit };
  const shown = buckets.slice(0, Math.min(buckets.length, highest + 3));
  const clock = (ms) => new Date(ms).toISOString().slice(11, 16);
  chart(box, height - 28).setOption({
    animation: false, grid: { left: 84, right: 130, top: 10, bottom: 26 },
    xAxis: { type: "category", data: buckets[0].points.map(([t]) => clock(t)), axisLabel: { fontSize: 11 }, axisTick: { show: false } },
    yAxis: { type: "category", data: shown.map((b) => (b.le === Infinity ? "slower" : `≤ ${formatted(b.le, unit)}`)), axisLabel: { fontSize: 11, interval: 0 } },
    visualMap: {
      min: 0, max: greatest, dimension: 2, right: 8, top: "middle", itemHeight: height - 140, text: [`${greatest.toFixed(0)} packets`, "0"],
      inRange: { color: ["#fff5eb", "#fdd0a2", "#fd8d3c", "#d94801", "#7f2704"] }, calculable: false,
    },
    series: [{ type: "heatmap", data: cells, itemStyle: { borderColor: "#fff", borderWidth: 0.5 } }],
  });
}

function table(panel, box) {
  const steps = Object.fromEntries(panel.transformations.map((t) => [t.id, t.options]));
  const rows = joined(panel.answers, steps.joinByField?.byField);
  const fields = steps.filterFieldsByName.include.names;
  const titles = fields.map((field) => steps.organize.renameByName[field] ?? field);
  const order = panel.options.sortBy?.[0];
  if (order) {
    const key = fields[titles.indexOf(order.displayName)];
    rows.sort((a, b) => (order.desc ? -1 : 1) * (typeof a[key] === "number" ? a[key] - b[key] : String(a[key]).localeCompare(String(b[key]))));
  }
  const grid = element("table", {}, element("div", { class: "scroll" }, box));
  const isNumber = (field) => rows.some((row) => typeof row[field] === "number") && !fieldOf(panel, titles[fields.indexOf(field)]).mappings?.some((m) => m.type === "value");
  const head = element("tr", {}, grid);
  fields.forEach((field, i) => (element("th", { class: isNumber(field) ? "number" : "" }, head).textContent = titles[i]));
  for (const row of rows) {
    const line = element("tr", {}, grid);
    fields.forEach((field, i) => cell(line, row[field] ?? (field.startsWith("Value") ? null : ""), fieldOf(panel, titles[i]), isNumber(field)));
  }
}

function cell(line, value, field, isNumber) {
  const box = element("td", { class: isNumber ? "number" : "" }, line);
  const meaning = mapped(value, field);
  box.textContent = meaning?.text ?? (typeof value === "string" ? value : formatted(value, field));
  const coloured = field.cellOptions?.type === "color-text";
  if (coloured) box.style.color = meaning?.color ?? colourBySteps(value, field);
}

/** The rows of all queries, joined on one label or on all they have. */
function joined(answers, on) {
  const rows = new Map();
  for (const { target, series } of answers) {
    for (const [{ __name__, ...labels }, value] of series) {
      const key = on ? labels[on] : JSON.stringify(Object.entries(labels).sort());
      rows.set(key, { ...rows.get(key), ...labels, [answers.length > 1 ? `Value #${target.refId}` : "Value"]: value });
    }
  }
  return [...rows.values()];
}

// --- the page ---------------------------------------------------------------------------------------------------------

function element(tag, attributes, parent) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function legend(box, entries, width) {
  const line = element("div", { class: "legend" }, box);
  for (const { name, colour } of entries) {
    const one = element("span", {}, line);
    element("i", { style: `background:${colour}` }, one);
    one.append(name);
  }
  const height = Math.min(line.offsetHeight, 48);
  line.style.height = `${height}px`;
  return height + 6;
}

function chart(box, height) {
  const place = element("div", { class: "chart", style: `height:${height}px` }, box);
  return echarts.init(place, null, { renderer: "canvas" });
}

function timeAxis() {
  return {
    type: "time", axisLine: { lineStyle: { color: "#e0e0e0" } }, axisTick: { show: false }, min: 1000 * page.start, max: 1000 * page.end, splitLine: { show: true, lineStyle: { color: "#f2f2f2" } },
    axisLabel: { fontSize: 11, hideOverlap: true, formatter: (t) => new Date(t).toISOString().slice(11, 16) },
  };
}
