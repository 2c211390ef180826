"""How the controller grows: the same work at ten times the checks, the locations, and the history.

What is linear or better shows at once: the CPU of a result and of a sample stay what they were or fall, and memory,
disk and the start after kill -9 are at most ten times as much.
"""

import signal
import time

BASE = dict(probes=12, places_of_a_check=3, checks=400, runs=5)
CASES = {
    "400 checks at 3 of 12 locations, 5 runs each": BASE,
    "10 x checks": BASE | dict(checks=4000),
    "10 x checks over 10 x locations": BASE | dict(probes=120, checks=4000),
    "each check at 10 x the locations": BASE | dict(probes=120, places_of_a_check=30),
    "10 x history": BASE | dict(runs=50),
}
HEAD = ["", "pairs", "CPU us a result", "resident MB", "CPU ns a sample", "state_dir MB", "start to ready, s"]


def grow(bench, make_probes):
    for name, case in CASES.items():
        pairs = case["checks"] * case["places_of_a_check"]
        controller = bench.scene(case["probes"], pairs, case["places_of_a_check"])
        fleet = make_probes(controller, case["probes"])
        fleet.ask(f"send 1 {pairs}")  # facts are told once, the books' pages are there
        used = controller.cpu()
        # Ever the same pace, which the slots that there are (54 s of them and what passes) last for.
        seconds = pairs * case["runs"] / 10_000
        told = fleet.ask(f"send {seconds} 10000")
        bench.note("pairs", name, value=pairs)
        bench.note("us a result", name, value=1e6 * (controller.cpu() - used) / told["results"])
        bench.note("resident MB", name, value=controller.resident() / 1e6)
        bench.note("ns a sample", name, value=sample_time(controller))
        fleet.stop()
        bench.note("state MB", name, value=controller.kept_megabytes())
        controller.stop(signal.SIGKILL)
        controller.start()
        bench.note("ready s", name, value=controller.ready_after)
        controller.stop()


def sample_time(controller):
    samples = sum(not line.startswith(b"#") for line in controller.get("/metrics").splitlines())
    times = max(3, 1_000_000 // samples)
    used = controller.cpu()
    for _ in range(times):
        controller.get("/metrics")
    time.sleep(0.05)
    return 1e9 * (controller.cpu() - used) / times / samples


def print_growth(bench):
    print(f"\n| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name in CASES:
        cells = [f"{bench.middle(what, name):,.{digits}f}" for what, digits in (
            ("pairs", 0), ("us a result", 1), ("resident MB", 0), ("ns a sample", 0), ("state MB", 1), ("ready s", 2))]
        print(f"| {name} | {' | '.join(cells)} |")
