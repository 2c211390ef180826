"""Starts real programs, keeps their logs, and tells what happened when one dies."""

import os
import signal
import subprocess
import time

from zones import in_zone


class Died(Exception):
    """A program ended that should have gone on; the text says how, with the end of its log."""


class Programs:
    def __init__(self, run_dir):
        self.logs = os.path.join(run_dir, "logs")
        os.makedirs(self.logs, exist_ok=True)
        self.running = {}

    def log_path(self, name):
        return os.path.join(self.logs, f"{name}.log")

    def log_text(self, name):
        with open(self.log_path(name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self, name, command, zone=None, **options):
        """Starts a command in a zone (None: here), its output appended to its log. A session of its own keeps a
        Ctrl-C on our terminal from reaching it before we stop it in order."""
        with open(self.log_path(name), "ab") as log:
            process = subprocess.Popen(in_zone(zone, command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True, **options)
        self.running[name] = process
        return process

    def send(self, name, number):
        self.running[name].send_signal(number)

    def stop(self, name, number=signal.SIGTERM, within=60):
        """Ends a program and returns its exit status (negative: the signal it died of)."""
        process = self.running.pop(name)
        process.send_signal(number)
        try:
            return process.wait(within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Died(f"{name} did not end within {within} s of {signal.Signals(number).name}:\n{self.tail(name)}")

    def stop_all(self, within=5):
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + within
        for process in self.running.values():
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        self.running.clear()

    def check(self):
        """Raises Died when one of them is not running any more."""
        for name, process in self.running.items():
            status = process.poll()
            if status is not None:
                how = f"exit status {status}" if status >= 0 else f"signal {signal.Signals(-status).name}"
                raise Died(f"{name} ended with {how}; the end of its log:\n{self.tail(name)}")

    def tail(self, name, lines=12):
        return "".join(f"    {line}\n" for line in self.log_text(name).splitlines()[-lines:])

    def wait_for(self, what, condition, within=90.0):
        """Polls until condition() is true and returns its value; fails when a program dies or time is over."""
        deadline = time.monotonic() + within
        while True:
            value = condition()
            if value:
                return value
            self.check()
            if time.monotonic() > deadline:
                ends = "".join(f"  the end of {name}'s log:\n{self.tail(name, 4)}" for name in self.running)
                raise Died(f"waited {within:g} s for {what}, which did not come\n{ends}")
            time.sleep(0.05)
