"""Settings and command lines of one controller and its probes, as a user would write them, and what they answer."""

import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
CERTIFICATES = HERE.parent / "certificates"

CONTROLLER = """\
checks_dir = "{checks}"
state_dir  = "{folder}/state"
[fleet]
listen    = "{fleet}"
cert_file = "{certificates}/controller.crt"
key_file  = "{certificates}/controller.key"
ca_file   = "{certificates}/ca.crt"
[web]
listen = "{web}"
allow_plain_http = true
"""

PROBE = """\
controllers = ["{controller}"]
state_dir = "{folder}/state"
cert_file = "{certificates}/{certificate}.crt"
key_file  = "{certificates}/{certificate}.key"
ca_file   = "{certificates}/ca.crt"
[guard]
allow = {allow}
[secrets]
dirs = ["{folder}/secrets"]
"""


def make_certificates(folder, *what):
    subprocess.run([str(CERTIFICATES), str(folder), *what], check=True)


def write_settings(path, template, **values):
    folder = os.path.dirname(path)
    os.makedirs(os.path.join(folder, "state"), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(template.format(folder=folder, **values))
    return str(path)


def write_secret(settings, name, text):
    """Puts a secret where the probe with these settings looks for it, readable by the probe alone."""
    folder = os.path.join(os.path.dirname(settings), "secrets")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")


def get(url, accept=None, method="GET", timeout=5):
    """(status, content type, text) of a page; (0, "", why) when nobody answers."""
    request = urllib.request.Request(url, method=method, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers.get("Content-Type", ""), answer.read().decode()
    except OSError as error:
        return 0, "", str(error)


def state_of(web):
    """What /api/v1/state says, or None while nobody answers. web: "http://address:port"."""
    status, _, text = get(f"{web}/api/v1/state")
    return json.loads(text)["data"] if status == 200 else None


def cells(state):
    """{(service/check, location): the check's newest state there} of a state."""
    return {(f"{service['service']}/{check['check']}", at["location"]): at
            for service in state["services"] for check in service["checks"] for at in check["locations"]}
