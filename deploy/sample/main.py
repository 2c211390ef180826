#!/usr/bin/python3
"""The demo: a shop, a controller and a probe in each of its zones, all real, and nothing left of it afterwards.

deploy/demo installs and builds, then runs this. Reads top to bottom: arguments, set-up step by step, the table.
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

import alerts
import breakage
import definitions
import fleet
import isolation
import monitoring
import shop
import zones as network
from programs import Died, Programs
from receiver import Receiver
from table import Table

ROOT = Path(__file__).resolve().parents[2]


class Stop(Exception):
    """Somebody wants it to end."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def arguments():
    folder = "/run/parallax-demo" if os.geteuid() == 0 else f"{os.environ.get('XDG_RUNTIME_DIR', '/tmp')}/parallax-demo-{os.getuid()}"
    parser = argparse.ArgumentParser(prog="deploy/demo", add_help=False)
    parser.add_argument("command", nargs="*")
    parser.add_argument("--for", dest="duration")
    parser.add_argument("--prometheus", action="store_true")
    parser.add_argument("--loopback", action="store_true")
    parser.add_argument("--checks", default=str(ROOT / "checks"))
    parser.add_argument("--run-dir", default=folder)
    parser.add_argument("--build-dir", default=str(ROOT / "build" / "release"))
    parser.add_argument("--brisk", action="store_true")  # for tests: alerts come and go within seconds
    parser.add_argument("--only-check-arguments", action="store_true")  # deploy/demo asks this before it builds
    parser.usage = "deploy/demo [break SERVICE [LOCATION] | mend] [--for 60s] [--prometheus] [--loopback] [--checks DIR] [--help]"
    options = parser.parse_args()
    options.build_dir = os.path.abspath(options.build_dir)
    if options.duration:
        try:
            options.duration = definitions.seconds(options.duration)
        except AttributeError:
            parser.error(f'--for wants a duration like 60s or 5m, not "{options.duration}"')
    words = len(options.command)
    if words and (options.command[0] not in ("break", "mend") or words > {"break": 3, "mend": 1}[options.command[0]]):
        parser.error(f"\"{' '.join(options.command)}\" is not understood")
    if options.command == ["break"]:
        parser.error("break needs a service, like crm-api, and may have a location: deploy/demo break crm-api eu-1b")
    if not os.path.isdir(options.checks):
        parser.error(f"--checks {options.checks} is no directory")
    return options


