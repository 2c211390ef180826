#!/usr/bin/python3
"""Makes the way to some servers as long as a real one: packets to them wait before they go on.

    slow_path.py ADDRESS=MILLISECONDS...     in the network namespace of the demo's router

All zones of a demo are on one machine, where a round trip takes 30 microseconds and never varies: nothing to see on a
dashboard. Packets to the servers are routed into a TUN device; here they wait as long as was asked for, more from the
zones further down the list, a few of them much longer, and then go on to the shop. SIGUSR1 adds 320 ms until the next.
"""

import fcntl
import heapq
import itertools
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
DEVICE, TABLE = "slow0", "100"
EXTRA = 0.32


def open_device():
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return device


def route(addresses):
    """To the servers by way of our device; what comes out of it goes on to the shop."""
    for name in ("all", DEVICE):  # the answer to such a packet leaves by another device: that is meant
        with open(f"/proc/sys/net/ipv4/conf/{name}/rp_filter", "w", encoding="ascii") as file:
            file.write("0")
    ip("link", "set", DEVICE, "up")
    ip("rule", "add", "iif", DEVICE, "lookup", TABLE)
    for address in addresses:
        ip("route", "add", address, "dev", "shop", "table", TABLE)
        ip("route", "add", address, "dev", DEVICE)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def delay(base, packet):
    """Like a real path: a floor, a spread above it, now and then a queue. Source addresses tell the zones apart."""
    further = 1 + 0.35 * ((packet[15] >> 2) % 4)
    spread = random.lognormvariate(-1.2, 0.7) * 0.3
    queue = random.uniform(1, 4) if random.random() < 0.02 else 0
    return base * (further + spread + queue)


def forward(device, bases):
    extra = [0.0]
    signal.signal(signal.SIGUSR1, lambda *_: extra.__setitem__(0, EXTRA - extra[0]))
    waiting, order = [], itertools.count()
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        if select.select([device], [], [], timeout)[0]:
            packet = os.read(device, 65536)
            if packet[0] >> 4 == 4:
                base = bases.get(packet[16:20], 0)
                heapq.heappush(waiting, (time.monotonic() + delay(base, packet) + extra[0], next(order), packet))
        while waiting and waiting[0][0] <= time.monotonic():
            os.write(device, heapq.heappop(waiting)[2])


def main():
    asked = dict(word.split("=") for word in sys.argv[1:])
    device = open_device()
    route(asked)
    forward(device, {bytes(map(int, address.split("."))): float(ms) / 1000 for address, ms in asked.items()})


main()
