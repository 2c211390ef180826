"""What Prometheus and Alertmanager say of the alerts now: since when, how long until somebody is told, and who it is.

An alert is pending while its condition has not held long enough, then firing; Alertmanager waits some moments for what
belongs to the same notification, then tells its receiver, unless another alert explains this one.
"""

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime

import routes
from fleet import get

COLOURS = {"critical": "1;31", "warning": "33"}
URGENT_FIRST = ["critical", "warning"]


@dataclass
class Alert:
    labels: dict
    state: str     # pending, firing
    since: float   # when it became so, seconds since 1970
    outlook: str   # what comes next
    countdown: bool = False  # the outlook has seconds in it, which pass

    @property
    def name(self):
        """"CheckDownAtLocation crm-api/health at eu-1b"; labels may lack each part."""
        subject = "/".join(self.labels[name] for name in ("service", "check") if self.labels.get(name))
        place = self.labels.get("location") or self.labels.get("zone")
        return " ".join(filter(None, [self.labels["alertname"], subject, self.labels.get("probe"), f"at {place}" if place else ""]))

    @property
    def severity(self):
        return self.labels.get("severity", "")

    @property
    def colour(self):
        return COLOURS.get(self.severity, "") if self.state == "firing" else ""

    def urgency(self):
        order = URGENT_FIRST.index(self.severity) if self.severity in URGENT_FIRST else len(URGENT_FIRST)
        return self.state != "firing", order, self.name


class Alerting:
    """Asks a Prometheus and an Alertmanager, "http://address:port" each, and looks into what a Receiver (receiver.py) was
    told, where there is one."""

    def __init__(self, prometheus, alertmanager, receiver=None):
        self.prometheus, self.alertmanager, self.receiver = prometheus, alertmanager, receiver

    def current(self, now=None):
        """Alerts pending or firing, the most urgent first; none while Prometheus does not answer. Without the dead-man
        switch, which always fires."""
        now = time.time() if now is None else now
        self.notices = answer(f"{self.alertmanager}/api/v2/alerts") or []
        self.told = {alert["fingerprint"]: clock(told.at) for told in (self.receiver.notifications if self.receiver else [])
                     for alert in told.alerts if alert["status"] == "firing"}
        alerts = [self.read(rule, alert, now) for rule in self.rules() for alert in rule["alerts"] if rule["name"] != "Watchdog"]
        return sorted(alerts, key=Alert.urgency)

    def rules(self):
        found = answer(f"{self.prometheus}/api/v1/rules?type=alert")
        return [rule for group in found["data"]["groups"] for rule in group["rules"]] if found else []

    def wait(self, labels):
        """(receivers, seconds that Alertmanager waits before it tells them first)."""
        receivers = routes.receivers_of(self.alertmanager, tuple(sorted(labels.items())))
        status = answer(f"{self.alertmanager}/api/v2/status")
        waits = routes.group_waits(status["config"]["original"]) if status else {}
        return receivers, min((waits[receiver] for receiver in receivers if receiver in waits), default=0)

    def read(self, rule, alert, now):
        labels = {"alertname": rule["name"], **{name: value for name, value in alert["labels"].items() if value}}
        receivers, wait = self.wait(labels)
        who = " and ".join(receivers) or "nobody"
        since, silent = moment(alert["activeAt"]), labels.get("severity") not in URGENT_FIRST
        if alert["state"] != "firing":
            remaining = max(0, since + rule["duration"] - now)
            outlook = f"fires in {remaining:.0f} s" if silent else f"{who} told within {remaining + wait:.0f} s"
            return Alert(labels, "pending", since, outlook + " unless it clears or is held back", True)
        since += rule["duration"]
        return Alert(labels, "firing", since, *self.after_firing(rule, alert, labels, who, silent, since + wait - now, now))

    def after_firing(self, rule, alert, labels, who, silent, seconds, now):
        """(outlook, whether seconds are counted down in it)."""
        if "keepFiringSince" in alert:
            over = moment(alert["keepFiringSince"])
            return f"its cause is gone, ends in {max(0, over + rule['keepFiringFor'] - now):.0f} s unless it comes back", True
        if silent:
            return "nobody told: for dashboards only", False
        notice = next((notice for notice in self.notices if labels.items() <= notice["labels"].items()), None)
        if notice and notice["status"]["inhibitedBy"]:
            by = {Alert(other["labels"], "", 0, "").name for other in self.notices if other["fingerprint"] in notice["status"]["inhibitedBy"]}
            return f"held back by {' and '.join(sorted(by))}", False
        if notice and notice["status"]["silencedBy"]:
            return "silenced", False
        if notice and notice["fingerprint"] in self.told:
            return f"{who} told at {self.told[notice['fingerprint']]}", False
        return f"{who} told within {max(0, seconds):.0f} s", True


def lines(alerts):
    """(text, colour) of each alert; those of one name, service and state share a line."""
    groups = {}
    for alert in alerts:
        held = alert.outlook.startswith("held back")
        groups.setdefault((alert.labels["alertname"], alert.labels.get("service"), alert.state, held), []).append(alert)
    told = []
    for (name, service, state, _), group in groups.items():
        first = min(group, key=lambda alert: alert.since)
        what = first.name if len(group) == 1 else f"{name} {service or ''} ({len(group)} of them)"
        since = time.strftime("%H:%M:%S", time.localtime(first.since))
        told.append((f"{what}: {state} since {since}, {first.outlook}", first.colour))
    return told or [("No alert is pending or firing.", "2")]


def clock(moment_of_monotonic):
    """A reading of time.monotonic() as people read a clock."""
    return time.strftime("%H:%M:%S", time.localtime(time.time() - time.monotonic() + moment_of_monotonic))


def words(told):
    """A Notification as it would reach people; nothing for a sign of life, which no person sees."""
    if told.text:
        return f"{clock(told.at)} in the chat {told.path.strip('/')}:\n" + "".join(f"    {line}\n" for line in told.text.splitlines() if line.strip())
    alerts = [alert for alert in told.alerts if alert["labels"]["alertname"] != "Watchdog"]
    head = f"{clock(told.at)} {told.body['receiver']} told (POST {told.path}):\n"
    return alerts and head + "".join(f"    {alert['status']} {alert['labels']['alertname']} ({alert['labels'].get('severity')}): "
                                     f"{alert['annotations'].get('summary', '')}\n" for alert in alerts)


def answer(url):
    status, _, text = get(url, timeout=2)
    return json.loads(text) if status == 200 else None


def moment(text):
    """RFC 3339 with nanoseconds as seconds since 1970."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text)).timestamp()
