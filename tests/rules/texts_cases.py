"""What people read: the words of alerts, with their numbers, since when, why and what to do."""

from cases import case, health
from fleet_on_paper import Check, Scene

READS = ("recording-alerts.yml", "alerts.yml", "alerts-certificates.yml", "alerts-fleet.yml")
RUNBOOKS = "https://github.com/parallax-monitoring/parallax/blob/main/docs/runbooks"


def says(at, alert, summary, description, **labels):
    """One alert of that name fires, with exactly these words."""
    return {"alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": [
        {"exp_labels": labels, "exp_annotations": {"summary": summary, "description": description, "runbook_url": f"{RUNBOOKS}/{alert}.md"}}]}]}


case("ServiceDown says what is down where, since when, why, and whom to call", Scene("10m", checks=[health(script=["up 5m", "down"])]),
     **says("10m", "ServiceDown", "shop-api is down",
            "By the verdict over its locations shop-api is down since 1970-01-01 00:05:00 +0000 UTC. Check health is down at 3 of 3 locations. Mostly: connect_timeout. "
            "What to do: open its runbook https://wiki.example/runbooks/shop-api, call shop; `parallax-controller explain shop-api/CHECK` tells what each location sees.",
            severity="critical", service="shop-api"))

case("ServiceDown says when a service goes up and down", Scene("20m", checks=[health(script=["up 5m"] + ["down 30s", "up 30s"] * 14 + ["up"])]),
     **says("15m", "ServiceDown", "shop-api is down",
            "shop-api goes up and down: its verdict changed 21 times in 15 minutes, it was up 65.57% of them since 1970-01-01 00:08:00 +0000 UTC. "
            "Check health is down at 3 of 3 locations. Mostly: connect_timeout. "
            "What to do: open its runbook https://wiki.example/runbooks/shop-api, call shop; `parallax-controller explain shop-api/CHECK` tells what each location sees.",
            severity="critical", service="shop-api"))

case("CheckDownAtLocation says whether to look at the service or the path",
     Scene("10m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 5m", "down"], "eu-1c": ["up"]})]),
     **says("10m", "CheckDownAtLocation", "shop-api/health is down at eu-1b",
            "Seen from eu-1b (zone eu-1b) shop-api/health is down since 1970-01-01 00:05:00 +0000 UTC. Mostly: connect_timeout. "
            "Down at 1 of 3 locations, up or degraded at 2: look at the path from there first. What to do: `parallax-controller explain shop-api/health`.",
            severity="warning", service="shop-api", check="health", location="eu-1b", zone="eu-1b"))

case("ServiceNoVerdict says how many locations could not measure, and why", Scene("20m", checks=[health(script=["up 5m", "unknown"])]),
     **says("20m", "ServiceNoVerdict", "Nobody can tell whether shop-api is up",
            "Too few locations can measure shop-api for a verdict: it may be up or down, nobody can tell since at least 1970-01-01 00:11:00 +0000 UTC. "
            "Check health: of 3 locations 0 without data, 3 that could not measure. Mostly: probe_isolated. "
            "What to do: try the service by hand first (`parallax-probe run checks/shop-api.toml`), then see which locations are silent.",
            severity="critical", service="shop-api"))

case("LocationSilent says when its probes were last heard of", Scene("20m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up"], "eu-1c": ["up 5m", "cut"]})]),
     **says("20m", "LocationSilent", "Nothing is heard from eu-1c",
            "No probe of eu-1c (zone eu-1c) is connected, of 1 that were since 1970-01-01 00:05:00 +0000 UTC. Last heard of on 1970-01-01 00:04:45 +0000 UTC. "
            "1 checks are not seen from there; verdicts are formed without it. What to do: is the zone reachable at all? A probe that is cut off keeps measuring "
            "and reports later; one that is dead does not: `systemctl status parallax-probe` there.",
            severity="warning", location="eu-1c", zone="eu-1c"))

case("CheckNoData says when the newest run was",
     Scene("30m", checks=[health(), Check("shop-api/orders", {"eu-1a": ["up"], "eu-1b": ["up"], "eu-1c": ["up 5m", "dead"]})], probes={"eu-1c": {"connected": 1}}),
     **says("30m", "CheckNoData", "shop-api/orders has no data at eu-1c",
            "A probe of eu-1c (zone eu-1c) is connected, but shop-api/orders has no fresh result there; the newest run began on 1970-01-01 00:04:45 +0000 UTC. "
            "What to do: `parallax-controller explain shop-api/orders`, then the probe's log.",
            severity="warning", service="shop-api", check="orders", location="eu-1c", zone="eu-1c"))

case("ControllerGone says that nothing is known and nothing is lost", Scene("20m", checks=[health()], controller=("up 5m", "gone")),
     **says("20m", "ControllerGone", "The controller at controller.example:9877 cannot be reached",
            "Prometheus cannot scrape the controller at controller.example:9877 (0% of the last 3 minutes) since 1970-01-01 00:06:30 +0000 UTC. "
            "Nothing is known of any service of region eu-1: no alert on a service can fire. Probes go on measuring and report later; nothing is lost while their spools hold. "
            "What to do: `systemctl status parallax-controller` on its host; then its address, port and firewall as Prometheus sees them.",
            severity="critical", instance="controller.example:9877", job="parallax"))
