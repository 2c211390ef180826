#!/usr/bin/python3
"""Draws a picture of each dashboard from what a Prometheus holds: the generated JSON, its own queries, headless Chromium.

    deploy/grafana/preview/draw.py http://127.0.0.1:9090 docs/pictures --window 15m

Grafana is not to be had everywhere; this shows what its panels would be asked to show, not how it draws them. Needs
chromium, pngquant and, in this folder, `npm ci`.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import dashboard as dashboards  # noqa: E402

HERE = Path(__file__).resolve().parent
WIDTH = 1600   # of a picture, in pixels
CELL, GAP = 30, 8  # Grafana's grid: the height of a unit and what is between two panels
HEAD = 76      # title and variables above the grid

# A headless Chromium that works as root, asks nobody anything and leaves nothing behind.
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--force-device-scale-factor=1",
            "--allow-file-access-from-files", "--enable-logging=stderr"]

PAGE = """<!doctype html>
<meta charset="utf-8">
<link rel="stylesheet" href="draw.css">
<body><script src="echarts.min.js"></script><script src="data.js"></script><script src="draw.js"></script></body>
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("prometheus", help="its address")
    parser.add_argument("folder", help="where the pictures go")
    parser.add_argument("--dashboards", default=HERE.parent / "dashboards", help="folder of the generated JSON")
    parser.add_argument("--window", default="15m", help="how much of the past is drawn")
    parser.add_argument("--choose", action="append", default=[], metavar="UID.VARIABLE=VALUE",
                        help="instead of the first value of that dashboard")
    parser.add_argument("--only", help="the uid of the one dashboard to draw")
    return parser.parse_args()


def collect(dashboard, prometheus, chosen):
    """All that the page needs: the layout, the panels and what their queries gave."""
    values = dashboards.resolve_variables(dashboard, prometheus, chosen)
    shown = {v["label"]: "All" if values.get(v["name"]) == ".*" else values[v["name"]]
             for v in dashboard["templating"]["list"] if v["type"] == "query"}
    panels = [{**panel, "title": dashboards.substitute(panel["title"], values), "step": prometheus.step(panel),
               "answers": [vars(answer) for answer in dashboards.ask(panel, prometheus, values)]}
              for panel in dashboards.panels(dashboard)]
    rows = [{"title": dashboards.substitute(row["title"], values), "y": row["gridPos"]["y"]} for row in dashboards.rows(dashboard)]
    return {"title": dashboard["title"], "variables": shown, "rows": rows, "panels": panels, "width": WIDTH, "cell": CELL, "gap": GAP,
            "start": prometheus.end - prometheus.window, "end": prometheus.end}


def height_of(page):
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in page["panels"])
    return HEAD + bottom * (CELL + GAP) + GAP


def draw(page, path):
    """The page as a PNG of few colours. Everything Chromium reads and writes is in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="parallax-preview-") as temporary:
        folder = Path(temporary)
        for name in ("draw.js", "units.js", "draw.css"):
            shutil.copy(HERE / name, folder)
        shutil.copy(HERE / "node_modules" / "echarts" / "dist" / "echarts.min.js", folder)
        (folder / "data.js").write_text(f"const page = {json.dumps(page)};\n", encoding="utf-8")
        (folder / "page.html").write_text(PAGE.replace('<script src="draw.js">', '<script src="units.js"></script><script src="draw.js">'))
        shot = folder / "shot.png"
        run([*CHROMIUM, f"--user-data-dir={folder}/profile", f"--window-size={WIDTH},{height_of(page)}", f"--screenshot={shot}",
             "--virtual-time-budget=5000", f"file://{folder}/page.html"])
        run(["pngquant", "--force", "--strip", "--speed", "1", "64", "--output", str(path), str(shot)])


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"})
    if done.returncode or "Uncaught" in done.stderr:  # an error of the page itself is no failure to Chromium
        sys.exit(f"{command[0]} failed with status {done.returncode}:\n{done.stderr}")


def main():
    options = arguments()
    if not (HERE / "node_modules").is_dir():
        sys.exit(f"draw: echarts is not there; type: npm ci --prefix {HERE}")
    chosen = dict(pair.split("=", 1) for pair in options.choose)  # {uid.variable: value}
    prometheus = dashboards.Prometheus(options.prometheus.rstrip("/"), window=dashboards.seconds(options.window))
    prometheus.scrape = prometheus.scrape_interval()
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    for uid, dashboard in dashboards.load(options.dashboards).items():
        if options.only in (None, uid):
            path = Path(options.folder) / f"{uid}.png"
            picked = {name.split(".")[1]: value for name, value in chosen.items() if name.startswith(f"{uid}.")}
            draw(collect(dashboard, prometheus, picked), path)
            print(f"draw: {path} ({path.stat().st_size // 1024} KiB)", file=sys.stderr)


if __name__ == "__main__":
    main()
