"""Scenes that need programs and addresses but no zones: each plays in namespaces of its own with nothing but a loopback,
where every port is free and nothing is left behind."""

import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
SOURCE = Path(os.environ.get("PARALLAX_SOURCE") or Path(__file__).resolve().parents[2])
sys.path.insert(0, str(SOURCE / "deploy" / "sample"))

import isolation  # noqa: E402
import zones  # noqa: E402
from programs import Died, Programs  # noqa: E402


def play(function):
    zones.ip("link set lo up")
    with tempfile.TemporaryDirectory(prefix="parallax-e2e-") as folder:
        os.chmod(folder, 0o755)
        programs = Programs(folder)
        try:
            function(programs, Path(folder))
            return 0
        except (AssertionError, Died) as trouble:
            traceback.print_exc(file=sys.stdout)
            print(f"FAILED: {trouble}")
            for name in programs.running:
                print(f"--- the end of {name}'s log\n{programs.tail(name, 25)}", end="")
            if os.environ.get("PARALLAX_KEEP"):
                shutil.copytree(folder, os.environ["PARALLAX_KEEP"], dirs_exist_ok=True)
            return 1
        finally:
            programs.stop_all()


def run(*functions):
    """Plays the scenes whose names contain the word given on the command line, or all."""
    why_not = isolation.why_not_possible()
    if why_not:
        sys.exit(f"end-to-end tests make network namespaces: {why_not}")
    failed = []
    for function in functions:
        if len(sys.argv) > 1 and sys.argv[1] not in function.__name__:
            continue
        began = time.monotonic()
        sys.stdout.flush()
        if isolation.run_isolated(lambda: play(function)) != 0:
            failed.append(function.__name__)
        print(f"{'FAILED' if function.__name__ in failed else 'passed'}: {function.__name__} ({time.monotonic() - began:.1f} s)")
    sys.exit(1 if failed else 0)
