"""What is recorded: uptime, reachability, errors, latency, the methods, and the look at a region."""

from cases import HERE, case, everywhere, health, value
from fleet_on_paper import Check, Scene

READS = ("recording-alerts.yml", "recording.yml", "recording-latency.yml", "recording-methods.yml")
SHOP = {"service": "shop-api"}
one_bad = {"eu-1a": ["up"], "eu-1b": ["down"], "eu-1c": ["up"]}


def of(metric, values, location="eu-1a", service="shop-api", check="health", **labels):
    labels = {"service": service, "check": check, "location": location, "zone": location, "instance": "x", **labels, "job": "parallax"}
    return {"series": metric + "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}", "values": values}


def histogram(metric, rates, **labels):
    """rates: {le: observations up to it per scrape}."""
    return [of(f"{metric}_bucket", f"0+{rate}x60", le=le, **labels) for le, rate in rates.items()]


case("Uptime of a service is by the verdict, by zone as seen from there, and reachability over all runs",
     Scene("1h", checks=[health(where=one_bad)]),
     value("1h", "service:uptime:ratio_rate5m", (SHOP, 1)), value("1h", "service:uptime:ratio_rate1h", (SHOP, 1)),
     value("1h", "zone:uptime:ratio_rate5m", *[({**SHOP, "zone": at}, int(at != "eu-1b")) for at in HERE]),
     value("1h", "zone:error:ratio_rate5m", *[({**SHOP, "zone": at}, int(at == "eu-1b")) for at in HERE]),
     value("1h", "location:reachability:ratio_rate1h", *[({**SHOP, "location": at, "zone": at}, int(at != "eu-1b")) for at in HERE]),
     value("1h", "service:reachability:ratio_rate5m", (SHOP, 0.666667)), value("1h", "service:error:ratio_rate5m", (SHOP, 0.333333)),
     value("1h", "zone:up:min", *[({**SHOP, "zone": at}, int(at != "eu-1b")) for at in HERE]), value("1h", "service:up:min", (SHOP, 1)))

case("What nobody could measure is in no uptime: it is shown beside it",
     Scene("30m", checks=[health(script=["up 10m", "unknown"]), health("crm-api", ["unknown"])]),
     value("30m", "service:uptime:ratio_rate5m"), value("30m", "service:reachability:ratio_rate5m"), value("30m", "zone:uptime:ratio_rate5m"),
     value("30m", "service:unknown:ratio_rate5m", (SHOP, 1), ({"service": "crm-api"}, 1)), value("30m", "service:uptime:ratio_rate1h", (SHOP, 1)))

case("Where nothing ever ran nothing is recorded, not 0 and not NaN",
     Scene("30m", checks=[health(script=["dead"])]), value("30m", '{__name__=~"(service|zone|location|check|check_location):(uptime|reachability|error).*"}'))

case("A check that does not count is not in the uptime of its service",
     Scene("1h", checks=[health(), Check("shop-api/certificate", everywhere("down"), kind="tls", counts=False)]),
     value("1h", "service:uptime:ratio_rate5m", (SHOP, 1)), value("1h", "service:reachability:ratio_rate5m", (SHOP, 1)), value("1h", "service:reachability:ratio_rate1h", (SHOP, 1)),
     value("1h", 'check:uptime:ratio_rate5m{check="certificate"}', ({**SHOP, "check": "certificate"}, 0)), value("1h", "service:up:min", (SHOP, 1)))

INFO = [{"series": f'parallax_check_info{{service="shop-api",check="{check}",instance="",type="{kind}",interval="15s",up_when="majority",counts="true",job="parallax"}}',
         "values": "1x60"} for check, kind in (("health", "http"), ("edge", "ping"))]

case("Latency is by type: the quantile of requests has no ping in it",
     INFO + histogram("probe_all_duration_seconds", {"0.1": 0, "0.25": 10, "+Inf": 10}) + histogram("probe_all_duration_seconds", {"0.005": 10, "0.1": 10, "0.25": 10, "+Inf": 10}, check="edge"),
     value("10m", "service:duration_seconds:p50_rate5m", ({**SHOP, "type": "http"}, 0.175), ({**SHOP, "type": "ping"}, 0.0025)),
     value("10m", 'zone:duration_seconds:p95_rate5m{type="http"}', ({**SHOP, "zone": "eu-1a", "type": "http"}, 0.2425)))

