#!/usr/bin/python3
"""Asks a Prometheus every query of every dashboard and tells those that fail or find nothing.

    tests/e2e/dashboard_queries.py http://127.0.0.1:9090 [FOLDER OF DASHBOARDS]

Exit status 0 when each query found something. As a module: troubled(folder, url).
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
SOURCE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "deploy" / "grafana" / "preview"))

import dashboard as dashboards  # noqa: E402

FOLDER = SOURCE / "deploy" / "grafana" / "dashboards"


def troubled(folder, url, window=900, scrape=15, chosen=None, ignore=()):
    """A line for each query that is refused or empty over the last `window` seconds. scrape: the server's scrape interval
    in seconds; chosen: {variable: value}; ignore: (uid, panel title) pairs that may be empty."""
    found = []
    prometheus = dashboards.Prometheus(url.rstrip("/"), scrape=scrape, window=window)
    for uid, dashboard in dashboards.load(folder).items():
        try:
            values = dashboards.resolve_variables(dashboard, prometheus, chosen or {})
        except dashboards.Refused as trouble:
            found.append(f"{uid}: {trouble}")
            continue
        for panel in dashboards.panels(dashboard):
            if (uid, panel["title"]) not in ignore:
                found += [f"{uid}: {panel['title']}: {line}" for line in troubles_of(panel, prometheus, values)]
    return found


def troubles_of(panel, prometheus, values):
    try:
        for answer in dashboards.ask(panel, prometheus, values):
            if answer.is_empty():
                yield f"query {answer.target['refId']} finds nothing: {answer.query}"
    except dashboards.Refused as trouble:
        yield f"refused: {trouble}"


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit(__doc__.strip())
    found = troubled(sys.argv[2] if len(sys.argv) == 3 else FOLDER, sys.argv[1])
    for line in found:
        print(line)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
