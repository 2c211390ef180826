"""Grafana's dashboards without Grafana: reads their JSON, fills in the variables, asks Prometheus what they ask.

Both the pictures (draw.py) and the tests (tests/e2e/dashboard_queries.py) go through here, so that what is tested is
what is drawn. Only what our dashboards use is understood; anything else is an error and not a guess.
"""

import json
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

LABEL_VALUES = re.compile(r"^label_values\((?:(.+),\s*)?([a-zA-Z_][a-zA-Z0-9_]*)\)$")
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")


class Refused(Exception):
    """Prometheus did not answer a query; the text is its own."""


@dataclass
class Prometheus:
    """A server as a Grafana data source sees it. scrape: its scrape interval in seconds; window: what is looked at."""
    url: str
    scrape: float = 15
    window: float = 3600
    end: float = field(default_factory=time.time)

    def get(self, path, **parameters):
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Refused(reason(error)) from error

    def instant(self, query):
        """[(labels, value)] at the end of the window."""
        return [(r["metric"], float(r["value"][1])) for r in self.get("query", query=query, time=self.end)["result"]]

    def range(self, query, step):
        """[(labels, [(time, value)])]; moments without a value are absent."""
        parameters = {"query": query, "start": self.end - self.window, "end": self.end, "step": step}
        return [(r["metric"], [(t, float(v)) for t, v in r["values"]]) for r in self.get("query_range", **parameters)["result"]]

    def label_values(self, label, series):
        parameters = {"start": self.end - self.window, "end": self.end, **({"match[]": series} if series else {})}
        return self.get(f"label/{label}/values", **parameters)

    def scrape_interval(self, job="parallax"):
        """Of a job, in seconds, as the server itself says."""
        pools = [t["scrapeInterval"] for t in self.get("targets", state="active")["activeTargets"] if t["scrapePool"] == job]
        return seconds(pools[0]) if pools else self.scrape

    def step(self, panel, points=400):
        """$__interval: as fine as the panel shows, never finer than the data is."""
        return max(self.window / points, self.scrape, seconds(panel.get("interval", "0s")))


def reason(error):
    """Why a request was refused: Prometheus' own words where it gave some."""
    text = error.read().decode(errors="replace")
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError):
        return f"status {error.code}: {text.strip()}"


def seconds(duration):
    return float(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def load(folder):
    """Every dashboard of a folder, by its uid."""
    found = {}
    for path in sorted(Path(folder).glob("*.json")):
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        found[dashboard["uid"]] = dashboard
    return found


def panels(dashboard):
    """The panels in the order they stand, rows without their titles."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def rows(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] == "row"]


def resolve_variables(dashboard, prometheus, chosen):
    """{name: value} as Grafana fills them in at first: All where there is one, otherwise the first value.
    chosen: {name: value} somebody picked."""
    values = {}
    for variable in dashboard["templating"]["list"]:
        name = variable["name"]
        if variable["type"] == "datasource":
            continue
        if variable["type"] != "query":
            raise ValueError(f"{dashboard['uid']}: a variable of type {variable['type']} is not understood")
        series, label = LABEL_VALUES.match(variable["query"]["query"]).groups()
        options = prometheus.label_values(label, substitute(series, values) if series else None)
        if not options:
            raise Refused(f"variable {name} has no value: {variable['query']['query']}")
        if name in chosen and chosen[name] in options:
            values[name] = chosen[name]
        elif variable.get("includeAll"):
            values[name] = variable["allValue"]
        else:
            values[name] = natural(options)[0]
    return values


def natural(words):
    return sorted(words, key=lambda w: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", w)])


def substitute(text, values):
    def value(match):
        name = match[1] or match[3]
        if name not in values:
            raise ValueError(f"${name} is no variable of this dashboard: {text}")
        return str(values[name])
    return VARIABLE.sub(value, text)


def duration(length):
    return f"{max(1, round(length))}s"


def with_times(values, prometheus, panel):
    """The variables and what Grafana itself sets: the step, the rate's window, the whole time."""
    step = prometheus.step(panel)
    return {**values, "__interval": duration(step), "__range": duration(prometheus.window),
            "__rate_interval": duration(max(step + prometheus.scrape, 4 * prometheus.scrape))}


@dataclass
class Answer:
    """What one query of a panel gave: series for a graph, rows for a table or a number."""
    target: dict
    query: str
    is_range: bool
    series: list  # of (labels, value) or (labels, [(time, value)])

    def is_empty(self):
        numbers = (v for _, found in self.series for v in ([v for _, v in found] if self.is_range else [found]))
        return all(math.isnan(v) for v in numbers)


def ask(panel, prometheus, values):
    """An Answer for each query of a panel. Raises Refused when Prometheus does not understand one."""
    answers = []
    for target in panel["targets"]:
        query = substitute(target["expr"], with_times(values, prometheus, panel))
        if target.get("range"):
            answers.append(Answer(target, query, True, prometheus.range(query, prometheus.step(panel))))
        else:
            answers.append(Answer(target, query, False, prometheus.instant(query)))
    return answers
