#!/usr/bin/python3
"""Drives blackbox_exporter: asks it for checks at a rate over kept-alive connections, as Prometheus would.

    load.py --rate R --seconds S --probe PATH [--port P]

Runs in blackbox's own namespace. {n} in PATH becomes the number of the check, of R different ones. Prints one line of
JSON for each check that succeeded: its number, when it was asked for, and what blackbox says that the phases took.
"""

import argparse
import http.client
import json
import re
import sys
import threading
import time

PHASE = re.compile(rb'^probe_(?:http|icmp)_duration_seconds\{phase="(\w+)"\} (\S+)$', re.MULTILINE)
THREADS = 20


def ask(options, number, found):
    connection = http.client.HTTPConnection("127.0.0.1", options.port)
    begin = time.monotonic() + number / options.rate
    for i in range(int(options.rate * options.seconds / THREADS)):
        time.sleep(max(0, begin + i * THREADS / options.rate - time.monotonic()))
        n = (number + i * THREADS) % options.rate
        started = time.time()
        connection.request("GET", options.probe.replace("{n}", str(n)))
        page = connection.getresponse().read()
        if b"\nprobe_success 1" in page:
            found.append({"n": n, "started": started, "phases": {name.decode(): float(took) for name, took in PHASE.findall(page)}})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--probe", required=True)
    parser.add_argument("--port", type=int, default=9115)
    options = parser.parse_args()
    found = []
    workers = [threading.Thread(target=ask, args=(options, n, found)) for n in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    json.dump(found, sys.stdout)


main()
