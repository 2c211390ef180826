"""The fleet itself: locations, probes and the controller come and go."""

from cases import HERE, case, ever_fired, everywhere, firing, health, is_one_alert, value
from fleet_on_paper import Check, Scene

READS = ("recording-alerts.yml", "alerts.yml", "alerts-certificates.yml", "alerts-fleet.yml")
SILENT = [f"LocationSilent warning @{at}" for at in HERE]
ALL_SILENT = "AllLocationsSilent critical"


def lost(*script):
    """What one of three locations does; the others are fine."""
    return {"eu-1a": ["up"], "eu-1b": ["up"], "eu-1c": list(script)}


case("A killed probe makes its location silent, and no service is told of",
     Scene("30m", checks=[health(where=lost("up 5m", "dead"))]),
     firing("6m30s"), firing("30m", SILENT[2]), ever_fired("30m", "LocationSilent"))

case("A killed probe that is started again is told of no more",
     Scene("30m", checks=[health(where=lost("up 5m", "dead 10m", "up"))]), firing("14m", SILENT[2]), firing("18m"))

case("A partition of a minute is told to nobody",
     Scene("30m", checks=[health(where=lost("up 5m", "cut 1m", "up"))]), ever_fired("30m"))

case("A partition of an hour is one ticket about the location, and healed it is none",
     Scene("90m", step="30s", checks=[health(where=lost("up 5m", "cut 1h", "up"))]),
     firing("10m", SILENT[2]), is_one_alert("LocationSilent", "10m", "64m", 30), firing("68m"), ever_fired("90m", "LocationSilent"))

case("Late results that say down page nobody: they tell of what is over",
     Scene("90m", step="30s", checks=[health(where=lost("up 5m", "cut:down 1h", "up"))]), firing("66m", SILENT[2]), firing("68m"), ever_fired("90m", "LocationSilent"))

case("A partition of all locations is a page about the region, and healed it leaves nothing, late results or not",
     Scene("90m", step="30s", checks=[health(script=["up 5m", "cut:down 30m", "up"])]),
     firing("8m", ALL_SILENT, *SILENT), firing("39m"), ever_fired("90m", "AllLocationsSilent", "LocationSilent", "ServiceNoVerdict"))

case("When all probes are lost services are neither up nor down",
     Scene("30m", checks=[health(script=["up 5m", "dead"])]),
     firing("8m", ALL_SILENT, *SILENT), firing("30m", ALL_SILENT, "ServiceNoVerdict critical shop-api", *SILENT))

case("A service that was down when all probes were lost is not called mended",
     Scene("60m", step="30s", checks=[health(script=["up 5m", "down 5m", "dead"])]),
     firing("50m", "ServiceDown critical shop-api", ALL_SILENT, "ServiceNoVerdict critical shop-api", *SILENT,
            *[f"CheckDownAtLocation warning shop-api/health@{at}" for at in HERE]),
     is_one_alert("ServiceDown", "7m", "50m", 30))

case("Two of three locations lost is no verdict: one location alone cannot tell",
     Scene("30m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 5m", "dead"], "eu-1c": ["up 5m", "dead"]})]),
     firing("30m", SILENT[1], SILENT[2], "ServiceNoVerdict critical shop-api"))

case("A location where no probe has ever been is silent",
     Scene("10m", checks=[health(where=lost("dead"))], probes={"eu-1c": {"connected": None}}), firing("10m", SILENT[2]))

case("A probe that is connected and reports nothing leaves its location silent",
     Scene("30m", checks=[health(where=lost("up 5m", "dead"))], probes={"eu-1c": {"connected": 1}}),
     firing("30m", SILENT[2], "CheckNoData warning shop-api/health@eu-1c"))

case("A check without data at a location that reports others is a ticket",
     Scene("30m", checks=[health(), Check("shop-api/orders", lost("up 5m", "dead"))], probes={"eu-1c": {"connected": 1}}),
     firing("9m"), firing("30m", "CheckNoData warning shop-api/orders@eu-1c"))

case("A new check that never runs at a location is a ticket",
     Scene("30m", checks=[health(), Check("shop-api/orders", lost("removed 5m", "dead"))], probes={"eu-1c": {"connected": 1}}),
     firing("8m"), firing("12m", "CheckNoData warning shop-api/orders@eu-1c"))

case("An added check is told to nobody while its first results come",
     Scene("20m", checks=[health(), Check("shop-api/orders", everywhere("removed 5m", "up"), every="1m")]), ever_fired("20m"))

case("A removed check without data is told of no more",
     Scene("30m", checks=[health(), Check("shop-api/orders", lost("up 5m", "dead 15m", "removed"))], probes={"eu-1c": {"connected": 1}}),
     firing("19m", "CheckNoData warning shop-api/orders@eu-1c"), firing("21m"))

