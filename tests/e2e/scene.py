"""One scene of an end-to-end test: the two real programs, a real nginx and real certificates in network namespaces.

A test file is a list of functions that take a Scene; run() plays each in namespaces of its own, so that a test needs
no unique names, can choose any port and leaves nothing behind, however it ends. Nothing sleeps: wait_for() polls what
is awaited and fails at its deadline with the ends of all logs. Deadlines are generous, and what is asserted holds on a
machine that is ten times too slow: a deadline is not where a test finds that something takes too long.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from datetime import datetime
from pathlib import Path

sys.dont_write_bytecode = True
SOURCE = Path(os.environ.get("PARALLAX_SOURCE") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("PARALLAX_BUILD") or SOURCE / "build" / "dev")
sys.path.insert(0, str(SOURCE / "deploy" / "sample"))

os.environ["ASAN_OPTIONS"] = "fast_unwind_on_malloc=0"  # whole stacks through libraries without frame pointers
os.environ["LSAN_OPTIONS"] = f"suppressions={SOURCE}/tests/e2e/lsan.supp:print_suppressions=0"

import fleet  # noqa: E402
import isolation  # noqa: E402
import shop  # noqa: E402
import zones as network  # noqa: E402
from programs import Died, Programs  # noqa: E402

LOCATIONS = ["eu-1a", "eu-1b", "us-1a"]
SERVERS = {"shop-api": "shop-api.example", "crm-api": "crm-api.example"}
WEB_PORT, FLEET_PORT, PROMETHEUS_PORT = 9877, 7443, 9090

# The three types against one API, once a second each: every test speaks of these.
CHECKS = """\
[service]
name = "shop-api"
title = "Shop API"
objective = { availability = 99.9, latency = "300ms" }
[defaults]
every = "1s"
timeout = "900ms"
[[http]]
name = "health"
url = "https://shop-api.example/health"
[http.expect]
body_matches = ['"status":\\s*"UP"']
[[tls]]
name = "certificate"
address = "shop-api.example:443"
[[ping]]
name = "edge"
host = "shop-api.example"
packets = 2
spacing = "50ms"
"""

SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Scene:
    locations, servers = LOCATIONS, SERVERS  # a scene of another kind has others

    def __init__(self, folder):
        self.folder = Path(folder)
        self.programs = Programs(folder)
        self.zones = network.Zones("198.18.0.0/24", self.locations, list(self.servers))
        self.web = f"http://{self.zones.middle}:{WEB_PORT}"
        self.prometheus = f"http://{self.zones.middle}:{PROMETHEUS_PORT}"
        self.checks = self.folder / "checks"
        self.certificates = self.folder / "certificates"
        self.wait_for = self.programs.wait_for

    # --- setting it up -------------------------------------------------------------------------------------------

    def build(self):
        network.build(self.zones)
        network.ip(f"address add {self.zones.middle}/32 dev lo")
        names = {name: self.zones.servers[api] for api, name in self.servers.items()} | self.controllers()
        network.write_hosts(self.folder / "hosts", names)
        isolation.mount(self.folder / "hosts", "/etc/hosts", None, isolation.MS_BIND)
        fleet.make_certificates(self.certificates, f"controller={','.join(self.controllers())}",
                                *(f"probe={at}/probe-{at}" for at in self.locations),
                                *(f"server={api}:{name}" for api, name in self.servers.items()))
        self.write_definitions()

    def controllers(self):
        """{name: address}"""
        return {"controller.example": self.zones.middle}

    def write_definitions(self):
        self.checks.mkdir()
        self.write("locations.toml", "".join(f'[[location]]\nname = "{at}"\nzone = "zone-{at}"\n' for at in LOCATIONS))
        self.write("shop-api.toml", CHECKS)

    def write(self, name, text):
        """Puts a definition file in place as an editor does: whole, under its name, at once."""
        temporary = self.folder / "being-written"
        temporary.write_text(text)
        temporary.rename(self.checks / name)

    def start_shop(self):
        servers = {api: {"name": name, "address": self.zones.servers[api], "http_port": 80, "tls_port": 443,
                         "certificate": f"{self.certificates}/{api}"} for api, name in self.servers.items()}
        self.programs.start("nginx", shop.write_nginx(str(self.folder / "nginx"), servers), "shop")
        self.wait_for("nginx", lambda: fleet.get(f"http://{self.zones.servers['shop-api']}/health")[0] == 200)

    def controller_settings(self, **changes):
        values = {"checks": self.checks, "certificates": self.certificates, "fleet": f"0.0.0.0:{FLEET_PORT}",
                  "web": f"0.0.0.0:{WEB_PORT}", **changes}
        return fleet.write_settings(str(self.folder / "controller" / "controller.toml"), fleet.CONTROLLER, **values)

    def start_controller(self, ready=True):
        self.programs.start("controller", [BUILD / "parallax-controller", "serve", "--config", self.controller_settings()])
        if ready:
            self.wait_for("the controller to be ready", lambda: fleet.get(f"{self.web}/-/ready")[0] == 200)

    def probe_settings(self, name, certificate, **changes):
        values = {"controller": f"controller.example:{FLEET_PORT}", "certificates": self.certificates,
                  "certificate": certificate, "allow": json.dumps([self.zones.network]), **changes}
        return fleet.write_settings(str(self.folder / name / "probe.toml"), fleet.PROBE, **values)

    def start_probe(self, at, certificate=None, before=(), **changes):
        """before: words put in front of the command, like prlimit's."""
        name = f"probe-{at}" if certificate is None else certificate
        settings = self.probe_settings(name, certificate or f"probe-{name}", **changes)
        command = [*before, BUILD / "parallax-probe", "serve", "--config", settings]
        trust = {**os.environ, "SSL_CERT_FILE": f"{self.certificates}/ca.crt"}
        self.programs.start(name, command, at, env=trust)
        return name

    def start_fleet(self, locations=LOCATIONS):
        """Shop, controller and probes; returns when every check has reported from everywhere."""
        self.start_shop()
        self.start_controller()
        for at in locations:
            self.start_probe(at)
        wanted = {(check, at) for check in ("shop-api/health", "shop-api/certificate", "shop-api/edge") for at in locations}
        self.wait_for("every check to be up from everywhere", lambda: self.up() >= wanted)

    def start_prometheus(self):
        folder = self.folder / "prometheus"
        folder.mkdir()
        (folder / "prometheus.yml").write_text(
            "global: { scrape_interval: 1s }\nscrape_configs:\n  - job_name: parallax\n    honor_labels: true\n"
            f'    static_configs: [{{ targets: ["{self.zones.middle}:{WEB_PORT}"] }}]\n')
        self.programs.start("prometheus", ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                                           f"--web.listen-address={self.zones.middle}:{PROMETHEUS_PORT}"])
        self.wait_for("Prometheus", lambda: fleet.get(f"{self.prometheus}/-/ready")[0] == 200)

    # --- asking --------------------------------------------------------------------------------------------------

    def state(self):
        return fleet.state_of(self.web)

    def cells(self):
        state = self.state()
        return fleet.cells(state) if state else {}

    def up(self):
        return {where for where, at in self.cells().items() if at["state"] == "up"}

    def samples(self, query=""):
        """Every sample of the page in text format as {(name, labels as a frozenset): value}."""
        status, kind, text = fleet.get(f"{self.web}/metrics{query}", timeout=60)
        if status != 200:
            return {}
        found = {}
        for line in text.splitlines():
            if line.startswith("#") or not line:
                continue
            name, labels, value = SAMPLE.match(line).groups()
            key = (name, frozenset(LABEL.findall(labels or "")))
            assert key not in found, f"the series {line} is there twice"
            found[key] = float(value)
        return found

    def select(self, name, **labels):
        """The samples of a family that carry these labels: {labels: value}."""
        wanted = set(labels.items())
        return {key[1]: value for key, value in self.samples().items() if key[0] == name and wanted <= key[1]}

    def value(self, name, **labels):
        """The one sample with these labels; None when there is none, their sum when there are several."""
        found = self.select(name, **labels)
        return sum(found.values()) if found else None

    def ask_prometheus(self, query):
        """The instant vector of a query as a list of (labels, value)."""
        from urllib.parse import quote
        status, _, text = fleet.get(f"{self.prometheus}/api/v1/query?query={quote(query)}")
        if status != 200:
            return []
        return [(r["metric"], float(r["value"][1])) for r in json.loads(text)["data"]["result"]]

    def ran_since(self, moment, check, at):
        """The cell of a check at a location once a run that began after this moment (time.time()) is its newest; else None.

        Surely after it: a probe's moments are shown by the controller's clock, whose difference to its own is known only to
        how long its hello took. A run just before the moment may be shown just after it."""
        cell = self.cells().get((check, at))
        if not cell or not cell.get("last_run"):
            return None
        began = datetime.fromisoformat(cell["last_run"].replace("Z", "+00:00"))
        return cell if began.timestamp() > moment + 0.25 else None

    def log(self, name):
        return self.programs.log_text(name)

    def requests(self, at, path="/health"):
        """How often the shop was asked from a location: the truth that books are compared with."""
        with open(self.folder / "nginx" / "access.log", encoding="utf-8") as file:
            return sum(f" {self.zones.address(at)} " in line and f" {path} " in line for line in file)

    def seconds_of_requests(self, at, path="/health"):
        """When the shop was asked from a location, in whole seconds of Unix time."""
        with open(self.folder / "nginx" / "access.log", encoding="utf-8") as file:
            return [int(datetime.fromisoformat(line.split(" ", 1)[0]).timestamp()) for line in file
                    if f" {self.zones.address(at)} " in line and f" {path} " in line]

    def run(self, *command, at=None):
        """A command of ours to its end: (exit status, stdout, stderr)."""
        trust = {**os.environ, "SSL_CERT_FILE": f"{self.certificates}/ca.crt"}
        done = subprocess.run(network.in_zone(at, [str(c) for c in command]), capture_output=True, text=True, timeout=180,
                              stdin=subprocess.DEVNULL, env=trust)
        return done.returncode, done.stdout, done.stderr

    # --- trouble -------------------------------------------------------------------------------------------------

    def cut(self, at, api):
        network.firewall(network.cut([(self.zones.address(at), self.zones.servers[api])]))

    def mend(self):
        network.firewall(network.mend())

    def cut_from_controller(self, at):
        """The probe's packets to the controller vanish on the controller's input hook."""
        address = self.zones.address(at)
        network.firewall("table inet away {\n chain input {\n type filter hook input priority 0;\n"
                         f" ip saddr {address} drop\n }}\n}}\n")

    def join_controller(self):
        network.firewall("table inet away\ndelete table inet away\n")

    def stays(self, what, condition, seconds):
        """For what must *not* change: condition() holds all the time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert condition(), f"{what} did not stay so for {seconds} s"
            self.programs.check()
            time.sleep(0.1)

    def tell_all(self):
        for log in sorted(Path(self.programs.logs).glob("*.log")):
            print(f"--- the end of {log.name}")
            print("".join(f"    {line}\n" for line in log.read_text(errors="replace").splitlines()[-25:]), end="")


def play(function, make_scene):
    """One scene from beginning to end, inside its own namespaces; the exit status."""
    with tempfile.TemporaryDirectory(prefix="parallax-e2e-") as folder:
        os.chmod(folder, 0o755)
        scene = make_scene(folder)
        try:
            scene.build()
            function(scene)
            scene.programs.stop_all(60)
            check_sanitizers(scene)
            return 0
        except (AssertionError, Died, RuntimeError, subprocess.SubprocessError) as trouble:
            traceback.print_exc(file=sys.stdout)
            print(f"FAILED: {trouble}")
            scene.tell_all()
            if os.environ.get("PARALLAX_KEEP"):
                shutil.copytree(folder, os.environ["PARALLAX_KEEP"], dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
            return 1
        finally:
            scene.programs.stop_all()


def check_sanitizers(scene):
    for log in Path(scene.programs.logs).glob("*.log"):
        text = log.read_text(errors="replace")
        assert "Sanitizer" not in text and "runtime error:" not in text, f"a sanitizer found a fault; see {log.name}"


def run(*functions, make_scene=Scene):
    """Plays the scenes whose names contain the word given on the command line, or all. make_scene: folder -> Scene."""
    why_not = isolation.why_not_possible()
    if why_not:
        sys.exit(f"end-to-end tests make network namespaces: {why_not}")
    failed = []
    for function in functions:
        if len(sys.argv) > 1 and sys.argv[1] not in function.__name__:
            continue
        began = time.monotonic()
        sys.stdout.flush()
        if isolation.run_isolated(lambda: play(function, make_scene)) != 0:
            failed.append(function.__name__)
        print(f"{'FAILED' if function.__name__ in failed else 'passed'}: {function.__name__} ({time.monotonic() - began:.1f} s)")
    sys.exit(1 if failed else 0)
