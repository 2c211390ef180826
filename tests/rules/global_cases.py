"""The global Prometheus, with what two regional ones hand it."""

from cases import case, ever_fired, firing, value

READS = ("global.yml",)


def of(metric, region, values, **labels):
    return {"series": metric + "{" + ",".join(f'{k}="{v}"' for k, v in {**labels, "region": region, "prometheus": f"regional-{region}"}.items()) + "}", "values": values}


def heartbeat(region, lasts, then=""):
    return of("region:heartbeat:timestamp_seconds", region, f"0+15x{lasts}{then}")


UPTIME = [of("zone:uptime:ratio_rate1d", region, f"{ratio}x40", service="shop-api", zone=zone)
          for region, zone, ratio in (("eu-1", "eu-1a", 1), ("eu-1", "eu-1b", 0.99), ("us-1", "us-1a", 0.95))]
SLOTS = [of("service:slots:increase1d", region, f"{count}x40", service="shop-api", result=result)
         for region, counts in (("eu-1", (9900, 100, 50)), ("us-1", (950, 50, 0))) for result, count in zip(("up", "down", "unknown"), counts)]

case("The uptime of shop-api by zone is one question for both regions", UPTIME,
     value("5m", 'sum by (region, zone) (zone:uptime:ratio_rate1d{service="shop-api"})',
           ({"region": "eu-1", "zone": "eu-1a"}, 1), ({"region": "eu-1", "zone": "eu-1b"}, 0.99), ({"region": "us-1", "zone": "us-1a"}, 0.95)))

case("Uptime over regions weighs each by its slots, and leaves out what is unknown", SLOTS,
     value("5m", "global:service_uptime:ratio_rate1d", ({"service": "shop-api"}, round(10850 / 11000, 6))),
     value("5m", "global:service_unknown:ratio_rate1d", ({"service": "shop-api"}, round(50 / 11050, 6))))

case("Where a service is down is counted by region", [of("service:up:min", "eu-1", "1x40", service="shop-api"), of("service:up:min", "us-1", "0x40", service="shop-api")],
     value("5m", "global:service_regions_up:sum", ({"service": "shop-api"}, 1)), value("5m", "global:service_regions_down:sum", ({"service": "shop-api"}, 1)))

case("Regions that report are told of to nobody", [heartbeat("eu-1", 200), heartbeat("us-1", 200)], ever_fired("40m"))

case("A region whose Prometheus goes silent is a page about that region, and only that", [heartbeat("eu-1", 240), heartbeat("us-1", 40, " stale _x200")],
     firing("12m"), firing("15m", "RegionSilent critical"),
     value("15m", 'count by (region) (ALERTS{alertname="RegionSilent", alertstate="firing"})', ({"region": "us-1"}, 1)), firing("55m", "RegionSilent critical"))

case("A region whose rules stand still is silent although it answers", [heartbeat("eu-1", 240), of("region:heartbeat:timestamp_seconds", "us-1", "600x240")],
     firing("20m", "RegionSilent critical"))

case("A restart of a regional Prometheus is told to nobody", [heartbeat("eu-1", 240), of("region:heartbeat:timestamp_seconds", "us-1", "0+15x40 stale _x6 720+15x190")],
     ever_fired("55m"))
