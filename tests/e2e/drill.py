"""The drill of the monitoring: regions as a user would run them, and what people are told when something breaks.

    region eu-1: controller, Prometheus (deploy/prometheus), a probe in each of three zones      region eu-2: the same
    for both: the shop, one Alertmanager (deploy/alertmanager), a receiver for every notification, a global Prometheus

All real programs and the very files of deploy/ and checks/. tests/long/monitoring.test plays it in real time;
tests/e2e/monitoring.test plays one region with every duration of those files divided by a factor, see shorten().
"""

import os
import re
import time
from pathlib import Path

import scene
from scene import BUILD, FLEET_PORT, PROMETHEUS_PORT, SOURCE, WEB_PORT, fleet, network, shop

import definitions
import monitoring
from receiver import Receiver

UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
LENGTH = r"(\d+)(ms|s|m|h|d|w)\b"
KEYS = ("for|keep_firing_for|interval|scrape_interval|evaluation_interval|group_wait|group_interval|repeat_interval"
        "|resolve_timeout|every")


def shorten(text, by):
    """The same rules, settings or check definitions in a world where time runs `by` times as fast.

    Divided is every duration that says how often something happens or over how long it is judged: the keys named
    above, [ranges], subqueries and offsets, in expressions and in the queries of annotations. What stays: timeouts and
    thresholds (they belong to the network and the service), and names like ratio_rate5m, which only look like one.
    Not shortened is what the programs themselves have built in: how soon a cut connection is noticed (some 10 s) and
    how long a probe waits before it dials again (up to 30 s).
    """
    def divided(number, unit):
        return f"{int(number) * UNITS_MS[unit] // by}ms" if int(number) else f"0{unit}"

    def length(match):
        return match[1] + divided(match[2], match[3])

    text = re.sub(rf'(?m)^([ \t-]*(?:{KEYS})\s*[:=]\s*"?){LENGTH}', length, text)
    text = re.sub(rf"(\[){LENGTH}(?=[\]:])", length, text)
    text = re.sub(rf"(\[\w+:){LENGTH}(?=\])", length, text)
    return re.sub(rf"(\boffset\s+){LENGTH}", length, text)


class Region:
    """Where a region's programs answer, and what they are called in the logs."""

    def __init__(self, name, locations, address):
        self.name = name
        self.locations = locations
        self.address = address
        self.web = f"http://{address}:{WEB_PORT}"
        self.prometheus = f"{address}:{PROMETHEUS_PORT}"
        self.controller_name = f"controller-{name}.example"


