"""A case: a sentence, a scene, and what must hold at which moment. What is asked becomes promql_expr_test."""

from fleet_on_paper import Check, Scene, seconds

ALL = []
HERE = ("eu-1a", "eu-1b", "eu-1c")
LABELS = "alertname, severity, service, check, location, probe"


def everywhere(*script):
    return {location: list(script) for location in HERE}


def health(service="shop-api", script=("up",), where=None, **more):
    """The usual check: every 15 s from three locations."""
    return Check(f"{service}/health", where or everywhere(*script), **more)


def alert_labels(text):
    """ "CheckDownAtLocation warning shop-api/health@eu-1b" as labels; a probe is written probe=NAME@eu-1b."""
    name, severity, *about = text.split(" ")
    labels = {"alertname": name, "severity": severity}
    for what in about:
        what, _, location = what.partition("@")
        if what.startswith("probe="):
            labels["probe"] = what.removeprefix("probe=")
        elif what:
            service, _, check = what.partition("/")
            labels["service"] = service
            if check:
                labels["check"] = check
        if location:
            labels["location"] = location
    return labels


def written(labels):
    return "{" + ", ".join(f'{k}="{v}"' for k, v in labels.items()) + "}"


def asked(at, expr, samples):
    return {"eval_time": at, "expr": expr, "exp_samples": [{"labels": labels, "value": value} for labels, value in samples]}


def firing(at, *alerts):
    """Exactly these fire at this moment, and nothing else."""
    return asked(at, f'count by ({LABELS}) (ALERTS{{alertstate="firing", alertname!="Watchdog"}})',
                 [(written(alert_labels(a)), 1) for a in alerts])


def ever_fired(until, *names):
    """Exactly alerts of these names have fired from the start until then."""
    window = f"{seconds(until)}s"
    return asked(until, f'group by (alertname) (count_over_time(ALERTS{{alertstate="firing", alertname!="Watchdog"}}[{window}]))',
                 [(written({"alertname": name}), 1) for name in names])


def is_one_alert(name, since, until, step=15):
    """It fired without a pause from `since` to `until`, and since the same moment."""
    long = seconds(until) - seconds(since)
    return [asked(until, f'count(count_over_time(ALERTS{{alertname="{name}", alertstate="firing"}}[{long}s:{step}s]) > {long // step - 1})', [("{}", 1)]),
            asked(until, f'sum(changes(ALERTS_FOR_STATE{{alertname="{name}"}}[{long}s]))', [("{}", 0)])]


def value(at, expr, *samples):
    """samples: ({labels}, number); none: the answer must be empty. The name does not matter, nor the seventh digit."""
    return asked(at, f"round({expr}, 0.000001)", [(written(labels) if labels else "{}", number) for labels, number in samples])


def case(sentence, scene, *asks, **more):
    flat = [a for ask in asks for a in (ask if isinstance(ask, list) else [ask])]
    series = scene.input_series() if isinstance(scene, Scene) else scene
    step = f"{scene.step}s" if isinstance(scene, Scene) else "15s"
    for ask in flat:
        ask["exp_samples"] = ask["exp_samples"] or []
    ALL.append({"name": sentence, "interval": step, "input_series": series, "promql_expr_test": flat,
                "external_labels": {"region": "eu-1", "prometheus": "regional-eu-1"}, **more})
