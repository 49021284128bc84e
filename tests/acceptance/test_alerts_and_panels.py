"""What rules and the operators' panels ask for, a worker tells, by these names and labels."""

import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from kafka import KafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from tests.deployment import RECORDED_SESSION, Deployment, WorkerProcess, wait_until
from tests.monitoring import Named, alerts, panel_expressions, rules, series_of
from tests.servers.prometheus import PrometheusServer, prometheus_server

OF_PROMETHEUS = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate"}}
"""Series that it makes itself."""

OF_KUBERNETES = {
    f"kube_cronjob_{name}": {"namespace", "cronjob"}
    for name in ("created", "spec_suspend", "status_last_successful_time")
}
"""Series that kube-state-metrics tells of a CronJob, where there is one."""

OF_OTHERS = OF_PROMETHEUS | OF_KUBERNETES

ADDED = {"job", "instance"}
"""Labels that it gives to all that it reads."""

ONLY_IN_TROUBLE = {"Alerts that fire"}

LOOKS_BACK_S = 60
"""How far back the panels look here, where all is asked each second."""


def told(worker: WorkerProcess) -> dict[str, list[dict[str, str]]]:
    """Return the labels of a worker's series, by name."""
    found: dict[str, list[dict[str, str]]] = {}
    with urllib.request.urlopen(f"http://127.0.0.1:{worker.web_port}/metrics", timeout=10) as answer:
        for family in text_string_to_metric_families(answer.read().decode()):
            for sample in family.samples:
                found.setdefault(sample.name, []).append(sample.labels)
    return found


def is_told(series: Named, by_name: dict[str, list[dict[str, str]]]) -> bool:
    equal = {name: value for name, value in series.equal.items() if name not in ADDED}
    labels = series.labels - ADDED
    return any(equal.items() <= have.items() and labels <= have.keys() for have in by_name.get(series.metric, []))


def expressions() -> list[tuple[str, str]]:
    """Return everything that is asked of Prometheus, with the name of who asks."""
    of_rules = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    return of_rules + list(panel_expressions(LOOKS_BACK_S))


def test_a_worker_tells_every_series_that_a_rule_or_panel_names(deployment: Deployment) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="1")
    worker.wait_until_reading()
    wait_until(lambda: "hxi_lag_seconds" in told(worker), "the partitions' series are there")
    by_name = told(worker)
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    missing = []
    for who, expression in expressions():
        named = series_of(expression)
        assert named, f"{who} names no series, so none was checked"
        for series in named:
            if series.metric in recorded:
                continue
            if series.metric in OF_OTHERS:
                known = series.labels <= OF_OTHERS[series.metric] | ADDED
            else:
                known = is_told(series, by_name)
            if not known:
                missing.append((who, series))
    assert missing == []


def test_a_name_a_label_and_a_labels_value_that_nobody_tells_are_found() -> None:
    by_name = {"hxi_lag_seconds": [{"topic": "t", "partition": "0"}]}
    (right,) = series_of('max by (job, topic) (hxi_lag_seconds{job="hxi"})')
    assert is_told(right, by_name)
    for wrong in ("hxi_lag_second", "max by (topics) (hxi_lag_seconds)", 'hxi_lag_seconds{topic="other"}'):
        (series,) = series_of(wrong)
        assert not is_told(series, by_name), wrong


def test_prometheus_answers_every_panel_of_a_worker_at_work(
    deployment: Deployment, prometheus_programs: Path, tmp_path: Path
) -> None:
    worker = deployment.start_worker(HXI_TOPIC_PARTITIONS="1")
    worker.wait_until_reading()
    with prometheus_server(prometheus_programs, tmp_path, [f"127.0.0.1:{worker.web_port}"]) as prometheus:
        wait_until(lambda: bool(prometheus.value_of('up{job="hxi"} == 1')), "the worker is asked")
        deployment.hxi("publish", RECORDED_SESSION)
        send_rubbish(deployment)
        deployment.wait_until_drained()
        wait_until(
            lambda: unanswered(prometheus) == ONLY_IN_TROUBLE,
            lambda: f"answered, but for what is to be seen in trouble only: {unanswered(prometheus)}",
        )
        loaded = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        assert {rule["health"] for rule in loaded} == {"ok"}
        assert {rule["name"] for rule in loaded if rule["type"] == "alerting"} == alerts().keys()
        with pytest.raises(HTTPError):
            prometheus.value_of("rate(hxi_received_total)")


def send_rubbish(deployment: Deployment) -> None:
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(deployment.topic("EVENTS"), b"[]")
    producer.close()


def unanswered(prometheus: PrometheusServer) -> set[str]:
    """Return the titles of the panels of which some expression has no answer."""
    return {title for title, asked in panel_expressions(LOOKS_BACK_S) if not prometheus.value_of(asked)}