case("A restart of the controller is told to nobody",
     Scene("30m", checks=[health(), Check("shop-api/edge", everywhere("up"), kind="ping", every="30s")], controller=("up 10m", "gone 45s", "up")),
     ever_fired("30m"))

case("Ten restarts of the controller in a row are told to nobody",
     Scene("1h", checks=[health()], controller=["up 10m"] + ["gone 15s", "up 2m"] * 10 + ["up"]), ever_fired("1h"))

case("A restart of the controller in the middle of a down leaves one alert",
     Scene("40m", checks=[health(script=["up 5m", "down"])], controller=("up 10m", "gone 45s", "up")), is_one_alert("ServiceDown", "7m", "40m"),
     ever_fired("40m", "ServiceDown", "CheckDownAtLocation"))

case("After a restart of the controller a check that runs every hour is awaited, not missed",
     Scene("4h", step="1m", checks=[health(), Check("shop-api/order", everywhere("up"), every="1h")], controller=("up 70m", "gone 1m", "up")),
     ever_fired("4h"))

case("A check that runs every hour and has no data for hours is a ticket, and its service has no verdict",
     Scene("8h", step="1m", checks=[Check("shop-api/order", everywhere("up 61m", "dead"), every="1h"), Check("shop-api/health", everywhere("up"), every="1m")],
           probes={at: {"connected": 1} for at in HERE}),
     firing("3h"), firing("7h", "ServiceNoVerdict critical shop-api", *[f"CheckNoData warning shop-api/order@{at}" for at in HERE]))

case("A controller that is gone is a page, and says nothing of services",
     Scene("30m", checks=[health()], controller=("up 10m", "gone")),
     firing("12m"), firing("14m30s", "ControllerGone critical"), ever_fired("30m", "ControllerGone"))

case("A controller that is gone for most of the time is a page",
     Scene("30m", checks=[health()], controller=["up 10m"] + ["gone 45s", "up 15s"] * 15 + ["up"]), firing("20m", "ControllerGone critical"))

case("A Prometheus that knows no controller says so",
     [{"series": 'up{job="prometheus",instance="localhost:9090"}', "values": "1x40"}], firing("5m", "ControllerGone critical"))

case("The dead-man switch always fires", Scene("5m", checks=[health()]),
     value("5m", 'count by (alertname, severity) (ALERTS{alertname="Watchdog", alertstate="firing"})', ({"alertname": "Watchdog", "severity": "none"}, 1)))

case("Definitions that were refused are a ticket, and taken ones end it",
     Scene("20m", checks=[health()], definitions=("good 5m", "bad 5m", "good")), firing("7m", "ReloadFailed warning"), firing("11m"))

case("A probe whose clock is off is a ticket, whichever way",
     Scene("20m", checks=[health()], probes={"eu-1a": {"clock_offset_seconds": -30}, "eu-1b": {"clock_offset_seconds": 7}, "eu-1c": {"clock_offset_seconds": 3}}),
     firing("20m", "ProbeClockOff warning probe=probe-eu-1a@eu-1a", "ProbeClockOff warning probe=probe-eu-1b@eu-1b"))

case("The clock of a probe that is gone is not told of",
     Scene("20m", checks=[health(where=lost("up 2m", "dead"))], probes={"eu-1c": {"clock_offset_seconds": 30}}), firing("20m", SILENT[2]))

case("A spool that fills although the probe is connected is a ticket",
     Scene("40m", checks=[health()], probes={"eu-1a": {"spool_results": lambda t: t, "oldest_unacknowledged_seconds": lambda t: t}}),
     firing("9m"), firing("40m", "ProbeSpoolFilling warning probe=probe-eu-1a@eu-1a"))

case("A spool that drains after a partition is no ticket, however long it takes",
     Scene("90m", step="30s", checks=[health(where=lost("up 5m", "cut 1h", "up"))],
           probes={"eu-1c": {"spool_results": lambda t: max(0, 9000 - t), "oldest_unacknowledged_seconds": lambda t: max(0, 9000 - t)}}),
     ever_fired("90m", "LocationSilent"))

case("A probe's certificate is told of three days before it ends, and not when it renews itself in time",
     Scene("20m", checks=[health()], probes={"eu-1a": {"certificate_expiry_timestamp_seconds": 2 * 86400}, "eu-1b": {"certificate_expiry_timestamp_seconds": 4 * 86400}}),
     firing("20m", "ProbeCertificateExpiring warning probe=probe-eu-1a@eu-1a"))

case("Two probes with one identity are a ticket, even when they take turns",
     Scene("20m", checks=[health()], probes={"eu-1b": {"identity_conflict": lambda t: int(t % 240 == 0)}}),
     firing("10m", "ProbeIdentityConflict warning probe=probe-eu-1b@eu-1b"))
