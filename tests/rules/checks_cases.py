"""Checks: slow, losing packets, and the certificates they see."""

from cases import HERE, case, ever_fired, everywhere, firing, health
from fleet_on_paper import Check, Scene

READS = ("recording-alerts.yml", "alerts.yml", "alerts-certificates.yml", "alerts-fleet.yml")
DAY = 86400
CHAIN, SENT = "probe_ssl_last_chain_expiry_timestamp_seconds", "probe_ssl_earliest_cert_expiry"


def duration(slow, of="eu-1b", then=0.02):
    """slow(now): the duration at one location; the others take 20 ms."""
    return {"probe_duration_seconds": lambda now, at: slow(now) if at == of else then}


def certificate(script=("up",), every="1m", **facts):
    return Check("shop-api/certificate", everywhere(*script), kind="tls", every=every, counts=False, **facts)


def ping(loss, script=("up",), **more):
    where = {"eu-1a": ["up"], "eu-1b": list(script), "eu-1c": ["up"]}
    return Check("shop-api/edge", where, kind="ping", **more, parallax_ping_loss_ratio=lambda now, at: loss(now) if at == "eu-1b" else 0)


case("Slower than half of its timeout is a ticket about that location",
     Scene("1h", checks=[health(**duration(lambda now: 3 if now > 600 else 0.02))]),
     firing("20m"), firing("1h", "CheckSlow warning shop-api/health@eu-1b"))

case("Three times slower than over the last day is a ticket, long before any timeout",
     Scene("12h", step="1m", checks=[health(every="1m", **duration(lambda now: 0.5 if now > 36000 else 0.1))]),
     firing("9h50m"), firing("10h30m", "CheckSlow warning shop-api/health@eu-1b"))

case("From 5 to 50 ms is not slow: nobody waits for that",
     Scene("12h", step="1m", checks=[health(every="1m", **duration(lambda now: 0.05 if now > 36000 else 0.005, then=0.005))]), ever_fired("12h"))

case("A single slow run is no ticket", Scene("1h", checks=[health(**duration(lambda now: 4 if now == 1800 else 0.02))]), ever_fired("1h"))

case("A check that fails by timeout is down and not slow, and not slow when it is mended",
     Scene("1h", checks=[health(where={"eu-1a": ["up"], "eu-1b": ["up 10m", "down 20m", "up"], "eu-1c": ["up"]})]), ever_fired("1h", "CheckDownAtLocation"))

case("A check that runs every hour is slow after hours of slow runs, not after one",
     Scene("12h", step="1m", checks=[Check("shop-api/order", everywhere("up"), every="1h", **duration(lambda now: 4 if 3600 <= now < 7200 or now >= 18000 else 0.02))]),
     ever_fired("4h"), firing("8h", "CheckSlow warning shop-api/order@eu-1b"))

case("A fifth of the packets lost from one location is a ticket about it",
     Scene("1h", checks=[ping(lambda now: 0.2 if now > 600 else 0)]), firing("15m"), firing("40m", "PacketLoss warning shop-api/edge@eu-1b"))

case("One lost packet now and then is no ticket",
     Scene("2h", checks=[ping(lambda now: 0.2 if now % 120 == 0 else 0), Check("crm/edge", everywhere("up"), kind="ping", every="5m",
           parallax_ping_loss_ratio=lambda now, at: 0.2 if 3600 <= now < 3900 else 0)]), ever_fired("2h"))

case("Total loss is down and no packet loss, and not afterwards either",
     Scene("1h", checks=[ping(lambda now: 1 if 600 <= now < 1800 else 0, ("up 10m", "down 20m", "up"))]), ever_fired("1h", "CheckDownAtLocation"))

case("Two minutes and a half of total loss, mended since, leave no ticket about packets",
     Scene("1h", checks=[ping(lambda now: 1 if 600 <= now < 765 else 0, ("up 10m", "down 165s", "up"))]), ever_fired("1h", "CheckDownAtLocation"))

case("A certificate is nothing to tell of 31 days before its end", Scene("1h", step="1m", checks=[certificate(**{SENT: 31 * DAY, CHAIN: 31 * DAY})]), ever_fired("1h"))

case("A certificate 29 days from its end is on the dashboard",
     Scene("1h", step="1m", checks=[certificate(**{SENT: 29 * DAY, CHAIN: 29 * DAY})]), firing("1h", "CertificateExpiring info shop-api/certificate"))

case("A certificate 13 days from its end is a ticket, and told of once",
     Scene("1h", step="1m", checks=[certificate(**{SENT: 13 * DAY, CHAIN: 13 * DAY})]), firing("1h", "CertificateExpiring warning shop-api/certificate"))

case("A certificate becomes a ticket when its last 14 days begin",
     Scene("3h", step="1m", checks=[certificate(**{SENT: 14 * DAY + 3600, CHAIN: 14 * DAY + 3600})]),
     firing("59m", "CertificateExpiring info shop-api/certificate"), firing("3h", "CertificateExpiring warning shop-api/certificate"))

case("A certificate 0 days from its end pages at that moment, whenever the next run may be",
     Scene("3h", step="1m", checks=[certificate(every="1h", **{SENT: 3600, CHAIN: 3600})]),
     firing("59m", "CertificateExpiring warning shop-api/certificate"), firing("62m", "CertificateExpired critical shop-api/certificate"))

case("An expired certificate that makes its check fail pages about the certificate as well",
     Scene("1h", checks=[certificate(["up 10m", "down"], every="1m", **{SENT: 600, CHAIN: lambda now, at: 600 if now < 600 else None})]),
     firing("1h", "CertificateExpired critical shop-api/certificate", *[f"CheckDownAtLocation warning shop-api/certificate@{at}" for at in HERE]))

case("A renewed certificate ends the alert",
     Scene("1h", step="1m", checks=[certificate(**{fact: lambda now, at: (3 if now < 1800 else 90) * DAY for fact in (SENT, CHAIN)})]),
     firing("29m", "CertificateExpiring warning shop-api/certificate"), firing("32m"))

case("An old certificate beside a good chain is nobody's outage", Scene("1h", step="1m", checks=[certificate(**{SENT: -DAY, CHAIN: 90 * DAY})]), ever_fired("1h"))

case("A check that does not verify is up with an expired certificate, and nobody is paged", Scene("1h", step="1m", checks=[certificate(**{SENT: -DAY})]), ever_fired("1h"))

case("One server behind the name with an expired certificate pages",
     Scene("1h", step="1m", checks=[certificate(**{fact: lambda now, at: -DAY if at == "eu-1b" else 90 * DAY for fact in (SENT, CHAIN)})]),
     firing("1h", "CertificateExpired critical shop-api/certificate"))

case("A run that could not measure hides no certificate that ends",
     Scene("3h", step="1m", checks=[certificate(["up 1h", "unknown 1h", "up"], every="1h", **{SENT: 13 * DAY, CHAIN: 13 * DAY})]),
     firing("110m", "CertificateExpiring warning shop-api/certificate"))

case("The certificate of a removed check is told of no more",
     Scene("1h", step="1m", checks=[health(every="1m"), certificate(["up 30m", "removed"], **{SENT: 13 * DAY, CHAIN: 13 * DAY})]),
     firing("29m", "CertificateExpiring warning shop-api/certificate"), firing("32m"))
