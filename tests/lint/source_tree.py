"""The source tree as the lints see it: its own files, one way to report, one way to prove that a lint bites."""

import os
import re
import sys
from pathlib import Path

ROOT = Path(os.environ.get("PARALLAX_SOURCE") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("PARALLAX_BUILD") or ROOT / "build" / "dev")
ROOMS = ("proto", "base", "definitions", "probe", "controller")
NOT_OURS = {".git", "build", "node_modules", "__pycache__"}


def files(*suffixes, below="."):
    """Every file of ours with one of the suffixes, as a path from the root, in order."""
    found = []
    for folder, folders, names in os.walk(ROOT / below):
        folders[:] = sorted(f for f in folders if f not in NOT_OURS)
        for name in names:
            path = (Path(folder) / name).relative_to(ROOT)
            if not suffixes or name.endswith(suffixes):
                found.append(path)
    return sorted(found)


def room_files(*suffixes):
    return [path for room in ROOMS if (ROOT / room).is_dir() for path in files(*suffixes, below=room)]


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(source):
    """(line, '<' or '"', what) of every include in a source text."""
    return [(source.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in INCLUDE.finditer(source)]


def without_comments(source):
    """The code with comments and the insides of string literals blanked, line for line."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
    return token.sub(lambda m: "\n" * m[0].count("\n") + ('""' if m[0].startswith('"') else " "), source)


def must_flag(what, complaints):
    """A lint that does not see a bad sample is no lint."""
    if not complaints:
        sys.exit(f"this lint is broken: it does not flag {what}")


def must_pass(what, complaints):
    if complaints:
        sys.exit(f"this lint is broken: it flags {what}: {complaints}")


def report(complaints):
    for complaint in complaints:
        print(complaint)
    if complaints:
        sys.exit(f"{len(complaints)} found")
