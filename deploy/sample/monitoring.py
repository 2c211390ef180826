"""Prometheus, Alertmanager and VictoriaMetrics with the files of deploy/, for the demo and the tests.

Each write_...() copies what a user would take to a folder, puts in only what differs from site to site (addresses,
the region's name), and returns the command that runs the program with it. Tests may also shorten intervals.
"""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

import fleet

DEPLOY = Path(__file__).resolve().parents[1]
NO_TARGETS = "[]\n"


def write_prometheus(folder, address, config="prometheus.yml", controllers=(), alertmanagers=(), regions=None, region=None,
                     store=None, objectives=None, lines=None, rule_lines=None):
    """Writes a Prometheus that listens at `address` ("198.18.0.2:9090") and returns its command.

    config: prometheus.yml (of a region) or global.yml. controllers, alertmanagers: addresses. regions: {region: address
    of its Prometheus}, for global.yml. region: other than the one in the file. store: the address of a VictoriaMetrics
    that shall get the aggregates. objectives: rules in place of rules/objectives.yml. lines: {"scrape_interval": "1s"};
    rule_lines the same for every rule: {"for": "2s", "keep_firing_for": "2s"}.
    """
    folder = Path(folder)
    shutil.copytree(DEPLOY / "prometheus", folder, dirs_exist_ok=True)
    text = (folder / config).read_text()
    if region:
        text = with_lines(text, {"region": region, "prometheus": f"regional-{region}"})
    if store:
        text = with_lines(re.sub(r"(?m)^#:", "", text), {"url": f"http://{store}/api/v1/write"})
    (folder / config).write_text(with_lines(text, lines or {}))
    if objectives is not None:
        (folder / "rules" / "objectives.yml").write_text(objectives)
    for path in (folder / "rules").glob("*.yml") if rule_lines else ():
        path.write_text(re.sub(rf"(?m)^( *)({'|'.join(rule_lines)}): .*$", lambda line: f"{line[1]}{line[2]}: {rule_lines[line[2]]}", path.read_text()))
    write_targets(folder, "prometheus", [address])
    write_targets(folder, "controllers", controllers)
    write_targets(folder, "alertmanagers", alertmanagers)
    entries = [f'- targets: ["{where}"]\n  labels: {{ region: {name} }}\n' for name, where in (regions or {}).items()]
    (folder / "targets" / "regions.yml").write_text("".join(entries) or NO_TARGETS)
    return ["prometheus", f"--config.file={folder / config}", f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}", f"--web.external-url=http://{address}",
            "--storage.remote.flush-deadline=1s"]  # else it waits a minute at its end for a store that ended before it


def write_targets(folder, job, addresses):
    """Prometheus notices the change by itself, also while it runs."""
    (Path(folder) / "targets" / f"{job}.yml").write_text(f"- targets: {json.dumps(list(addresses))}\n" if addresses else NO_TARGETS)


def write_alertmanager(folder, address, receiver, lines=None):
    """Writes an Alertmanager that notifies the Receiver at the address `receiver` and returns its command.

    Every webhook keeps its path (/on-call/shop, /new/services, /parallax, ...), so that one Receiver can stand for all.
    lines: {"group_wait": "1s"} in every route.
    """
    folder = Path(folder)
    shutil.copytree(DEPLOY / "alertmanager", folder, dirs_exist_ok=True)
    config = folder / "alertmanager.yml"
    text = re.sub(r"http://[a-z-]+\.example/", f"http://{receiver}/", config.read_text())
    config.write_text(with_lines(text.replace("/etc/prometheus/secrets/", f"{folder}/secrets/"), lines or {}))
    (folder / "secrets").mkdir(exist_ok=True)
    for channel in ("chat-on-call", "chat-tickets"):
        (folder / "secrets" / channel).write_text(f"http://{receiver}/{channel}")
    return ["prometheus-alertmanager", f"--config.file={config}", f"--storage.path={folder / 'data'}",
            f"--web.listen-address={address}", f"--web.external-url=http://{address}", "--cluster.listen-address="]


def write_victoria_metrics(folder, address):
    """Returns the command. latencyOffset: what was just written can be asked for."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    return ["victoria-metrics", f"-storageDataPath={folder}", f"-httpListenAddr={address}", "-search.latencyOffset=0s",
            "-memory.allowedBytes=128MB", "-loggerLevel=WARN"]


def with_lines(text, lines):
    """Gives every line `key: value` of these keys another value; a key that no line has is a mistake."""
    for key, value in lines.items():
        text, found = re.subn(rf"(?m)^([ -]*{re.escape(key)}: )\S+", lambda line: line[1] + value, text)
        if not found:
            raise ValueError(f'there is no line "{key}: ..." to change')
    return text


# --- what they answer -----------------------------------------------------------------------------------------------------

def is_ready(address):
    return fleet.get(f"http://{address}/-/ready")[0] == 200


def answers(address):
    """For VictoriaMetrics, which has no /-/ready."""
    return fleet.get(f"http://{address}/health")[0] == 200


def query(address, expression):
    """The instant vector of a query at a Prometheus or VictoriaMetrics as [(labels, value)]; [] while nobody answers."""
    status, _, text = fleet.get(f"http://{address}/api/v1/query?query={quote(expression)}")
    if status != 200:
        return []
    return [(series["metric"], float(series["value"][1])) for series in json.loads(text)["data"]["result"]]


def alerts_of_prometheus(address):
    """Every pending and firing alert as {labels, annotations, state, activeAt}."""
    status, _, text = fleet.get(f"http://{address}/api/v1/alerts")
    return json.loads(text)["data"]["alerts"] if status == 200 else []


def alerts_of_alertmanager(address):
    """Every alert it holds; status.state is active, suppressed (inhibited or silenced) or unprocessed."""
    status, _, text = fleet.get(f"http://{address}/api/v2/alerts")
    return json.loads(text) if status == 200 else []
