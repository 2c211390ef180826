"""PromQL as the rules and dashboards for blackbox_exporter and Grafana's synthetic monitoring have it, on our series."""

from cases import HERE, case, everywhere, health, value
from fleet_on_paper import Check, Scene

READS = ("recording.yml", "recording-alerts.yml")
SHOP = {"service": "shop-api", "check": "health", "instance": "https://shop-api.example/health", "job": "parallax"}
ANSWERS = {"eu-1a": 200, "eu-1b": 503, "eu-1c": 0}


def at(location, **more):
    return {"location": location, "zone": location, **SHOP, **more}


def slots(*outcomes):
    """The outcomes of one location, a slot of 5 minutes each, over and over for 4 hours and a bit."""
    return [f"{'up' if up else 'down'} 5m" for _ in range(12) for up in outcomes] + ["up"]


PHASES = {f"probe_http_duration_seconds__phase__{phase}": took for phase, took in
          (("resolve", 0.001), ("connect", 0.002), ("tls", 0.003), ("processing", 0.01), ("transfer", 0.004))}
broken = {"eu-1a": ["up"], "eu-1b": ["up 5m", "down"], "eu-1c": ["up 5m", "down 5m", "unknown"]}

case("probe_success == 0 finds each location that sees it down, and none that could not measure",
     Scene("20m", checks=[health(where=broken)]), value("20m", "probe_success == 0", (at("eu-1b"), 0)))

case("A status outside 200 to 399 is found, no answer at all too",
     Scene("10m", checks=[health(probe_http_status_code=lambda now, where: ANSWERS[where])]),
     value("10m", "probe_http_status_code <= 199 or probe_http_status_code >= 400",
           (at("eu-1b"), 503), (at("eu-1c"), 0)))

case("The time to a certificate's end is right from every location",
     Scene("10m", checks=[health(probe_ssl_earliest_cert_expiry=864600)]),
     value("10m", "(probe_ssl_earliest_cert_expiry - time()) / 86400", *[(at(where), 10) for where in HERE]),
     value("10m", "probe_ssl_earliest_cert_expiry - time() < 86400 * 7"),
     value("10m", "count(probe_ssl_earliest_cert_expiry - time() < 86400 * 30)", ({}, 3)))

case("avg_over_time(probe_success) is the share of time each location saw it up",
     Scene("30m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 15m", "down"], "eu-1c": ["down"]})]),
     value("29m45s", "avg_over_time(probe_success[1h])", (at("eu-1a"), 1), (at("eu-1b"), 0.5), (at("eu-1c"), 0)),
     value("29m45s", "avg by (instance) (avg_over_time(probe_success[1h]))", ({"instance": SHOP["instance"]}, 0.5)))

case("The phases of a request add up by instance: to its duration at each location, over three of them to three times that",
     Scene("10m", checks=[health(**PHASES)]),
     value("10m", "sum by (instance, location) (probe_http_duration_seconds)", *[({"instance": SHOP["instance"], "location": where}, 0.02) for where in HERE]),
     value("10m", 'sum by (instance) (probe_http_duration_seconds{location="eu-1a"})', ({"instance": SHOP["instance"]}, 0.02)),
     value("10m", "sum by (instance) (probe_http_duration_seconds)", ({"instance": SHOP["instance"]}, 0.06)),
     value("10m", "avg by (phase) (probe_http_duration_seconds)", *[({"phase": name.split("__")[2]}, took) for name, took in PHASES.items()]))

case("Slow probes are found by their duration, and no failed one is taken for fast",
     Scene("20m", checks=[health(where=broken)]), value("20m", "avg_over_time(probe_duration_seconds[1m]) > 1", (at("eu-1b"), 5)))

case("Three locations over the slots (1,1,1) (0,0,0) (1,0,0) (1,1,0): uptime 75 %, reachability 50 %, as Grafana's synthetic monitoring asks and as we record",
     Scene("4h10m", step="1m", checks=[Check("shop-api/health", {"eu-1a": slots(1, 0, 1, 1), "eu-1b": slots(1, 0, 0, 1), "eu-1c": slots(1, 0, 0, 0)},
                                             every="5m", up_when="any")]),
     value("244m", 'sum(increase(probe_all_success_sum[3h])) / sum(increase(probe_all_success_count[3h]))', ({}, 0.5)),
     value("239m", 'avg_over_time((ceil(sum by (instance, job) (increase(probe_all_success_sum[5m])) / '
           '(sum by (instance, job) (increase(probe_all_success_count[5m])) + 1)))[3h:5m])', ({"instance": SHOP["instance"], "job": "parallax"}, 0.75)),
     value("240m", "service:uptime:ratio_rate1h", ({"service": "shop-api"}, 0.75)),
     value("240m", "service:reachability:ratio_rate1h", ({"service": "shop-api"}, 0.5)))

case("An instance that is down for all is found by its best location",
     Scene("10m", checks=[health(script=["up 5m", "down"]), health("crm-api", where={"eu-1a": ["up"], "eu-1b": ["up"], "eu-1c": ["down"]})]),
     value("10m", "max by (instance) (probe_success) == 0", ({"instance": SHOP["instance"]}, 0)))

case("A request in which one location takes longer is seen in its quantile over locations",
     Scene("10m", checks=[health(probe_duration_seconds=lambda now, where: 1.5 if where == "eu-1c" else 0.5)]),
     value("10m", "quantile by (instance) (0.5, probe_duration_seconds)", ({"instance": SHOP["instance"]}, 0.5)),
     value("10m", "max by (instance) (probe_duration_seconds)", ({"instance": SHOP["instance"]}, 1.5)))
