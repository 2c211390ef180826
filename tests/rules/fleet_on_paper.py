"""What a controller would have shown, written as input series for `promtool test rules`.

A scene says what happened: for each check and location, what its runs found and how long, and what cut it off. From
that follows what /metrics shows, by the same rules as the controller's (docs of metrics; controller/exposition*.cpp):
a result is fresh for 2 x every + timeout + 5 s, what is not fresh is no_data, gauges of a run that could not measure
are absent, verdicts need a majority of the expected locations, counters are there at 0 from the start, late results
count apart when they arrive, a controller that restarts begins at 0 and knows no state, and a failed scrape ends every
series at once.

Scripts are lists like ["up 10m", "down 5m", "unknown 15s", "up"]; the last part lasts to the end. Words:
    up, degraded, down, unknown   runs are made and reported
    cut                           the probe measures (up, or what "cut:down" says) and cannot report: late results
    dead                          nobody measures there
    removed                       the check is not defined (there)
"""

import re

TITLES = {"http": "answers", "tls": "Certificate", "ping": "The host"}
STATES = ("up", "degraded", "down", "unknown")


def seconds(text):
    parts = re.findall(r"(\d+)([smhd])", text)
    return sum(int(n) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for n, unit in parts)


def series_name(metric, labels):
    return metric + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}"


def notation(values):
    """promtool's words for the samples; a series that ends leaves a stale marker, as a scrape does."""
    words, before = [], None
    for value in values:
        words.append("stale" if value is None and before is not None else "_" if value is None else f"{value:.12g}")
        before = value
    return " ".join(words)


class Script:
    """What happens over time: [(from, to, word)]."""

    def __init__(self, parts, end):
        self.parts, at = [], 0
        for number, part in enumerate(parts):
            word, _, long = part.partition(" ")
            until = at + seconds(long) if long else end + 1
            self.parts.append((at, until, word))
            at = until
        if at <= end:
            raise ValueError(f"a script must last to the end: {parts}")

    def at(self, moment):
        return next(word for start, until, word in self.parts if start <= moment < until)


class Check:
    def __init__(self, name, where, kind="http", every="15s", timeout=5, counts=True, up_when="majority", **facts):
        """where: {location: script}. facts: gauges of its runs that could measure, as metric or metric__label__value:
        a number, or a function of time and location (None: absent). probe_duration_seconds may be one of them."""
        self.service, self.name = name.split("/")
        self.kind, self.interval, self.every, self.timeout = kind, every, seconds(every), timeout
        self.counts, self.up_when, self.facts = counts, up_when, facts
        self.where = where
        host = f"{self.service}.example"
        self.target = {"http": f"https://{host}/health", "tls": f"{host}:443", "ping": host}[kind]


class Place:
    """A check at one location, from scrape to scrape."""

    def __init__(self, check, location, script):
        self.check, self.location, self.script = check, location, script
        self.forget()

    def forget(self):
        self.runs = {(s, a): 0 for s in STATES for a in ("fresh", "late")}
        self.reasons, self.newest, self.waiting, self.success = {}, None, [], [0, 0]

    def step(self, now, up_to_now, controller_up):
        word = self.script.at(now)
        due = [t for t in range(now, up_to_now, 1) if t % self.check.every == 0]
        what = word.split(":")[1] if ":" in word else "up" if word == "cut" else word
        for slot in due:
            if word in ("dead", "removed"):
                continue
            if word.startswith("cut") or not controller_up:
                self.waiting.append((slot, what if word.startswith("cut") else word))
            else:
                self.take(slot, what, "fresh")
        if controller_up and not word.startswith("cut") and word not in ("dead", "removed"):
            for slot, state in self.waiting:
                self.take(slot, state, "fresh" if now < slot + self.lifetime() else "late")
            self.waiting = []
        if word == "removed":
            self.forget()

    def lifetime(self):
        return 2 * self.check.every + self.check.timeout + 5

    def take(self, slot, state, arrival):
        self.runs[state, arrival] += 1
        if state == "down":
            self.reasons["connect_timeout"] = self.reasons.get("connect_timeout", 0) + 1
        if state == "unknown":
            self.reasons["probe_isolated"] = self.reasons.get("probe_isolated", 0) + 1
        if arrival == "fresh" and state != "unknown":
            self.success[0] += state != "down"
            self.success[1] += 1
        if self.newest is None or slot > self.newest[0]:
            self.newest = (slot, state)

    def state(self, now):
        if self.newest is None or now >= self.newest[0] + self.lifetime():
            return "no_data"
        return self.newest[1]


