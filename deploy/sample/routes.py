"""Whom Alertmanager tells of an alert, and how long it waits first for what belongs to the same notification."""

import re
import subprocess
from functools import lru_cache

# A route as Alertmanager writes its configuration back: keys in lines of one indentation, the first after "- ".
ROUTE = re.compile(r"( *)- (?:receiver|group_by|matchers|match|match_re|mute_time_intervals|active_time_intervals|routes|continue):")
KEY = re.compile(r"( *)(?:- )?(receiver|group_wait): *(\S+)")


@lru_cache(maxsize=1000)
def receivers_of(alertmanager, labels):
    """The receivers' names of an alert with these labels (a tuple of pairs); none while nobody can say."""
    words = [f"{name}={value}" for name, value in labels]
    done = subprocess.run(["amtool", f"--alertmanager.url={alertmanager}", "config", "routes", "test", *words], capture_output=True, text=True)
    return done.stdout.strip().split(",") if done.returncode == 0 and done.stdout.strip() else []


def group_waits(configuration):
    """{receiver: seconds before its first notification}; a route without a time of its own has its parent's."""
    nodes = [{"indent": 2, "parent": None}]  # the top route
    for line in configuration.split("\nroute:\n")[1].splitlines():
        if not line.startswith(" "):
            break
        route = ROUTE.match(line)
        if route:
            indent = len(route[1]) + 2
            parent = next(node for node in reversed(nodes) if node["indent"] < indent)
            nodes.append({"indent": indent, "parent": parent})
        key = KEY.match(line)
        if key:
            indent = len(line) - len(line.lstrip(" -"))
            node = next((node for node in reversed(nodes) if node["indent"] == indent), None)
            if node:
                node[key[2]] = key[3]
    return {node["receiver"]: wait_of(node) for node in nodes if "receiver" in node}


def wait_of(node):
    while node:
        if "group_wait" in node:
            return seconds(node["group_wait"])
        node = node["parent"]
    return 30  # Alertmanager's default


def seconds(text):
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|h|m|s)", text))
