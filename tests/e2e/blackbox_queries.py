"""What public alert rules and dashboards for blackbox_exporter ask, and the answer they must get from our series.

A query is asked of a Prometheus over (service, check) pairs that each run at every location; the answer is told in
terms of what is broken. Sources: blackbox_exporter's own examples, awesome-prometheus-alerts, and Grafana's dashboards
7587, 13659 and 14928.
"""

FAR_AWAY = 30 * 86400


def where(labels):
    return labels["service"], labels["check"], labels["location"]


def check(ask, broken, checks, locations):
    """ask(query) -> [(labels, value)]. broken: {(service, check, location)} that is down, the rest is up.
    checks: {(service, check): (type, instance)}. Yields a line for each answer that is wrong."""
    at = {(service, name, location): kind for (service, name), (kind, _) in checks.items() for location in locations}
    web = {cell for cell, kind in at.items() if kind == "http"}
    ping = {cell for cell, kind in at.items() if kind == "ping"}
    instances = {instance for _, instance in checks.values()}
    instance_of = {(service, name, location): checks[service, name][1] for service, name, location in at}

    def found(query, expected):
        answer = {where(labels) for labels, _ in ask(query)}
        if answer != set(expected):
            yield f"{query}: too many {sorted(answer - set(expected))}, missing {sorted(set(expected) - answer)}"

    def only(query, allowed):
        answer = {where(labels) for labels, _ in ask(query)}
        if not answer <= allowed:
            yield f"{query}: too many {sorted(answer - allowed)}"

    def by_instance(query, expected):
        answer = {labels.get("instance"): value for labels, value in ask(query)}
        if answer != expected:
            yield f"{query}: {answer}, not {expected}"

    def nothing(query):
        answer = ask(query)
        if answer:
            yield f"{query}: {answer}, not nothing"

    # Alert rules.
    yield from found("probe_success == 0", broken)
    yield from found("probe_success != 1", broken)
    yield from found("probe_success == 1", set(at) - broken)
    yield from found("probe_http_status_code <= 199 or probe_http_status_code >= 400", broken & web)
    yield from found("probe_http_status_code == 200", web - broken)
    # What gets no answer takes as long as its timeout; what is well is not slow.
    yield from only("avg_over_time(probe_duration_seconds[1m]) > 1", broken)
    yield from only("avg_over_time(probe_http_duration_seconds[1m]) > 1", broken & web)
    yield from nothing("avg_over_time(probe_icmp_duration_seconds[1m]) > 1")
    yield from nothing(f"probe_ssl_earliest_cert_expiry - time() < {FAR_AWAY}")
    yield from nothing("3 <= round((last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time()) / 86400, 0.1) < 20")
    yield from nothing("round((last_over_time(probe_ssl_earliest_cert_expiry[10m]) - time()) / 86400, 0.1) < 0")
    yield from nothing("probe_failed_due_to_regex == 1")

    # By instance: three locations are three series of one target, where blackbox_exporter has one.
    down = {name: sum(instance_of[cell] == name for cell in broken) for name in instances}
    up = {name: sum(instance_of[cell] == name for cell in set(at) - broken) for name in instances}
    yield from by_instance("sum by (instance) (probe_success)", {name: float(up[name]) for name in instances})
    yield from by_instance("count by (instance) (probe_success == 0)", {name: float(n) for name, n in down.items() if n})
    yield from by_instance("min by (instance) (probe_success)", {name: float(not down[name]) for name in instances})
    yield from by_instance("max by (instance) (probe_success)", {name: float(up[name] > 0) for name in instances})

    # Dashboards.
    yield from found("probe_duration_seconds", at)
    yield from found("probe_dns_lookup_time_seconds", at)
    yield from found("probe_ip_protocol == 4", {cell for cell in at})
    yield from found("sum by (service, check, location) (probe_http_duration_seconds)", web)
    yield from found("probe_http_version > 0", web - broken)
    yield from found('probe_icmp_duration_seconds{phase="rtt"} > 0', ping - broken)
    yield from found("count by (service, check, location) (probe_http_duration_seconds) == 5", web)
    # The five phases of a request are no more than the whole run.
    yield from nothing("(sum by (service, check, location) (probe_http_duration_seconds) > 1.01 * "
                       "sum by (service, check, location) (probe_duration_seconds)) and on (service, check, location) probe_success == 1")
    yield from found('probe_tls_version_info{version="TLS 1.3"}',
                     {cell for cell in at if cell not in broken and (at[cell] == "tls" or instance_of[cell].startswith("https:"))})
    yield from found(f"probe_ssl_earliest_cert_expiry - time() > {FAR_AWAY}",
                     {cell for cell in at if cell not in broken and (at[cell] == "tls" or instance_of[cell].startswith("https:"))})
    yield from found("probe_http_ssl == 1", {cell for cell in web - broken if instance_of[cell].startswith("https:")})


def check_over_time(ask, was_down, checks, locations, window):
    """Availability over a window during all of which was_down was down, the rest up."""
    at = {(service, name, location) for service, name in checks for location in locations}
    for query, expected in [(f"avg_over_time(probe_success[{window}]) * 100 == 100", at - was_down),
                            (f"avg_over_time(probe_success[{window}]) * 100 < 95", was_down)]:
        answer = {where(labels) for labels, _ in ask(query)}
        if answer != expected:
            yield f"{query}: too many {sorted(answer - expected)}, missing {sorted(expected - answer)}"
