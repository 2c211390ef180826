"""What the demo must know of the check definitions: who is checked, from where, how often."""

import re
import shutil
import tomllib
from fnmatch import fnmatch
from pathlib import Path

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * SECONDS[unit]


def copy(source, target):
    shutil.copytree(source, target, ignore=lambda folder, names: [n for n in names if n.startswith(".")])


def locations(folder):
    return [at["name"] for at in tomllib.loads((Path(folder) / "locations.toml").read_text())["location"]]


def services(folder):
    for path in sorted(Path(folder).glob("*.toml")):
        if path.name != "locations.toml":
            yield tomllib.loads(path.read_text())


def checks(folder):
    """Every check as {service, id, type, target, host, every, timeout}; times in seconds."""
    for page in services(folder):
        for kind in ("http", "tls", "ping"):
            for check in page.get(kind, []):
                every = seconds(check.get("every") or page.get("defaults", {}).get("every") or "60s")
                timeout = check.get("timeout") or page.get("defaults", {}).get("timeout")
                target = check.get("url") or check.get("address") or check.get("host")
                host = re.sub(r"^[a-z]+://", "", target).split("/")[0].split(":")[0]
                yield {"service": page["service"]["name"], "id": f"{page['service']['name']}/{check['name']}",
                       "type": kind, "target": target, "host": host, "every": every,
                       "timeout": seconds(timeout) if timeout else min(10, every)}


def hosts(folder):
    """{service: host} in the order of the files; one host a service in the sample."""
    found = {}
    for check in checks(folder):
        found.setdefault(check["service"], check["host"])
    return found


def put_addresses_in(folder, servers):
    """Rewrites hosts to addresses and ports, for machines where nothing can be named: {host: server}."""
    for path in Path(folder).glob("*.toml"):
        text = path.read_text()
        for host, server in servers.items():
            text = text.replace(f"https://{host}", f"https://{server['address']}:{server['tls_port']}")
            text = text.replace(f"http://{host}", f"http://{server['address']}:{server['http_port']}")
            text = text.replace(f'"{host}:443"', f'"{server["address"]}:{server["tls_port"]}"')
            text = text.replace(f'"{host}"', f'"{server["address"]}"')
        path.write_text(text)


def expected(folder):
    """Who must report what, read from the files alone: {(check, location)}."""
    known = locations(folder)
    found = set()
    for page in services(folder):
        for kind in ("http", "tls", "ping"):
            for check in page.get(kind, []):
                globs = check.get("locations") or page.get("defaults", {}).get("locations") or ["*"]
                if check.get("enabled", True):
                    found |= {(f"{page['service']['name']}/{check['name']}", at) for at in known
                              if any(fnmatch(at, glob) for glob in globs)}
    return found