class Drill(scene.Scene):
    """regions: {name: locations}; services: the files of checks/ that are used; by: how many times as fast time runs."""

    def __init__(self, folder, regions, services, by=1):
        self.locations = [at for locations in regions.values() for at in locations]
        self.servers = {service: f"{service}.example" for service in services}
        super().__init__(folder)
        spare = network.ipaddress.ip_address(self.zones.middle) + 1
        self.regions = {name: Region(name, locations, str(spare + k)) for k, (name, locations) in enumerate(regions.items())}
        self.by = by
        self.alertmanager = f"{self.zones.middle}:9093"
        self.global_prometheus = f"{self.zones.middle}:{PROMETHEUS_PORT}"
        self.broken = set()
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    # --- setting it up -------------------------------------------------------------------------------------------

    def build(self):
        super().build()
        for region in self.regions.values():
            network.ip(f"address add {region.address}/32 dev lo")

    def controllers(self):
        return {region.controller_name: region.address for region in self.regions.values()}

    def checks_of(self, region):
        return self.folder / f"checks-{region.name}"

    def write_definitions(self):
        for region in self.regions.values():
            folder = self.checks_of(region)
            folder.mkdir()
            (folder / "locations.toml").write_text("".join(
                f'[[location]]\nname = "{at}"\nzone = "{at}"\nregion = "{region.name}"\n' for at in region.locations))
            for service in self.servers:
                (folder / f"{service}.toml").write_text(self.faster((SOURCE / "checks" / f"{service}.toml").read_text()))

    def faster(self, text):
        if self.by == 1:
            return text
        # A timeout is at most the interval. Latency is not promised: programs under a sanitizer are slow.
        text = re.sub(r'timeout(\s*)= "\w+"', r'timeout\1= "900ms"', text)
        return shorten(re.sub(r", latency = \"\w+\"", "", text), self.by)

    def start_everything(self):
        """Returns when every check has reported from everywhere."""
        self.start_shop()
        for region in self.regions.values():
            self.start_controller_of(region)
        for region in self.regions.values():
            for at in region.locations:
                self.start_probe_of(region, at)
        self.start_monitoring()
        self.wait_for("every check to be up from everywhere", self.all_up, 300)
        self.say("everything is up")

    def start_controller_of(self, region):
        settings = fleet.write_settings(
            str(self.folder / f"controller-{region.name}" / "controller.toml"), fleet.CONTROLLER, checks=self.checks_of(region),
            certificates=self.certificates, fleet=f"{region.address}:{FLEET_PORT}", web=f"{region.address}:{WEB_PORT}")
        self.programs.start(f"controller-{region.name}", [BUILD / "parallax-controller", "serve", "--config", settings])
        self.wait_for("the controller to be ready", lambda: fleet.get(f"{region.web}/-/ready")[0] == 200)

    def start_probe_of(self, region, at):
        settings = self.probe_settings(f"probe-{at}", f"probe-probe-{at}", controller=f"{region.controller_name}:{FLEET_PORT}")
        fleet.write_secret(settings, "api-users-key", shop.KEY)
        trust = {**os.environ, "SSL_CERT_FILE": f"{self.certificates}/ca.crt"}
        self.programs.start(f"probe-{at}", [BUILD / "parallax-probe", "serve", "--config", settings], at, env=trust)

    def start_monitoring(self):
        self.receiver = Receiver(self.zones.middle, tell=self.tell)
        command = monitoring.write_alertmanager(self.folder / "alertmanager", self.alertmanager, self.receiver.address)
        self.shorten_files("alertmanager")
        self.programs.start("alertmanager", command)
        for region in self.regions.values():
            self.start_prometheus_of(region)
        if len(self.regions) > 1:
            self.start_a_prometheus("prometheus-global", self.global_prometheus, config="global.yml",
                                    regions={region.name: region.prometheus for region in self.regions.values()})

    def start_prometheus_of(self, region):
        status, rules, errors = self.run(BUILD / "parallax-controller", "rules", self.checks_of(region))
        assert status == 0, errors
        self.start_a_prometheus(f"prometheus-{region.name}", region.prometheus, controllers=[f"{region.address}:{WEB_PORT}"],
                                region=region.name, objectives=rules)

    def start_a_prometheus(self, name, address, **settings):
        command = monitoring.write_prometheus(self.folder / name, address, alertmanagers=[self.alertmanager], **settings)
        self.shorten_files(name)
        # Prometheus' own: how long a series without a sample counts as alive, how often a firing alert is sent again.
        own = [f"--query.lookback-delta={shorten('[5m]', self.by)[1:-1]}", f"--rules.alert.resend-delay={shorten('[1m]', self.by)[1:-1]}"]
        self.programs.start(name, [*command, *own])
        self.wait_for(name, lambda: monitoring.is_ready(address))

    def begin(self):
        """Starts everything, waits until it is quiet and forgets what was told until then: a Prometheus finds its targets
        some 5 s after it has started, which is nothing to a rule that waits for minutes and much to one that is shortened."""
        self.start_everything()
        for name in [region.name for region in self.regions.values()]:
            self.wait_for("the dead-man switch", lambda: self.told("/parallax", alertname="Watchdog", region=name), 300)
        self.wait_for("first scrapes", lambda: all(self.number(r, 'sum(up{job="parallax"})') == 1 for r in self.regions.values()))
        self.wait_until_clear(self.regions.values())
        self.receiver.notifications.clear()

    def shorten_files(self, folder):
        for path in [*(self.folder / folder).glob("*.yml"), *(self.folder / folder).glob("rules/*.yml")]:
            path.write_text(shorten(path.read_text(), self.by))

    def tell(self, notification):
        """Every notification that reaches a person, as it comes: what the drill is about."""
        for alert in notification.alerts:
            if notification.path != "/parallax":
                where = " ".join(f"{k}={alert['labels'][k]}" for k in ("region", "service", "check", "location") if k in alert["labels"])
                self.say(f"told {notification.path}: {alert['status']} {alert['labels']['alertname']} {where}")

    # --- asking --------------------------------------------------------------------------------------------------

    def cells_of(self, region):
        state = fleet.state_of(region.web)
        return fleet.cells(state) if state else {}

    def expected(self, region):
        return definitions.expected(self.checks_of(region))

    def all_up(self):
        return all(self.all_up_in(region) for region in self.regions.values())

    def all_up_in(self, region):
        return {where for where, at in self.cells_of(region).items() if at["state"] == "up"} >= self.expected(region)

    def ask(self, region, expression):
        """The instant vector of a query at a region's Prometheus as [(labels, value)]."""
        return monitoring.query(region.prometheus, expression)

    def number(self, region, expression):
        """The one value of a query; None when it finds nothing."""
        found = self.ask(region, expression)
        assert len(found) <= 1, f"{expression} finds {found}"
        return found[0][1] if found else None

    def alerts(self, region):
        """The names of what is pending or firing in a region, but for the dead-man switch, which always is."""
        return {alert["labels"]["alertname"] for alert in monitoring.alerts_of_prometheus(region.prometheus)} - {"Watchdog"}

    def told(self, path, status="firing", **labels):
        return self.receiver.alerts(path, status, **labels)

    def paged(self):
        """What anybody was paged for: {(alert, region, service)}."""
        return {tuple(alert["labels"].get(label, "") for label in ("alertname", "region", "service"))
                for alert in self.told("/on-call")}

    def still_open(self, path, but=()):
        """What people at a path take for firing: told, and not told to be over. but: names that are passed over."""
        last = {}
        for notification in self.receiver.to(path):
            for alert in notification.alerts:
                last[tuple(sorted(alert["labels"].items()))] = alert["status"]
        return [dict(labels) for labels, status in last.items() if status == "firing" and dict(labels)["alertname"] not in but]

    def wait_until_clear(self, regions, but=(), within=300):
        """Waits until nothing fires or is pending there, and everybody who was told of something was told that it is over."""
        for region in regions:
            self.wait_for(f"nothing to fire in {region.name} any more", lambda: not self.alerts(region) - set(but), within)
        names = {region.name for region in regions}
        for path in ("/on-call", "/new"):
            self.wait_for(f"{path} to be told that all is over",
                          lambda: not [labels for labels in self.still_open(path, but) if labels.get("region") in names], within)
        self.say(f"all clear in {' and '.join(sorted(names))}")

    def wait_until_told(self, path, within=900, **labels):
        """Waits until somebody is told of an alert with these labels and returns it, as it was told first."""
        return self.wait_for(f"{path} to be told of {labels}", lambda: self.told(path, **labels), within)[0]

    def wait_until_over(self, path, within=1200, **labels):
        return self.wait_for(f"{path} to be told that {labels} is over", lambda: self.told(path, "resolved", **labels), within)[0]

    # --- trouble -------------------------------------------------------------------------------------------------

    def break_paths(self, service, locations):
        """Packets from these locations to a service vanish, beside those that do already."""
        self.broken |= {(self.zones.address(at), self.zones.servers[service]) for at in locations}
        network.firewall(network.cut(sorted(self.broken)))
        self.say(f"broken: the paths to {service} from {' '.join(locations)}")

    def mend_paths(self):
        self.broken.clear()
        self.mend()
        self.say("mended: all paths")


def must_say(alert, *words):
    """That an alert's text has these words, and names its runbook, of which there must be a page."""
    text = alert["annotations"]["summary"] + "\n" + alert["annotations"]["description"]
    for word in words:
        assert re.search(word, text), f"{word!r} is not in the text of {alert['labels']}:\n{text}"
    assert "<no value>" not in text and "<error" not in text, text
    assert alert["annotations"]["runbook_url"].endswith(f"/docs/runbooks/{alert['labels']['alertname']}.md"), alert["annotations"]
