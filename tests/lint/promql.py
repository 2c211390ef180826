"""PromQL in our documents: taken out of code blocks, parsed by promtool, and its metric names looked up in the tree."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from source_tree import ROOT, files, text

RULES = "deploy/prometheus/rules"
# What others export: Prometheus and Alertmanager themselves, the exporters and client libraries of deploy/prometheus.
FOREIGN = re.compile(r"(up|ALERTS|ALERTS_FOR_STATE)$|(node|pg|rabbitmq|http|nodejs|process|prometheus|alertmanager|scrape|vm)_")
WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "inf", "nan"}
GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")


def blocks(document, language):
    """(line, code) of each fenced block of that language."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", document, re.MULTILINE | re.DOTALL):
        yield document.count("\n", 0, found.start()) + 2, found[1]


def commands(document):
    """(line, query) of each query in `promtool query instant $P '...'`."""
    for found in re.finditer(r"promtool query instant \$P '([^']*)'", document):
        yield document.count("\n", 0, found.start()) + 1, found[1]


def metric_names(query):
    bare = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', "", re.sub(r"#[^\n]*", "", query))
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", GROUPINGS.sub(" ", bare))
    return {name for name in re.findall(r"(?<![\w:.])[A-Za-z_:][\w:]*(?!\s*\(|[\w:])", bare) if name.lower() not in WORDS}


def recorded():
    return {name for path in files(".yml", below=RULES) for name in re.findall(r"record: *(\S+)", text(path))}


def exposed():
    """Names that the controller's sources and the facts' options write, with the suffixes of counters and histograms."""
    sources = [text(path) for path in files(".cpp", ".proto") if str(path).startswith(("controller/", "proto/"))]
    names = {name for source in sources for name in re.findall(r'"((?:probe|parallax)_[a-z0-9_]+)"', source)}
    return names | {name + suffix for name in names for suffix in ("_bucket", "_sum", "_count")}


def unknown_names(query, known):
    return sorted(name for name in metric_names(query) if name not in known and not FOREIGN.match(name))


def unparsable(queries):
    """The queries that promtool refuses, each with what it says; a rule file of all of them costs one call if all is well."""
    if not queries or not complaint_of(queries):
        return []
    return [(query, told) for query in queries if (told := complaint_of([query]))]


def complaint_of(queries):
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "queries.yml"
        file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
        done = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, timeout=120)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def complaints_of(path, found, known):
    """found: (line, query)s of the document at path."""
    refused = dict(unparsable([query for line, query in found]))
    for line, query in found:
        if query in refused:
            yield f"{path}:{line}: promtool refuses: {query.strip()}\n{refused[query].strip()}"
        for name in unknown_names(query, known):
            yield f"{path}:{line}: nothing exposes or records {name}: {query.strip()}"
