"""What must hold of the books whatever is killed, cut or stopped: compared with the shop's own log, and watched ten times a second.

    slots = runs + missed slots, for each check and location, exactly
    runs <= what the shop was asked: nothing is counted that did not happen
    what the shop was asked and is in no run was lost with a killed probe, and is declared as missed
"""

import http.client
import threading
import time

EVERY, LIFETIME = 1.0, 2 * 1.0 + 0.9 + 5  # of the scene's checks: how long a result is fresh
SLACK = 2.0  # between a page that is written and its being read on a busy machine
# What may fall: what the process, or a probe, says of itself begins anew with its start.
MAY_FALL = ("process_", "parallax_probe_schedule_lag_seconds")


def fnv1a_64(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


class Books:
    """The books of one check at one location, from a moment on at which both sides agreed."""

    def __init__(self, scene, at, check="shop-api/health"):
        self.scene, self.at, self.check = scene, at, check
        self.labels = {"check": check.split("/")[1], "location": at}
        index, count = scene.locations.index(at), len(scene.locations)
        self.offset = fnv1a_64(check) % 1000 + index * 1000 // count
        scene.wait_for(f"the books of {at} to agree with the shop", self.begin)

    def begin(self):
        asked, counted = self.scene.requests(self.at), self.runs()
        self.slot, self.missed_before = self.slots_accounted() - self.slot_now(), self.missed()
        return counted is not None and asked == counted == self.scene.requests(self.at)

    def slot_now(self):
        return int((time.time() * 1000 - self.offset) // 1000)

    def runs(self):
        return self.scene.value("parallax_runs_total", **self.labels)

    def missed(self):
        """Slots that nobody ran; those before a probe's first run, too."""
        return self.scene.value("parallax_missed_runs_total", **self.labels)

    def slots_accounted(self):
        page = self.scene.samples()
        wanted = set(self.labels.items())
        return sum(value for (name, labels), value in page.items()
                   if name in ("parallax_runs_total", "parallax_missed_runs_total") and wanted <= labels)

    def are_whole(self):
        """Every slot since begin() is accounted for, but for one that may be under way on either side."""
        return abs(self.slots_accounted() - self.slot_now() - self.slot) <= 1

    def settle(self, killed_probe=0, within=120):
        self.scene.wait_for(f"every slot of {self.at} to be accounted for", self.are_whole, within)
        runs, asked = self.runs(), self.scene.requests(self.at)
        assert runs <= asked, f"{self.at}: {runs} runs are counted, the shop was asked {asked} times"
        lost = asked - 1 - runs  # one may be under way
        # Each kill may take one result with it, and the run that follows may ask for the same slot again.
        assert lost <= 2 * killed_probe, f"{self.at}: the shop was asked {asked} times, {runs} runs are counted, {killed_probe} kills"

    def text(self):
        return f"{self.at}: {self.runs():.0f} runs, {self.missed():.0f} missed, the shop was asked {self.scene.requests(self.at)} times"


class Watcher(threading.Thread):
    """Reads /metrics ten times a second and remembers what must never be seen."""

    def __init__(self, scene, freshness=True):
        super().__init__(daemon=True)
        self.scene, self.freshness, self.over, self.pages = scene, freshness, threading.Event(), 0
        self.troubles, self.last = [], {}

    def run(self):
        while not self.over.wait(0.1):
            asked = time.time()
            try:
                page = self.scene.samples()
            except (OSError, http.client.HTTPException, AttributeError, ValueError):
                continue  # killed in the middle of an answer
            except Exception as trouble:  # whatever it is: a watcher that ended here would see nothing, and say so of nobody
                self.troubles.append(repr(trouble))
                continue
            if page:
                self.pages += 1
                self.look(page, asked)

    def look(self, page, asked):
        counters = {key: value for key, value in page.items()
                    if key[0].endswith(("_total", "_bucket", "_count", "_sum")) and not key[0].startswith(MAY_FALL)}
        for key, before in self.last.items():
            now = counters.get(key)
            if now is None or now < before:
                self.troubles.append(f"{key[0]} {sorted(key[1])} fell from {before} to {now}")
        self.last = counters
        for (name, labels), value in page.items():
            if self.freshness and name == "parallax_check_last_result_timestamp_seconds" and asked > value + LIFETIME + SLACK \
                    and ("probe_success", labels) in page:
                self.troubles.append(f"probe_success {sorted(labels)} is shown {asked - value:.1f} s after the run began")
            # The shop is always up here: trouble of ours must not be shown as its downtime.
            if name == "parallax_runs_total" and {("outcome", "down")} <= labels and value:
                self.troubles.append(f"down: {sorted(labels)}")
        del self.troubles[20:]

    def end(self):
        self.over.set()
        self.join(90)
        assert not self.troubles, "\n".join(self.troubles)
        assert self.pages, "no page was read at all"
