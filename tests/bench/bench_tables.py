"""The tables of docs/performance.md: what a Bench found, beside what is wanted."""

PROBE, BLACKBOX, LEAST = "probe-eu-1a", "blackbox", "the least"
BLACKBOX_INSTALLED = "blackbox as installed"
MANY = "many pings"
FPING_BY_ITSELF = "fping at its own pace"
KINDS = ("ping", MANY, "http", "https")
AUTHORITIES = 150  # in the private file, as many as a system trusts
PRIVATE = "https by a private file"
PRIVATE_MANY = "many https by a private file"


def print_cpu(bench):
    print("| CPU a check | parallax-probe, us | blackbox_exporter, us | the least, us | against blackbox | must, aim | against the least | must, aim "
          "| checks/s reached | resident MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    goals = {"ping": ("1/20, 1/60", ""), MANY: ("1/20, 1/60", ""), "http": ("1/5, 1/8", "2.5, 1.8"), "https": ("1.1, 0.7", "1.6, 1.1")}
    for kind in KINDS:
        ours, theirs, least = (bench.middle("us", kind, who) for who in (PROBE, BLACKBOX, LEAST))
        if ours != ours:
            continue  # not measured this time
        ratio = f"{ours / theirs:.2f}" if kind == "https" else f"1/{theirs / ours:.1f}"
        reached, memory = ([bench.middle(what, kind, who) for who in (PROBE, BLACKBOX)] for what in ("a second", "MB"))
        print(f"| {kind} | {ours:.0f} | {theirs:.0f} | {least:.0f} | {ratio} | {goals[kind][0]} | {ours / least:.2f} | {goals[kind][1]} "
              f"| {' and '.join(f'{x:.0f}' for x in reached)} | {' and '.join(f'{x:.0f}' for x in memory)} |")
    for kind, fpings in (("ping", "fping"), (MANY, "fping"), (MANY, FPING_BY_ITSELF)):
        fping, ours, least = (bench.middle("us", kind, who) for who in (fpings, PROBE, LEAST))
        if ours != ours or fping != fping:
            continue
        print(f"\nA ping of {fpings}'s takes {fping:.0f} us at {bench.middle('a second', kind, fpings):.0f} a second: "
              f"ours {ours / fping:.2f} of it (must 1/2, aim 1/6), the least {least / fping:.2f}.")


def print_authorities(bench):
    pinned, installed = (bench.middle("us", PRIVATE, who) for who in (BLACKBOX, BLACKBOX_INSTALLED))
    if pinned != pinned:
        return  # not measured this time
    print(f"\n| https by a private file of {AUTHORITIES} authorities | parallax-probe, us | blackbox as installed, us | against it | pinned, us | against it | must, aim "
          "| the least (one authority), us | against it |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in (PRIVATE, PRIVATE_MANY):
        ours, least, reached = bench.middle("us", kind, PROBE), bench.middle("us", kind, LEAST), bench.middle("a second", kind, PROBE)
        print(f"| {reached:.0f} a second | {ours:.0f} | {installed:.0f} | 1/{installed / ours:.1f} | {pinned:.0f} | 1/{pinned / ours:.1f} | 1/8, 1/12 "
              f"| {least:.0f} | {ours / least:.2f} |")


def print_rest(bench):
    print("\n| what | parallax-probe | blackbox_exporter | must | aim |")
    print("|---|---|---|---|---|")
    goals = {"error at 100/s": ("1/4 of blackbox", "1/8"), "error at 1000/s": ("p99 300 us", "100 us"), "ping error under hogs": ("p99 100 us", "30 us")}
    for called, (must, aim) in goals.items():
        ours, theirs = ([bench.middle(called, word, who) for word in ("p50", "p99")] for who in (PROBE, BLACKBOX))
        print_row(f"{called}, p50 and p99 in us", ours, theirs, must, aim)
    late = [bench.middle("lateness", word, PROBE) for word in ("p50", "p99")]
    print_row("schedule lateness at 100/s, p50 and p99 in us", late, [], "150 and 1000", "100 and 300")
    print_row("resident MB with one check", [bench.middle("MB idle", PROBE)], [], "30", "20")
    print_row("and KiB for each HTTP check in flight", [bench.middle("KiB in flight", PROBE)], [], "24", "16")


def print_row(what, ours, theirs, must, aim):
    if any(value != value for value in ours):
        return  # not measured this time
    ours, theirs = (" and ".join(f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in values) for values in (ours, theirs))
    print(f"| {what} | {ours} | {theirs} | {must} | {aim} |")
