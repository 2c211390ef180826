"""Services: down, up and down, unknown, without a verdict."""

from cases import HERE, case, ever_fired, everywhere, firing, health, is_one_alert
from fleet_on_paper import Check, Scene

READS = ("recording-alerts.yml", "alerts.yml", "alerts-certificates.yml", "alerts-fleet.yml")

DOWN = "ServiceDown critical shop-api"
DOWN_AT = [f"CheckDownAtLocation warning shop-api/health@{at}" for at in HERE]
NO_VERDICT = "ServiceNoVerdict critical shop-api"

case("A service that is down everywhere pages within a minute and a half, once",
     Scene("20m", checks=[health(script=["up 5m", "down"])]),
     firing("5m45s"), firing("6m30s", DOWN), firing("20m", DOWN, *DOWN_AT), is_one_alert("ServiceDown", "6m30s", "20m"))

case("A mended service is not called down any more after a few minutes",
     Scene("20m", checks=[health(script=["up 5m", "down 5m", "up"])]),
     firing("10m", DOWN, *DOWN_AT), firing("14m"))

case("A service that is fine beside one that is down keeps quiet",
     Scene("10m", checks=[health(script=["up 5m", "down"]), health("crm-api")]), firing("6m45s", DOWN))

case("One failed run from everywhere pages nobody",
     Scene("20m", checks=[health(script=["up 5m", "down 15s", "up"])]), ever_fired("20m"))

case("Down at one location only is a ticket about that location and no page",
     Scene("20m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 5m", "down"], "eu-1c": ["up"]})]),
     firing("6m30s"), firing("20m", DOWN_AT[1]), ever_fired("20m", "CheckDownAtLocation"))

case("An unknown run in the middle of a down resolves nothing: it stays one alert",
     Scene("30m", checks=[health(script=["up 5m", "down 10m", "unknown 15s", "down"])]),
     firing("15m15s", DOWN, *DOWN_AT), is_one_alert("ServiceDown", "7m", "30m"), firing("30m", DOWN, *DOWN_AT))

case("Minutes of unknown in the middle of a down resolve nothing",
     Scene("30m", checks=[health(script=["up 5m", "down 5m", "unknown 5m", "down"])]),
     firing("14m", DOWN, *DOWN_AT), is_one_alert("ServiceDown", "7m", "30m"))

case("An unknown run while a down is young does not start the minute anew",
     Scene("10m", checks=[health(script=["up 5m", "down 30s", "unknown 15s", "down"])]), firing("6m30s", DOWN))

case("One run that was down, then only unknown ones, is no down",
     Scene("10m", checks=[health(script=["up 5m", "down 15s", "unknown"])]), firing("7m"), ever_fired("10m"))

case("A service that nobody can measure is neither up nor down: after some minutes it has no verdict",
     Scene("30m", checks=[health(script=["up 5m", "unknown"])]),
     firing("12m"), firing("15m", NO_VERDICT), ever_fired("30m", "ServiceNoVerdict"))

case("One unknown run from everywhere is told to nobody",
     Scene("30m", checks=[health(script=["up 5m", "unknown 15s", "up"])]), ever_fired("30m"))

case("Flapping twice a minute is one page, although it is never down for a minute",
     Scene("1h", checks=[health(script=["up 5m"] + ["down 30s", "up 30s"] * 30 + ["up"])]),
     firing("12m", DOWN), is_one_alert("ServiceDown", "12m", "35m"), ever_fired("35m", "ServiceDown", "CheckDownAtLocation"), firing("1h"))

case("Flapping every other minute is one page",
     Scene("1h", checks=[health(script=["up 5m"] + ["down 2m", "up 2m"] * 8 + ["up"])]),
     firing("6m45s", DOWN), is_one_alert("ServiceDown", "7m", "37m"), firing("1h"))

case("Two short failures in a quarter of an hour are no flapping",
     Scene("30m", checks=[health(script=["up 5m", "down 15s", "up 5m", "down 15s", "up"])]), ever_fired("30m"))

case("Flapping at one location is one ticket",
     Scene("1h", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 5m"] + ["down 30s", "up 30s"] * 40 + ["up"], "eu-1c": ["up"]})]),
     is_one_alert("CheckDownAtLocation", "15m", "45m"), ever_fired("1h", "CheckDownAtLocation"), firing("58m", DOWN_AT[1]))

case("A removed service's alert ends",
     Scene("20m", checks=[health(script=["up 5m", "down 5m", "removed"]), health("crm-api")]),
     firing("10m", DOWN, *DOWN_AT), firing("14m"))

case("A removed check's alert ends, and its service is judged by the others",
     Scene("20m", checks=[health(script=["up"]), Check("shop-api/orders", everywhere("up 5m", "down 5m", "removed"))]),
     firing("10m", DOWN, *[f"CheckDownAtLocation warning shop-api/orders@{at}" for at in HERE]), firing("14m"))

case("A check removed at one location is no longer down there",
     Scene("20m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 5m", "down 5m", "removed"], "eu-1c": ["up"]})]),
     firing("10m", DOWN_AT[1]), firing("13m"))

case("An added service is told of only when it is down",
     Scene("20m", checks=[health("crm-api"), health(script=["removed 5m", "up 5m", "down"])]),
     ever_fired("10m"), firing("11m30s", DOWN))

case("A service that was down from its first run on pages",
     Scene("10m", checks=[health(script=["removed 5m", "down"])]), firing("6m30s", DOWN))

case("A check that does not count makes tickets, and its service is not down",
     Scene("20m", checks=[health(), Check("shop-api/certificate", everywhere("up 5m", "down"), kind="tls", counts=False)]),
     firing("20m", *[f"CheckDownAtLocation warning shop-api/certificate@{at}" for at in HERE]))

case("With up_when = any one location that sees it up is enough",
     Scene("20m", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 5m", "down"], "eu-1c": ["up 5m", "down"]}, up_when="any")]),
     firing("20m", DOWN_AT[1], DOWN_AT[2]))

case("Degraded is up: the dashboard tells, and nobody else",
     Scene("20m", checks=[health(script=["up 5m", "degraded"])]), firing("9m"), firing("20m", "CheckDegraded info shop-api/health"))

case("A check that runs every hour is down with its run, and holds over an unknown one",
     Scene("5h", step="1m", checks=[Check("shop-api/order", everywhere("up 1h", "down 1h", "unknown 1h", "down 1h", "up"), every="1h")]),
     firing("1h10m", DOWN, *[f"CheckDownAtLocation warning shop-api/order@{at}" for at in HERE]), is_one_alert("ServiceDown", "1h10m", "3h50m", 60),
     firing("2h50m", DOWN, *[f"CheckDownAtLocation warning shop-api/order@{at}" for at in HERE]), firing("4h30m"))

case("One unknown run of a check that runs every hour leaves no service without a verdict",
     Scene("5h", step="1m", checks=[Check("shop-api/order", everywhere("up 1h", "unknown 1h", "up"), every="1h")]), ever_fired("5h"))
