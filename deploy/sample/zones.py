"""Zones that are real: a network namespace each, joined by cables (veth) to a router in the middle.

    zone eu-1a --.
    zone eu-1b ---- middle (router, controller) --- shop
    zone eu-2a --'          |
                           host

Packets between two zones pass the middle's forward hook: a rule there cuts one path without touching the firewall of
the machine that measures, which would answer "not permitted" instead of staying silent. Call build() in a network
namespace of its own (isolation.py): that one becomes the middle.
"""

import ipaddress
import os
import subprocess


class Zones:
    """Addresses of the middle, of each zone and of each server, all within one /24."""

    def __init__(self, network, zones, servers):
        addresses = list(ipaddress.ip_network(network))
        self.network = network
        self.host, self.middle = str(addresses[1]), str(addresses[2])
        self.zones = {zone: (str(addresses[16 + 4 * i + 1]), str(addresses[16 + 4 * i + 2])) for i, zone in enumerate(zones)}
        self.shop_gateway = str(addresses[193])
        self.servers = {server: str(addresses[194 + i]) for i, server in enumerate(servers)}

    def address(self, zone):
        return self.zones[zone][1]


def free_network():
    """A /24 of 198.18.0.0/15 (for benchmarks, RFC 2544: nobody's) that this machine neither has nor routes."""
    taken = []
    for command in (["ip", "-4", "-o", "address"], ["ip", "-4", "route", "show", "table", "all"]):
        for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split():
            try:
                taken.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                pass
    taken = [network for network in taken if network.prefixlen > 1]
    for candidate in ipaddress.ip_network("198.18.0.0/15").subnets(new_prefix=24):
        if not any(candidate.overlaps(network) for network in taken):
            return str(candidate)
    raise SystemExit("every network of 198.18.0.0/15 is in use on this machine")


def ip(*lines, namespace=None):
    """Runs the lines as `ip` commands, all in one process."""
    command = ["ip", *(["-n", namespace] if namespace else []), "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip failed: {done.stderr.strip()}; the commands were: {'; '.join(lines)}")


def set_kernel(namespace, name, value):
    path = "/proc/sys/" + name.replace(".", "/")
    prefix = ["ip", "netns", "exec", namespace] if namespace else []
    subprocess.run([*prefix, "sh", "-c", f"echo '{value}' > {path}"], check=True)


def build(zones):
    """Makes the namespaces and cables, and waits for nothing: a veth is up at once."""
    ip("link set lo up")
    set_kernel(None, "net.ipv4.ip_forward", "1")
    # IPv6 is off: its duplicate address detection would make the first seconds differ from all others.
    for name, gateway, own in [*((z, g, [a]) for z, (g, a) in zones.zones.items()),
                               ("shop", zones.shop_gateway, list(zones.servers.values()))]:
        width = 26 if name == "shop" else 30
        ip(f"netns add {name}", f"link add {name} type veth peer name up0 netns {name}",
           f"address add {gateway}/{width} dev {name}", f"link set {name} up")
        ip("link set lo up", *(f"address add {address}/{width} dev up0" for address in own), "link set up0 up",
           f"route add default via {gateway}", namespace=name)
        # Let probes ping without being root, as a well-kept host does.
        set_kernel(name, "net.ipv4.ping_group_range", "0 2147483647")


def link_to_host(zones, middle_pid):
    """Lays the cable from this machine to the middle. Runs outside, where the host's own network is."""
    name = host_link(zones)
    ip(f"link add {name} type veth peer name host netns {middle_pid}", f"address add {zones.host}/30 dev {name}",
       f"link set {name} up")


def unlink_from_host(zones):
    """The kernel does it too, some moments after the middle is gone; this is at once."""
    subprocess.run(["ip", "link", "delete", host_link(zones)], stderr=subprocess.DEVNULL)


def host_link(zones):
    _, second, third, _ = zones.network.split(".")
    return f"plx{second}-{third}"


def accept_host(zones):
    """The middle's end of link_to_host()."""
    ip(f"address add {zones.middle}/30 dev host", "link set host up")


def in_zone(zone, command):
    return ["ip", "netns", "exec", zone, *command] if zone else list(command)


def firewall(rules, namespace=None):
    """Feeds nft in the middle, or in a zone."""
    subprocess.run(in_zone(namespace, ["nft", "-f", "-"]), input=rules, text=True, check=True)


CUT = """\
table inet parallax_cut {{
  chain forward {{
    type filter hook forward priority 0;
    {rules}
  }}
}}
"""


def cut(pairs):
    """Rules by which packets from one address to another vanish; pairs of (source, destination)."""
    rules = "\n    ".join(f"ip saddr {source} ip daddr {destination} counter drop" for source, destination in pairs)
    return mend() + CUT.format(rules=rules)


def mend():
    return "table inet parallax_cut\ndelete table inet parallax_cut\n"


def write_hosts(path, names):
    """A hosts file for everything in the zones: {name: address}."""
    with open(path, "w", encoding="ascii") as file:
        file.write("127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in names.items()))
    os.chmod(path, 0o644)
