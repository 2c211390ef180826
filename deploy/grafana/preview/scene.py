#!/usr/bin/python3
"""Twelve minutes in the life of a fleet, then a picture of each dashboard; preview/run starts this."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
DEMO = ROOT / "deploy" / "demo"
# Milliseconds that the way to a server takes: the demo's own way is too short to see.
FAR = {"shop-api": 4, "crm-api": 12, "mes-api": 22, "customer-site": 30, "internal-shop": 1}


class Scene:
    def __init__(self, folder, build_dir):
        self.run_dir = f"{folder}/demo"
        self.log = Path(folder) / "demo.log"
        self.slow = None
        with open(self.log, "wb") as log:
            self.demo = subprocess.Popen([DEMO, "--prometheus", "--build-dir", build_dir, "--run-dir", self.run_dir],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def begin(self):
        self.prometheus = self.wait_for(r"Prometheus at (http://[0-9.:]+)")
        with open(f"{self.run_dir}/demo.json", encoding="utf-8") as file:
            self.note = json.load(file)
        if self.note["mode"] != "zones":
            sys.exit("scene: this demo has no zones, so nothing can be broken in it: run this as root")
        self.slow = subprocess.Popen(["nsenter", f"--net=/proc/{self.note['middle']}/ns/net", sys.executable, HERE / "slow_path.py",
                                      *(f"{self.note['servers'][name]}={ms}" for name, ms in FAR.items())])

    def wait_for(self, pattern, within=60):
        deadline = time.monotonic() + within
        while time.monotonic() < deadline and self.demo.poll() is None:
            found = re.search(pattern, self.log.read_text(errors="replace"))
            if found:
                return found[1]
            time.sleep(0.2)
        sys.exit(f"scene: the demo did not say {pattern}:\n{self.log.read_text(errors='replace')}")

    def demo_do(self, *words):
        subprocess.run([DEMO, *words, "--run-dir", self.run_dir], check=True, stdout=subprocess.DEVNULL)

    def probe(self, location, number):
        """Sends a signal to the probe of a location."""
        settings = f"{self.run_dir}/probe-{location}/probe.toml".encode()
        for process in Path("/proc").glob("[0-9]*"):
            words = read(process / "cmdline").split(b"\0")
            if settings in words and words[0].endswith(b"parallax-probe"):
                os.kill(int(process.name), number)

    def hide_key(self, location, hidden):
        """A key that a check needs: without it that probe cannot measure, which is not the service's fault."""
        key = Path(self.run_dir) / f"probe-{location}" / "secrets" / "api-users-key"
        away = key.with_suffix(".away")
        (key.rename(away) if hidden else away.rename(key))

    def end(self):
        if self.slow:
            self.slow.terminate()
            self.slow.wait()
        self.demo.send_signal(signal.SIGTERM)
        self.demo.wait(30)


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended meanwhile


# What happens when, in seconds from the start.
PLAN = [
    (150, "crm-api cannot be reached from eu-1b", lambda s: s.demo_do("break", "crm-api", "eu-1b")),
    (255, "whole again", lambda s: s.demo_do("mend")),
    (285, "the probe of eu-1a has lost the key for api-users", lambda s: s.hide_key("eu-1a", True)),
    (330, "the way to five servers is slow", lambda s: s.slow.send_signal(signal.SIGUSR1)),
    (375, "the key is back", lambda s: s.hide_key("eu-1a", False)),
    (405, "fast again", lambda s: s.slow.send_signal(signal.SIGUSR1)),
    (435, "customer-site cannot be reached from anywhere", lambda s: s.demo_do("break", "customer-site")),
    (525, "whole again", lambda s: s.demo_do("mend")),
    (555, "the probe of eu-1c hangs", lambda s: s.probe("eu-1c", signal.SIGSTOP)),
    (640, "and goes on", lambda s: s.probe("eu-1c", signal.SIGCONT)),
    (720, "that is all", lambda s: None),
]


def stop(*_):
    sys.exit("scene: stopped")


def main():
    signal.signal(signal.SIGTERM, stop)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", default=str(ROOT / "build" / "release"))
    parser.add_argument("--pictures", default=str(ROOT / "docs" / "pictures"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parallax-scene-") as folder:
        scene = Scene(folder, options.build_dir)
        try:
            scene.begin()
            began = time.monotonic()
            for when, what, act in PLAN:
                time.sleep(max(0, began + when - time.monotonic()))
                print(f"scene: {when // 60}:{when % 60:02}  {what}", file=sys.stderr)
                act(scene)
            # The service of each method to which most happened.
            subprocess.run([HERE / "draw.py", scene.prometheus, options.pictures, "--window", "720s",
                            "--choose", "parallax-service-golden-signals.service=crm-api",
                            "--choose", "parallax-service-red.service=customer-site"], check=True)
        finally:
            scene.end()


if __name__ == "__main__":
    main()
