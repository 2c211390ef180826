"""What the fleet says, for people: a table that renews itself on a terminal, lines of what changed elsewhere."""

import os
import shutil
import sys
import time

from fleet import cells

COLOURS = {"up": "32", "degraded": "33", "down": "1;31", "unknown": "35", "no_data": "2"}


class Table:
    def __init__(self, out=sys.stdout):
        self.out = out
        self.live = out.isatty()
        self.colours = self.live and not os.environ.get("NO_COLOR")
        self.drawn = 0
        self.before = {}

    def show(self, state, note=""):
        if self.live:
            self.draw(state, note)
        else:
            self.tell_changes(state)
        self.out.flush()

    def tell_changes(self, state):
        for (check, location), at in cells(state).items():
            word = self.word(at)
            if self.before.get((check, location)) != word:
                self.before[check, location] = word
                print(f"{time.strftime('%H:%M:%S')} {check} at {location}: {word}"
                      f"{' (' + at['detail'] + ')' if at.get('detail') else ''}", file=self.out)

    def draw(self, state, note):
        columns, rows = shutil.get_terminal_size()
        lines = self.lines(state, note)[:rows - 2]
        if self.drawn:
            self.out.write(f"\x1b[{self.drawn}F\x1b[J")
        for line in lines:
            self.out.write(self.fit(line, columns - 1) + "\n")
        self.drawn = len(lines)

    def lines(self, state, note):
        """The table as lists of (text, width, colour)."""
        at = cells(state)
        locations = sorted({location for _, location in at})
        checks = [(service, check) for service in state["services"] for check in service["checks"]]
        first = max([12] + [len(f"{s['service']}/{c['check']}") for s, c in checks]) + 2
        width = max([14] + [len(self.cell(a)) for a in at.values()]) + 2
        lines = [[(time.strftime("%H:%M:%S  ") + note, 0, "2")],
                 [("check", first, "1"), ("type", 6, "1")] + [(location, width, "1") for location in locations] + [("verdict", 7, "1")]]
        for service, check in checks:
            name = f"{service['service']}/{check['check']}"
            row = [(name, first, ""), (check["type"], 6, "2")]
            for location in locations:
                here = at.get((name, location))
                row.append((self.cell(here), width, COLOURS.get(here["state"], "")) if here else ("-", width, "2"))
            verdict = {True: "up", False: "down", None: "none"}[check["up"]]
            lines.append(row + [(verdict, 7, COLOURS.get(verdict, "2"))])
        details = [f"{check} at {location}: {a['detail']}" for (check, location), a in at.items()
                   if a["state"] in ("down", "unknown", "degraded") and a.get("detail")]
        return lines + [[("", 0, "")]] * bool(details) + [[(text, 0, "")] for text in details]

    def word(self, at):
        return at["state"] if at["state"] in ("up", "no_data") else f"{at['state']} {at['reason']}"

    def cell(self, at):
        took = at.get("duration_seconds")
        time_text = f" {took * 1000:.3g} ms" if at["state"] in ("up", "degraded") and took is not None else ""
        return self.word(at).replace("no_data", "no data") + time_text

    def fit(self, line, columns):
        text = ""
        for words, width, colour in line:
            words = words[:max(0, columns)].ljust(min(width, max(0, columns)))
            columns -= len(words)
            text += f"\x1b[{colour}m{words}\x1b[0m" if self.colours and colour else words
        return text
