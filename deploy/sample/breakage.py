"""deploy/demo break SERVICE [LOCATION] and deploy/demo mend: one path cut in a running demo, and joined again."""

import difflib
import json
import os
import subprocess
import sys

import definitions
from alerts import Alerting
from zones import cut, mend

SCRAPE_AND_EVALUATION = 15 + 15  # seconds; the intervals of deploy/prometheus/prometheus.yml


def running_demo(run_dir):
    try:
        with open(os.path.join(run_dir, "demo.json"), encoding="utf-8") as file:
            demo = json.load(file)
        os.kill(demo["middle"], 0)
        return demo
    except (OSError, ValueError, KeyError):
        sys.exit("no demo is running here; start one with deploy/demo in another terminal")


def must_be_one_of(word, known, what):
    if word not in known:
        near = difflib.get_close_matches(word, known, 1)
        sys.exit(f'deploy/demo: there is no {what} "{word}"' + (f'; did you mean "{near[0]}"?' if near else ".") + f" Known are: {', '.join(known)}")


def firewall(demo, rules):
    done = subprocess.run(["nsenter", f"--net=/proc/{demo['middle']}/ns/net", "nft", "-f", "-"], input=rules, text=True,
                          capture_output=True)
    if done.returncode:
        sys.exit(f"the rule could not be set: {done.stderr.strip()}")


def break_path(run_dir, service, location=None):
    demo = running_demo(run_dir)
    if demo["mode"] != "zones":
        sys.exit("this demo runs on loopback addresses, where there is no path to cut; start it as root to have real zones")
    must_be_one_of(service, list(demo["servers"]), "service")
    if location:
        must_be_one_of(location, list(demo["zones"]), "location")
    where = [location] if location else list(demo["zones"])
    cuts_path = os.path.join(run_dir, "cuts.json")
    cuts = [tuple(pair) for pair in json.load(open(cuts_path))] if os.path.exists(cuts_path) else []
    cuts += [(demo["zones"][at], demo["servers"][service]) for at in where]
    firewall(demo, cut(sorted(set(cuts))))
    with open(cuts_path, "w", encoding="utf-8") as file:
        json.dump(cuts, file)

    print(f"Packets from {location or 'every zone'} to {service} ({demo['servers'][service]}) now vanish. What you will see there:")
    for check in definitions.checks(os.path.join(run_dir, "checks")):
        if check["service"] == service:
            print(f"  {check['id']:<24} {check['type']:<5} down within {check['every'] + check['timeout'] + 1:.0f} s")
    if "prometheus" in demo:
        tell_of_alert(demo, run_dir, service, location)
    if location:
        print(f"Every other location keeps seeing {service} up, and so does the verdict: the fault is on {location}'s path.")
    print("Put it right with: deploy/demo mend")


def tell_of_alert(demo, run_dir, service, location):
    """Which alert this becomes, when, and whom it reaches, as the rules and routes in force have it."""
    alerting = Alerting(demo["prometheus"], demo["alertmanager"])
    name = "CheckDownAtLocation" if location else "ServiceDown"
    rule = next((rule for rule in alerting.rules() if rule["name"] == name), None)
    if not rule:
        return
    labels = {"alertname": name, "service": service, **rule["labels"], **({"location": location, "zone": location} if location else {})}
    receivers, wait = alerting.wait(labels)
    seen = min(check["every"] + check["timeout"] for check in definitions.checks(os.path.join(run_dir, "checks")) if check["service"] == service)
    print(f"The alert {name} fires within {about(seen + SCRAPE_AND_EVALUATION + rule['duration'])};"
          f" {' and '.join(receivers) or 'nobody'} will be told {wait:.0f} s after that. See it below the demo's table, and at")
    print(f"  {demo['prometheus']}/classic/alerts")


def tell_of_end(demo, slowest):
    rules = Alerting(demo["prometheus"], demo["alertmanager"]).rules()
    longest = max((rule["keepFiringFor"] for rule in rules if rule["state"] == "firing"), default=0)
    if longest:
        print(f"Alerts that fire end in {about(slowest + SCRAPE_AND_EVALUATION + longest)}: they wait, so that what comes and goes is one alert.")


def about(seconds):
    minutes = round(seconds / 60)
    return f"about {minutes} minutes" if minutes > 1 else "about a minute"


def mend_paths(run_dir):
    demo = running_demo(run_dir)
    if demo["mode"] == "zones":
        firewall(demo, mend())
    if os.path.exists(os.path.join(run_dir, "cuts.json")):
        os.remove(os.path.join(run_dir, "cuts.json"))
    slowest = max(check["every"] for check in definitions.checks(os.path.join(run_dir, "checks")))
    print(f"All packets pass again; a run that starts from now on is up again, the last one within {slowest + 1:.0f} s.")
    if "prometheus" in demo:
        tell_of_end(demo, slowest)