class Demo:
    """One run. Holds what the steps below make for each other."""

    def __init__(self, options, zones):
        self.options = options
        self.zones = zones  # None on loopback
        self.run_dir = options.run_dir
        self.checks = f"{self.run_dir}/checks"
        self.certificates = f"{self.run_dir}/certificates"
        self.programs = Programs(self.run_dir)
        self.locations = definitions.locations(self.checks)
        self.hosts = definitions.hosts(self.checks)
        self.servers = self.place_servers()
        self.controller_address = zones.middle if zones else "127.0.0.1"
        self.web = self.alerting = None

    def place_servers(self):
        """Where each API answers: ports are free to choose in a zone, and must be free ones on loopback."""
        servers = {}
        for number, (service, host) in enumerate(self.hosts.items()):
            address = self.zones.servers[service] if self.zones else f"127.0.0.{11 + number}"
            http, tls = (80, 443) if self.zones else (free_port(address), free_port(address))
            servers[service] = {"name": host, "address": address, "http_port": http, "tls_port": tls,
                                "certificate": f"{self.certificates}/{service}"}
        return servers

    def set_up(self):
        began = time.monotonic()
        for what, how in [("certificates", self.make_certificates), ("zones", self.make_zones), ("shop", self.start_shop),
                          ("controller", self.start_controller), ("probes", self.start_probes),
                          ("monitoring", self.start_monitoring)]:
            step_began = time.monotonic()
            done = how()
            if done:
                say(f"demo: {what}: {done} ({time.monotonic() - step_began:.1f} s)")
        say(f"demo: set up in {time.monotonic() - began:.1f} s")

    def make_certificates(self):
        fleet.make_certificates(self.certificates, f"controller=controller.example,{self.controller_address}",
                                *(f"probe={at}/probe-{at}" for at in self.locations),
                                *(f"server={api}:{s['name']},{s['address']}" for api, s in self.servers.items()))
        return f"an authority, the controller's, {len(self.locations)} probes', {len(self.servers)} servers'"

    def make_zones(self):
        if not self.zones:
            definitions.put_addresses_in(self.checks, {s["name"]: s for s in self.servers.values()})
            return None
        network.accept_host(self.zones)
        network.build(self.zones)
        names = {s["name"]: s["address"] for s in self.servers.values()}
        network.write_hosts(f"{self.run_dir}/hosts", {**names, "controller.example": self.controller_address})
        isolation.mount(f"{self.run_dir}/hosts", "/etc/hosts", None, isolation.MS_BIND)
        return f"{', '.join(self.locations)} and the shop, each a network namespace, joined by a router"

    def start(self, name, command, zone=None, **options):
        # On loopback no namespace ends the programs should we be killed: then the kernel does it one by one.
        if not self.zones:
            options["preexec_fn"] = lambda: isolation.call("prctl", isolation.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        self.programs.start(name, command, zone if self.zones else None, **options)

    def start_shop(self):
        self.start("nginx", shop.write_nginx(f"{self.run_dir}/nginx", self.servers, one_process=not self.zones), "shop")
        for server in self.servers.values():
            self.programs.wait_for(f"nginx at {server['address']}", lambda: answers(server["address"], server["tls_port"]))
        return f"nginx answers for {len(self.servers)} services over HTTP and TLS"

    def start_controller(self):
        fleet_port, web_port = (7443, 9877) if self.zones else (free_port("127.0.0.1"), free_port("127.0.0.1"))
        self.web = f"http://{self.controller_address}:{web_port}"
        self.fleet_at = f"{'controller.example' if self.zones else '127.0.0.1'}:{fleet_port}"
        settings = fleet.write_settings(f"{self.run_dir}/controller/controller.toml", fleet.CONTROLLER, checks=self.checks,
                                        certificates=self.certificates, fleet=f"{self.controller_address}:{fleet_port}",
                                        web=f"{self.controller_address}:{web_port}")
        self.start("controller", [f"{self.options.build_dir}/parallax-controller", "serve", "--config", settings])
        self.programs.wait_for("the controller to be ready", lambda: fleet.get(f"{self.web}/-/ready")[0] == 200)
        return f"ready at {self.web}/"

    def start_probes(self):
        trust = {**os.environ, "SSL_CERT_FILE": f"{self.certificates}/ca.crt"}  # the shop's certificates are signed by it
        allow = json.dumps([self.zones.network if self.zones else "127.0.0.0/8"])
        for at in self.locations:
            settings = fleet.write_settings(f"{self.run_dir}/probe-{at}/probe.toml", fleet.PROBE, controller=self.fleet_at,
                                            certificates=self.certificates, certificate=f"probe-probe-{at}", allow=allow)
            fleet.write_secret(settings, "api-users-key", shop.KEY)
            self.start(f"probe-{at}", [f"{self.options.build_dir}/parallax-probe", "serve", "--config", settings], at, env=trust)
        self.programs.wait_for("all probes to connect", self.all_connected)
        return f"{len(self.locations)} connected"

    def all_connected(self):
        state = fleet.state_of(self.web)
        return state and {p["location"] for p in state["probes"] if p["connected"]} >= set(self.locations)

    def start_monitoring(self):
        """Prometheus and Alertmanager with the files of deploy/, and somebody to be told."""
        if not self.options.prometheus:
            return None
        at = self.controller_address
        prometheus, alertmanager, told = (f"{at}:{port}" for port in ((9090, 9093, 9094) if self.zones else (free_port(at) for _ in range(3))))
        brisk = [dict.fromkeys(keys, "2s") if self.options.brisk else None for keys in
                 (("scrape_interval", "evaluation_interval"), ("for", "keep_firing_for"), ("group_wait", "group_interval"))]
        self.start("prometheus", monitoring.write_prometheus(
            f"{self.run_dir}/prometheus", prometheus, controllers=[self.web.removeprefix("http://")], alertmanagers=[alertmanager],
            objectives=self.rules_of_objectives(), lines=brisk[0], rule_lines=brisk[1]))
        self.start("alertmanager", monitoring.write_alertmanager(f"{self.run_dir}/alertmanager", alertmanager, told, lines=brisk[2]))
        receiver = Receiver(at, int(told.rsplit(":", 1)[1]), self.note_who_was_told)
        for name, address in (("Prometheus", prometheus), ("Alertmanager", alertmanager)):
            self.programs.wait_for(name, lambda: monitoring.is_ready(address))
        self.alerting = alerts.Alerting(f"http://{prometheus}", f"http://{alertmanager}", receiver)
        note(self.options, prometheus=self.alerting.prometheus, alertmanager=self.alerting.alertmanager)
        return f"Prometheus at {self.alerting.prometheus}/, Alertmanager at {self.alerting.alertmanager}/"

    def rules_of_objectives(self):
        """None for checks/ of this repository: theirs lie ready in deploy/prometheus/rules."""
        if os.path.realpath(self.options.checks) == str(ROOT / "checks"):
            return None
        done = subprocess.run([f"{self.options.build_dir}/parallax-controller", "rules", self.checks], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"no rules for the objectives of {self.options.checks}: {done.stderr.strip()}")
        return done.stdout

    def note_who_was_told(self, notification):
        """Called in a thread of the receiver."""
        words = alerts.words(notification)
        if words:
            with open(self.programs.log_path("notifications"), "a", encoding="utf-8") as file:
                file.write(words)

    def tell_addresses(self):
        say(f"\n  open       {self.web}/          (metrics at {self.web}/metrics)")
        if self.alerting:
            say(f"             {self.alerting.prometheus}/classic/alerts    (Prometheus: what is pending, what fires)")
            say(f"  or type    amtool --alertmanager.url={self.alerting.alertmanager} alert query    (who is told; --inhibited: what is held back)")
            open(self.programs.log_path("notifications"), "a", encoding="utf-8").close()  # there to be looked at before anybody was told
            say(f"  told       {self.programs.log_path('notifications')}    (who was told what)")
        say(f"  logs       {self.run_dir}/logs")
        example = next((check for check in definitions.checks(self.checks) if check["id"] == "crm-api/health"), None)
        example = example or next(definitions.checks(self.checks))
        if self.zones:
            at = self.locations[min(1, len(self.locations) - 1)]
            say(f"  try        deploy/demo break {example['service']} {at}     and then     deploy/demo mend")
            say(f"             deploy/demo break {example['service']}           from everywhere" + (": somebody is paged" if self.alerting else ""))
        controller = os.path.relpath(f"{self.options.build_dir}/parallax-controller")
        say(f"  ask why    {controller} explain {example['id']} --config {self.run_dir}/controller/controller.toml")
        say("  end        Ctrl-C; nothing is left behind\n")

    def watch(self):
        """Shows the table until the time is over; the checks that never reported, as (check, location)."""
        missing = definitions.expected(self.checks)
        end = time.monotonic() + self.options.duration if self.options.duration else None
        table = Table()
        while not end or time.monotonic() < end:
            self.programs.check()
            state = fleet.state_of(self.web)
            if state:
                missing -= {where for where, at in fleet.cells(state).items() if at["last_run"] and at["state"] != "no_data"}
                table.show(state, f"{self.web}/   {len(missing)} still to report" if missing else f"{self.web}/",
                           self.alerting.current() if self.alerting else None)
            time.sleep(1)
        return missing


def make(folder):
    os.makedirs(folder, exist_ok=True)
    return folder


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def answers(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def run(options, zones):
    """Everything between the namespaces being there and being gone; returns the exit status."""
    stopping = []

    def on_signal(number, frame):
        if not stopping:
            stopping.append(number)
            raise Stop

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    demo = Demo(options, zones)
    try:
        demo.set_up()
        demo.tell_addresses()
        missing = demo.watch()
        for check, location in sorted(missing):
            print(f"demo: {check} never reported from {location}")
        print(f"demo: {'FAILED: ' + str(len(missing)) + ' checks did not report' if missing else 'every check reported from every location'}")
        return 1 if missing else 0
    except Stop:
        say("demo: stopping; nothing is left behind")
        return 130 if options.duration else 0
    except (Died, RuntimeError) as trouble:
        say(f"demo: {trouble}")
        return 1
    finally:
        stopping.append(True)
        demo.programs.stop_all()


def take_run_dir(options):
    """Makes the run directory ours; what a killed demo left there goes. Returns the lock, held while we live."""
    try:
        make(options.run_dir)
        if os.listdir(options.run_dir) and not os.path.exists(f"{options.run_dir}/lock"):
            sys.exit(f"demo: {options.run_dir} holds files that are not a demo's; give --run-dir an empty or new directory")
    except OSError as error:
        sys.exit(f"demo: cannot use {options.run_dir}: {error.strerror}; give --run-dir another directory")
    lock = open(f"{options.run_dir}/lock", "w", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"a demo is running already ({options.run_dir}); deploy/demo break and mend act on it, Ctrl-C in its terminal ends it")
    for name in os.listdir(options.run_dir):
        path = os.path.join(options.run_dir, name)
        if name != "lock":
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    return lock


def start(options):
    for program in ("parallax-controller", "parallax-probe"):
        if not os.access(f"{options.build_dir}/{program}", os.X_OK):
            sys.exit(f"demo: there is no {options.build_dir}/{program}; build it with deploy/build, or give another --build-dir")
    lock = take_run_dir(options)
    try:
        definitions.copy(options.checks, f"{options.run_dir}/checks")
        why_not = "--loopback was given" if options.loopback else isolation.why_not_possible()
        if why_not:
            say(f"demo: no zones ({why_not}): everything runs on loopback addresses, where no path can be cut")
            note_for_break(options, os.getpid(), None)
            return run(options, None)
        checks = f"{options.run_dir}/checks"
        zones = network.Zones(network.free_network(), definitions.locations(checks), list(definitions.hosts(checks)))

        def beside(pid):
            network.link_to_host(zones, pid)
            note_for_break(options, pid, zones)

        try:
            return isolation.run_isolated(lambda: run(options, zones), beside)
        finally:
            network.unlink_from_host(zones)
    finally:
        shutil.rmtree(options.run_dir, ignore_errors=True)
        lock.close()


def note(options, **more):
    """Adds to what deploy/demo break and mend must know of us."""
    path = f"{options.run_dir}/demo.json"
    known = json.loads(Path(path).read_text()) if os.path.exists(path) else {}
    Path(path + ".new").write_text(json.dumps(known | more))
    os.replace(path + ".new", path)


def note_for_break(options, pid, zones):
    note(options, middle=pid, mode="zones" if zones else "loopback")
    if zones:
        note(options, zones={zone: zones.address(zone) for zone in zones.zones}, servers=zones.servers)


def main():
    options = arguments()
    if options.only_check_arguments:
        return 0
    match options.command:
        case []:
            return start(options)
        case ["break", service]:
            return breakage.break_path(options.run_dir, service)
        case ["break", service, location]:
            return breakage.break_path(options.run_dir, service, location)
        case ["mend"]:
            return breakage.mend_paths(options.run_dir)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # `deploy/demo break ... | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
