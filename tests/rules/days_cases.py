"""What is recorded over hours and days."""

from cases import case, health, value
from fleet_on_paper import Scene

READS = ("recording-alerts.yml", "recording.yml")
SHOP = {"service": "shop-api"}

case("Late results of a partition are in the day and not in the last minutes",
     Scene("3h", step="1m", checks=[health(every="1m", where={"eu-1a": ["up"], "eu-1b": ["up 1h", "cut:down 55m", "cut 5m", "up"], "eu-1c": ["up"]})]),
     value("122m", 'zone:uptime:ratio_rate5m{zone="eu-1b"}', ({**SHOP, "zone": "eu-1b"}, 1)),
     value("3h", 'zone:uptime:ratio_rate1d{zone="eu-1b"} < bool 0.7', ({**SHOP, "zone": "eu-1b"}, 1)))

case("Thirty days are summed from hours: two hours down of four days",
     Scene("4d", step="5m", checks=[health(every="5m", script=["up 2d", "down 2h", "up"])]),
     value("4d", "service:uptime:ratio_rate30d > bool 0.978", (SHOP, 1)), value("4d", "service:uptime:ratio_rate30d < bool 0.9805", (SHOP, 1)),
     value("4d", "count(zone:uptime:ratio_rate30d > 0.978 < 0.9805)", ({}, 3)))