class Scene:
    def __init__(self, lasts, step="15s", checks=(), probes=None, controller=("up",), approach=None, definitions=("good",)):
        """probes: {location: {gauge: number or function of time}}, connected too (None: no probe has ever been there);
        controller: a script of up and gone; definitions: of good and bad; approach: {service: method}."""
        self.end, self.step = seconds(lasts), seconds(step)
        self.moments = range(0, self.end + 1, self.step)
        self.series, self.last_seen = {}, {}
        self.approach = approach or {}
        self.controller = Script(list(controller), self.end)
        self.definitions = Script(list(definitions), self.end)
        self.places = [Place(c, at, Script(script, self.end)) for c in checks for at, script in c.where.items()]
        self.checks = list(checks)
        self.probe_figures = probes or {}
        self.tallies = {c.name: self.no_slots() for c in checks}
        self.slots_of = {id(c): self.no_slots() for c in checks}
        self.run()

    @staticmethod
    def no_slots():
        return {"up": 0, "down": 0, "unknown": 0}

    def show(self, index, metric, labels, value, **more):
        labels = {**labels, **more, "job": "parallax"}
        values = self.series.setdefault(series_name(metric, labels), [None] * len(self.moments))
        values[index] = value

    def run(self):
        was_up = True
        for index, now in enumerate(self.moments):
            up = self.controller.at(now) != "gone"
            self.show(index, "up", {"instance": "controller.example:9877"}, int(up))
            if was_up and not up:
                for place in self.places:
                    # What was acknowledged is not sent again: the controller forgets the newest state.
                    place.forget()
                self.slots_of = {key: self.no_slots() for key in self.slots_of}
            was_up = up
            for place in self.places:
                place.step(now, now + self.step, up)
            if up:
                self.show_all(index, now)

    def show_all(self, index, now):
        for check in self.checks:
            self.show_check(index, now, check)
        for service in dict.fromkeys(c.service for c in self.checks):
            self.show_service(index, now, service)
        self.show_fleet(index, now)
        controller = {"instance": "controller.example:9877"}
        self.show(index, "parallax_config_last_reload_successful", controller, int(self.definitions.at(now) == "good"))
        self.show(index, "parallax_config_last_reload_success_timestamp_seconds", controller, 0)

    def expected(self, check, now):
        return [p for p in self.places if p.check is check and p.script.at(now) != "removed"]

    def verdict(self, check, now):
        states = [p.state(now) for p in self.expected(check, now)]
        measured = [s for s in states if s not in ("unknown", "no_data")]
        ups = sum(s != "down" for s in measured)
        least = 1 if check.up_when == "any" else len(states) // 2 + 1
        if len(measured) < least:
            return None
        return ups >= (1 if check.up_when == "any" else len(measured) // 2 + 1)

    def show_check(self, index, now, check):
        places = self.expected(check, now)
        if not places:
            return
        for place in places:
            self.show_place(index, now, place)
        labels = {"service": check.service, "check": check.name, "instance": ""}
        up = self.verdict(check, now)
        if up is not None:
            self.show(index, "parallax_check_up", labels, int(up))
        slots = self.slots_of[id(check)]
        slots["unknown" if up is None else "up" if up else "down"] += sum(t % check.every == 0 for t in range(now, now + self.step))
        for result, count in slots.items():
            self.show(index, "parallax_slots_total", labels, count, result=result)
        self.show(index, "parallax_check_info", labels, 1, title=TITLES[check.kind], type=check.kind, target=check.target,
                  interval=check.interval, up_when=check.up_when, counts=str(check.counts).lower())

    def show_place(self, index, now, place):
        check = place.check
        labels = {"service": check.service, "check": check.name, "location": place.location, "zone": place.location, "instance": check.target}
        state = place.state(now)
        if state not in ("unknown", "no_data"):
            self.show(index, "probe_success", labels, int(state != "down"))
            self.show(index, "probe_timeout_seconds", labels, check.timeout)
            self.show(index, "probe_duration_seconds", labels, check.timeout if state == "down" else 0.02)
            for metric, fact in check.facts.items():
                value = fact(now, place.location) if callable(fact) else fact
                if value is not None:
                    name, *more = metric.split("__")
                    self.show(index, name, labels, value, **dict(zip(more[::2], more[1::2])))
        for each in (*STATES, "no_data"):
            self.show(index, "parallax_check_state", labels, int(each == state), state=each)
        self.show(index, "parallax_check_expected", labels, 1)
        if place.newest:
            self.show(index, "parallax_check_last_result_timestamp_seconds", labels, place.newest[0])
        for (outcome, arrival), count in place.runs.items():
            self.show(index, "parallax_runs_total", labels, count, outcome=outcome, arrival=arrival)
        for reason, count in place.reasons.items():
            self.show(index, "parallax_failures_total", labels, count, reason=reason)
        self.show(index, "probe_all_success_sum", labels, place.success[0])
        self.show(index, "probe_all_success_count", labels, place.success[1])

    def show_service(self, index, now, service):
        labels = {"service": service, "instance": ""}
        checks = [c for c in self.checks if c.service == service and self.expected(c, now)]
        if not checks:
            return
        verdicts = [self.verdict(c, now) for c in checks if c.counts]
        if False in verdicts:
            self.show(index, "parallax_service_up", labels, 0)
        elif verdicts and None not in verdicts:
            self.show(index, "parallax_service_up", labels, 1)
        self.show(index, "parallax_service_info", labels, 1, title=service, owner="shop", approach=self.approach.get(service, "golden-signals"),
                  runbook=f"https://wiki.example/runbooks/{service}")

    def show_fleet(self, index, now):
        for location in dict.fromkeys(p.location for p in self.places):
            words = {p.script.at(now) for p in self.places if p.location == location} - {"removed"}
            cut_off = bool(words) and all(w.startswith("cut") or w == "dead" for w in words)
            labels = {"probe": f"probe-{location}", "location": location, "zone": location, "instance": ""}
            figures = self.probe_figures.get(location, {})
            connected = figures.get("connected", int(not cut_off))
            if connected is None:
                continue
            self.show(index, "parallax_probe_connected", labels, connected)
            if connected:
                self.last_seen[location] = now
            self.show(index, "parallax_probe_last_seen_timestamp_seconds", labels, self.last_seen.get(location, 0))
            self.show(index, "parallax_probe_identity_conflict", labels, self.figure(figures, "identity_conflict", now, 0))
            for gauge, usual in (("clock_offset_seconds", 0.002), ("spool_results", 1), ("oldest_unacknowledged_seconds", 0.3),
                                 ("certificate_expiry_timestamp_seconds", 90 * 86400)):
                self.show(index, f"parallax_probe_{gauge}", labels, self.figure(figures, gauge, now, usual))

    @staticmethod
    def figure(figures, gauge, now, usual):
        value = figures.get(gauge, usual)
        return value(now) if callable(value) else value

    def input_series(self):
        return [{"series": name, "values": notation(values)} for name, values in self.series.items()]