case("The mean latency of a service weighs its locations by their runs",
     INFO + [of("probe_all_duration_seconds_sum", "0+1x60"), of("probe_all_duration_seconds_count", "0+10x60"),
             of("probe_all_duration_seconds_sum", "0+12x60", "eu-1b"), of("probe_all_duration_seconds_count", "0+30x60", "eu-1b")],
     value("10m", "service:duration_seconds:mean_rate5m", ({**SHOP, "type": "http"}, 0.325)),
     value("10m", "zone:duration_seconds:mean_rate5m", ({**SHOP, "zone": "eu-1a", "type": "http"}, 0.1), ({**SHOP, "zone": "eu-1b", "type": "http"}, 0.4)))

case("Round trips and loss of pings are by packets",
     histogram("parallax_ping_rtt_seconds", {"0.001": 10, "0.01": 20, "+Inf": 20}, check="edge")
     + [of("parallax_ping_packets_sent_total", "0+10x60", check="edge"), of("parallax_ping_packets_received_total", "0+8x60", check="edge"),
        of("parallax_ping_packets_sent_total", "0+10x60", "eu-1b", check="edge"), of("parallax_ping_packets_received_total", "0+10x60", "eu-1b", check="edge")],
     value("10m", "check_location:ping_rtt_seconds:p50_rate5m", ({**SHOP, "check": "edge", "location": "eu-1a", "zone": "eu-1a"}, 0.001)),
     value("10m", "service:ping_loss:ratio_rate5m", (SHOP, 0.1)), value("10m", "zone:ping_loss:ratio_rate5m", ({**SHOP, "zone": "eu-1a"}, 0.2), ({**SHOP, "zone": "eu-1b"}, 0)))

case("Each service is recorded by its own method",
     Scene("30m", approach={"customer-site": "red", "crm": "use"},
           checks=[health("customer-site", where=one_bad), health("crm", where=one_bad), health("shop-api", where=one_bad)]),
     value("30m", "service:red_rate:rate5m", ({"service": "customer-site"}, 0.2)), value("30m", "service:red_errors:ratio_rate5m", ({"service": "customer-site"}, 0.333333)),
     value("30m", "service:use_errors:ratio_rate5m", ({"service": "crm"}, 0.333333)), value("30m", "service:use_saturation:ratio_rate5m", ({"service": "crm"}, 0.333333)),
     value("30m", "service:golden_traffic:rate5m", (SHOP, 0.2)), value("30m", "service:golden_errors:ratio_rate5m", (SHOP, 0.333333)),
     value("30m", "service:golden_saturation:ratio_rate5m", (SHOP, 0.333333)))

case("No timeout yet is a saturation of 0, and no run is none",
     Scene("30m", checks=[health(), health("crm", ["dead"])]), value("30m", "service:too_slow:ratio_rate5m", (SHOP, 0)))

case("A region in one look",
     Scene("30m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up"], "eu-1c": ["up 5m", "dead"]}), health("crm-api", ["down"]), health("mes-api", ["unknown"])],
           probes={"eu-1c": {"connected": 1}}),
     value("30m", "region:services:count", ({}, 3)), value("30m", "region:services_up:sum", ({}, 1)), value("30m", "region:services_down:sum", ({}, 1)),
     value("30m", "region:services_without_verdict:count", ({}, 1)), value("30m", "region:locations:count", ({}, 3)), value("30m", "region:locations_silent:sum", ({}, 0)),
     value("30m", "region:heartbeat:timestamp_seconds", ({}, 1800)))

case("A region without its controller says nothing of services",
     Scene("30m", checks=[health()], controller=("up 10m", "gone")),
     value("30m", '{__name__=~"region:(services|locations|probes).*"}'), value("30m", "region:controllers_up:sum", ({}, 0)))

case("Intervals are told apart as the controller writes them",
     [{"series": f'parallax_check_info{{service="s",check="{every}",instance="",interval="{every}",counts="true",job="parallax"}}', "values": "1x8"}
      for every in ("1500ms", "5s", "15s", "90s", "299s", "5m", "301s", "6m", "30m", "59m", "3599s", "1h", "3601s", "61m", "2h", "1d")],
     value("1m", "count by (class) (check:interval_class:info)", ({"class": "minutes"}, 6), ({"class": "hour"}, 6), ({"class": "day"}, 4)))
