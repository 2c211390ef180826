"""What really happened on the wire: a capture by tcpdump, read back as round trips of HTTP exchanges and of pings.

The truth that reported latencies are compared with. Each check is recognised by something of its own that is on the
wire: an HTTP check by the path it asks for, a ping by the length of its packets. Stamps are the kernel's, in seconds.
"""

import contextlib
import re
import signal
import struct
import subprocess
import time

from zones import in_zone

PATH = re.compile(rb"^[A-Z]+ (/\S*) HTTP/1")
CAPTURED = 160  # bytes of a packet: headers and the request line


@contextlib.contextmanager
def capture(zone, file, what, core):
    """Captures in a zone while the block runs."""
    command = ["taskset", "-c", ",".join(map(str, core)), "tcpdump", "-i", "up0", "-U", "-B", "32768", "-s", str(CAPTURED),
               "--time-stamp-precision=nano", "-w", str(file), what]
    process = subprocess.Popen(in_zone(zone, command), stderr=subprocess.PIPE, text=True)
    for line in process.stderr:  # it says so when it has begun
        if line.startswith("tcpdump: listening"):
            break
    try:
        yield
    finally:
        time.sleep(0.5)  # what is still in the kernel's buffer
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    dropped = re.search(r"(\d+) packets dropped by kernel", said)
    if dropped and int(dropped[1]):
        print(f"tcpdump lost {dropped[1]} packets: what they belong to is left out")


def packets(file):
    """(time, IPv4 packet) of each packet of a pcap file with nanoseconds (pcap-savefile(5))."""
    content = file.read_bytes()
    assert struct.unpack_from("<I", content)[0] == 0xA1B23C4D, "not a pcap file with nanoseconds of this machine"
    place = 24
    while place + 16 <= len(content):
        second, nanosecond, size, _ = struct.unpack_from("<IIII", content, place)
        ethernet = content[place + 16:place + 16 + size]
        place += 16 + size
        if ethernet[12:14] == b"\x08\x00":
            yield second + nanosecond / 1e9, ethernet[14:]


def http_exchanges(file):
    """{path: [(when the SYN went, seconds from it to the last byte of the answer)]}, ordered by time."""
    connections = {}  # by the client's address and port: SYN, path, last byte of the answer
    done = []
    for when, packet in packets(file):
        header = (packet[0] & 15) * 4
        source, target, _, _, offset, flags = struct.unpack_from(">HHIIBB", packet, header)
        size = struct.unpack_from(">H", packet, 2)[0] - header - (offset >> 4) * 4
        client = (packet[12:16], source) if target == 80 else (packet[16:20], target)
        if target == 80 and flags & 2:
            connections[client] = {"syn": when, "path": None, "end": None}
            done.append(connections[client])
        known = connections.get(client)
        if known is None or size <= 0:
            continue
        if target == 80 and (asked := PATH.match(packet[header + (offset >> 4) * 4:])):
            known["path"] = asked[1].decode()
        if source == 80:
            known["end"] = when
    found = {}
    for known in done:
        if known["path"] and known["end"]:
            found.setdefault(known["path"], []).append((known["syn"], known["end"] - known["syn"]))
    return found


def pings(file):
    """{payload bytes: [(when the request went, seconds to its reply)]}, ordered by time."""
    asked, found = {}, {}
    for when, packet in packets(file):
        header = (packet[0] & 15) * 4
        kind, _, _, identifier, sequence = struct.unpack_from(">BBHHH", packet, header)
        size = struct.unpack_from(">H", packet, 2)[0] - header - 8
        key = (identifier, sequence, size)
        if kind == 8:
            asked[key] = when
        elif kind == 0 and key in asked:
            sent = asked.pop(key)
            found.setdefault(size, []).append((sent, when - sent))
    return found


def errors(reported, truth, slack):
    """How far off each report is from the exchange that it is about: [seconds]. `reported`: (key, when it started, how
    long it says it took). Its exchange is the first of that key on the wire that began since, or at most `slack` before,
    as clocks differ: a key comes once a second."""
    found, waits = [], []
    for key, started, took in reported:
        real = next((one for one in truth.get(key, []) if started - slack <= one[0] <= started + 1 - slack), None)
        if real is not None:
            found.append(abs(took - real[1]))
            waits.append(real[0] - started)
    # A report beside another run's exchange differs by what the runs differ.
    assert not waits or sorted(waits)[len(waits) // 2] < 0.5, "most exchanges began half a second after what they are compared with"
    return found
