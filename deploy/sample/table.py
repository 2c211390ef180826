"""What the fleet says, for people: a table that renews itself on a terminal, lines of what changed elsewhere.

The table has a row for each service, so that it fits a terminal of 80 columns and 24 lines; a check is named, below it,
only where it is not up:

    service        eu-1a       eu-1b        eu-1c       verdict
    crm-api        up  2.5 ms  down 3 of 3  up  2.2 ms  up

    crm-api/health at eu-1b: down connect_timeout: 198.18.0.199:443 did not answer
"""

import os
import shutil
import sys
import textwrap
import time

from alerts import lines as alert_lines
from fleet import cells

COLOURS = {"up": "32", "degraded": "33", "down": "1;31", "unknown": "35", "no_data": "2"}
WORST_FIRST = ["down", "unknown", "no_data", "degraded", "up"]


class Table:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.live = out.isatty()
        self.colours = self.live and not os.environ.get("NO_COLOR")
        self.drawn = 0
        self.before = {}

    def show(self, state, note="", alerts=None):
        """alerts: what Alerting.current() says; None where no Prometheus looks."""
        if self.live:
            self.draw(state, note, alerts)
        else:
            self.tell_changes(state, alerts)
        self.out.flush()

    def tell_changes(self, state, alerts):
        now = {f"{check} at {location}": (word(at), f" ({at['detail']})" if at.get("detail") and at["state"] != "no_data" else "")
               for (check, location), at in cells(state).items()}
        now |= {f"alert {alert.name}": (alert.state, f" ({alert.outlook})") if alert.countdown else (f"{alert.state}, {alert.outlook}", "")
                for alert in alerts or []}
        for gone in [what for what in self.before if what not in now and what.startswith("alert ")]:
            now[gone] = ("resolved", "")
        for what, (news, more) in now.items():
            if self.before.get(what, "no data") != news:  # nothing has data at first, which is no news
                print(f"{time.strftime('%H:%M:%S')} {what}: {news}{more}", file=self.out)
        self.before = {what: news for what, (news, _) in now.items() if news != "resolved"}

    def draw(self, state, note, alerts):
        columns, rows = shutil.get_terminal_size()
        lines = self.lines(state, note, alerts, columns - 1)
        room = rows - 2
        if len(lines) > room:
            lines = lines[:room - 1] + [[(f"... and {len(lines) - room + 1} lines more; a higher terminal shows them", 0, "2")]]
        if self.drawn:
            self.out.write(f"\x1b[{self.drawn}F\x1b[J")
        for line in lines:
            self.out.write(self.fit(line, columns - 1) + "\n")
        self.drawn = len(lines)

    def lines(self, state, note, alerts, columns):
        """The table as lists of (text, width, colour); what stands below it is wrapped to so many columns."""
        locations = sorted({location for _, location in cells(state)})
        services = sorted(state["services"], key=lambda service: service["service"])
        rows = [(service, [cell(service, location) for location in locations]) for service in services]
        words = max(len(shown) for _, row in rows for shown, _, _ in row)
        beside = max(len(more) for _, row in rows for _, more, _ in row)
        first = max([7] + [len(service["service"]) for service, _ in rows]) + 2
        width = max([words + 1 + beside] + [len(location) for location in locations]) + 2
        lines = [[(time.strftime("%H:%M:%S  ") + note, 0, "2")],
                 [("service", first, "1")] + [(location, width, "1") for location in locations] + [("verdict", 0, "1")]]
        for service, row in rows:
            verdict = {True: "up", False: "down", None: "none"}[service["up"]]
            lines.append([(service["service"], first, "")]
                         + [(f"{shown:<{words}} {more:>{beside}}", width, colour) for shown, more, colour in row]
                         + [(verdict, 0, COLOURS.get(verdict, "2"))])
        below = [[] if alerts is None else alert_lines(alerts), [(text, "") for text in troubles(state, locations)]]
        return lines + [line for texts in below for line in paragraph(texts, columns)]

    def fit(self, line, columns):
        text = ""
        for words, width, colour in line:
            words = words[:max(0, columns)].ljust(min(width, max(0, columns)))
            columns -= len(words)
            text += f"\x1b[{colour}m{words}\x1b[0m" if self.colours and colour else words
        return text


def paragraph(texts, columns):
    wrapped = [[(line, 0, colour)] for text, colour in texts for line in textwrap.wrap(text, columns, subsequent_indent="    ")]
    return [[("", 0, "")]] * bool(texts) + wrapped


def word(at):
    return {"up": "up", "no_data": "no data"}.get(at["state"]) or f"{at['state']} {at['reason']}"


def cell(service, location):
    """A service at one location: its worst state there, and how many of its checks are in it or, when all are up, how long
    the first of them took. As (state, more, colour)."""
    here = [at for check in service["checks"] for at in check["locations"] if at["location"] == location]
    if not here:
        return "-", "", "2"
    worst = min((at["state"] for at in here), key=WORST_FIRST.index)
    count = sum(at["state"] == worst for at in here)
    more = milliseconds(here[0].get("duration_seconds")) if worst == "up" else f"{count} of {len(here)}"
    return worst.replace("no_data", "no data"), more, COLOURS[worst]


def milliseconds(took):
    if took is None:
        return ""
    return f"{took * 1000:.1f} ms" if took < 1 else f"{took:.1f} s"


def troubles(state, locations):
    """A line for each way in which a check is not up, with the locations that see it so."""
    where = {}
    for (check, location), at in cells(state).items():
        if at["state"] in ("down", "unknown", "degraded"):
            where.setdefault((check, word(at), at.get("detail") or ""), []).append(location)
    return [f"{check} {'everywhere' if sorted(at) == locations else 'at ' + ', '.join(sorted(at))}: {words}" + (f": {detail}" if detail else "")
            for (check, words, detail), at in where.items()]
