// One colour a meaning, on every page. "We could not measure" has colours of its own: it is never shown as up or down.
export const colour = {
  up: "#56A64B",
  degraded: "#F2CC0C",
  down: "#E02F44",
  unknown: "#8F3BB8",
  noData: "#8E8E8E",
  neutral: "#3274D9",
};
