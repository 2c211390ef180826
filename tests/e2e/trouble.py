"""Faults between probes and controller, each with its mending: fault.begin(scene, at), fault.end(scene, at)."""

import signal

from scene import FLEET_PORT, network

TABLE = "trouble"


def rules_of_the_middle(hook, rules):
    network.firewall(f"table inet {TABLE} {{\n chain {hook} {{\n type filter hook {hook} priority 0;\n {rules}\n }}\n}}\n")


def mend_rules(scene, at):
    network.firewall(f"table inet {TABLE}\ndelete table inet {TABLE}\n")


def cut(scene, at):
    """Nothing of the probe arrives, nothing of the controller leaves."""
    address = scene.zones.address(at)
    network.firewall(f"table inet {TABLE} {{\n"
                     f" chain in {{\n type filter hook input priority 0;\n ip saddr {address} tcp dport {FLEET_PORT} drop\n }}\n"
                     f" chain out {{\n type filter hook output priority 0;\n ip daddr {address} tcp sport {FLEET_PORT} drop\n }}\n}}\n")


def mute_the_probe(scene, at):
    rules_of_the_middle("input", f"ip saddr {scene.zones.address(at)} tcp dport {FLEET_PORT} drop")


def mute_the_controller(scene, at):
    rules_of_the_middle("output", f"ip daddr {scene.zones.address(at)} tcp sport {FLEET_PORT} drop")


def reset(scene, at):
    rules_of_the_middle("input", f"ip saddr {scene.zones.address(at)} tcp dport {FLEET_PORT} reject with tcp reset")


def lose_a_third(scene, at):
    rules_of_the_middle("input", f"ip saddr {scene.zones.address(at)} tcp dport {FLEET_PORT} numgen random mod 100 < 32 drop")


def narrow(scene, at):
    """2 kB/s from the controller to the probe, 2 kB/s back; what the probe measures goes beside it."""
    address = scene.zones.address(at)
    network.firewall(f"table inet {TABLE} {{\n"
                     f" chain in {{\n type filter hook input priority 0;\n"
                     f" ip saddr {address} tcp dport {FLEET_PORT} limit rate over 2000 bytes/second burst 3000 bytes drop\n }}\n"
                     f" chain out {{\n type filter hook output priority 0;\n"
                     f" ip daddr {address} tcp sport {FLEET_PORT} limit rate over 2000 bytes/second burst 3000 bytes drop\n }}\n}}\n")


def stop_the_probe(scene, at):
    scene.programs.send(f"probe-{at}", signal.SIGSTOP)


def let_the_probe_go_on(scene, at):
    scene.programs.send(f"probe-{at}", signal.SIGCONT)


def stop_the_controller(scene, at):
    scene.programs.send("controller", signal.SIGSTOP)


def let_the_controller_go_on(scene, at):
    scene.programs.send("controller", signal.SIGCONT)


def kill_the_probe(scene, at):
    scene.programs.stop(f"probe-{at}", signal.SIGKILL)


def start_the_probe(scene, at):
    scene.start_probe(at)


def kill_the_controller(scene, at):
    scene.programs.stop("controller", signal.SIGKILL)


def start_the_controller(scene, at):
    scene.start_controller()


def end_the_controller(scene, at):
    assert scene.programs.stop("controller") == 0, "SIGTERM is an orderly end"


def end_the_probe(scene, at):
    assert scene.programs.stop(f"probe-{at}") == 0, "SIGTERM is an orderly end"


# What it is called: (begin, end).
FAULTS = {
    "cut": (cut, mend_rules),
    "mute the probe": (mute_the_probe, mend_rules),
    "mute the controller": (mute_the_controller, mend_rules),
    "reset": (reset, mend_rules),
    "lose 32 %": (lose_a_third, mend_rules),
    "narrow": (narrow, mend_rules),
    "stop the probe": (stop_the_probe, let_the_probe_go_on),
    "stop the controller": (stop_the_controller, let_the_controller_go_on),
    "kill the probe": (kill_the_probe, start_the_probe),
    "kill the controller": (kill_the_controller, start_the_controller),
    "end the probe": (end_the_probe, start_the_probe),
    "end the controller": (end_the_controller, start_the_controller),
}
# Of these one run may be lost with the probe.
TAKES_A_RUN = ("kill the probe", "end the probe")
