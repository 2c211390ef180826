// Grafana's units, those that our dashboards use.
"use strict";

const places = (value, decimals) => {
  if (decimals !== undefined && decimals !== null) return value.toFixed(decimals);
  const size = Math.abs(value);
  return size === 0 ? "0" : size < 0.01 ? value.toPrecision(2) : String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)));
};

function scaled(value, decimals, steps) {
  const size = Math.abs(value);
  const [factor, unit] = steps.find(([factor]) => size >= factor) ?? steps[steps.length - 1];
  return `${places(value / factor, decimals)} ${unit}`.trim();
}

const time = [[31557600, "years"], [86400 * 7, "weeks"], [86400, "days"], [3600, "hours"], [60, "mins"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
const thousand = [[1e9, "Bil"], [1e6, "Mil"], [1e3, "K"], [1, ""], [1e-3, ""]];
const binary = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]];
const decimal = [[1e9, "GB/s"], [1e6, "MB/s"], [1e3, "kB/s"], [1, "B/s"]];

const units = {
  none: (v, d) => places(v, d ?? (Number.isInteger(v) ? 0 : undefined)),
  locale: (v, d) => Number(v.toFixed(d ?? 2)).toLocaleString("en"),
  short: (v, d) => (Math.abs(v) < 1000 ? places(v, d) : scaled(v, d, thousand)),
  percentunit: (v, d) => `${places(100 * v, d)}%`,
  s: (v, d) => (v === 0 ? "0 s" : scaled(v, d, time)),
  bytes: (v, d) => (v === 0 ? "0 B" : scaled(v, d, binary)),
  Bps: (v, d) => (v === 0 ? "0 B/s" : scaled(v, d, decimal)),
  reqps: (v, d) => `${places(v, d)} req/s`,
  ops: (v, d) => `${places(v, d)} ops/s`,
  "suffix: days": (v, d) => `${places(v, d)} days`,
  dateTimeAsIso: (v) => new Date(v).toISOString().slice(0, 19).replace("T", " "),
};

function formatted(value, field) {
  if (value === null || value === undefined || Number.isNaN(value)) return field.noValue ?? "no data";
  const unit = field.unit ?? "short";
  if (!units[unit]) throw new Error(`unit ${unit} is not known here`);
  return units[unit](value, field.decimals);
}
