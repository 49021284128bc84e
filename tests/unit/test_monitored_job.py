"""Rules and panels ask for one job: whoever scrapes workers, in Compose or in Kubernetes, gives it that name."""

import re
import subprocess
from typing import Any, Final

import pytest
import yaml

from agents.settings import Settings
from tests.monitoring import DEPLOY, RULES, alerts, panel_expressions, rules, series_of

JOB: Final = "hxi"
ROOT: Final = DEPLOY.parent
PAGE: Final = ROOT / "docs/deployment.md"


def manifest(name: str) -> Any:
    """Return what a file of deploy/kubernetes holds."""
    return yaml.safe_load((DEPLOY / "kubernetes" / name).read_text("utf-8"))


def scraping(name: str) -> Any:
    """Return a configuration of Prometheus."""
    return yaml.safe_load((DEPLOY / "prometheus" / name).read_text("utf-8"))


def names_of_workers() -> dict[str, str]:
    """Return under which name each configuration has to look for workers."""
    service = manifest("service.yaml")["metadata"]["name"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    (worker,) = (name for name, service in compose["services"].items() if name == "worker")
    return {
        "prometheus.yml": worker,
        "kubernetes.yml": f"{service}.{manifest('kustomization.yaml')['namespace']}.svc",
    }


def test_everything_that_is_asked_is_asked_of_that_job() -> None:
    asked = [rule["expr"] for rule in rules()] + [expression for _, expression in panel_expressions()]
    named = [one for each in asked for one in series_of(each)]
    of_workers = [one for one in named if not re.match("ALERTS$|kube_|.*:", one.metric)]
    assert of_workers
    assert {one.equal.get("job") for one in of_workers} == {JOB}
    assert alerts()["HxiAbsent"]["labels"]["job"] == JOB


def test_what_is_asked_of_kubernetes_is_asked_of_the_cron_job_that_there_is() -> None:
    named = [one for rule in rules() for one in series_of(rule["expr"]) if one.metric.startswith("kube_")]
    assert {one.equal["cronjob"] for one in named} == {manifest("retention.yaml")["metadata"]["name"]}


@pytest.mark.parametrize("file", ["prometheus.yml", "kubernetes.yml"])
def test_prometheus_finds_workers_by_their_name_and_gives_them_that_job(file: str) -> None:
    (job,) = scraping(file)["scrape_configs"]
    (found,) = job["dns_sd_configs"]
    assert job["job_name"] == JOB
    assert (found["names"], found["port"]) == ([names_of_workers()[file]], Settings().web_port)
    assert scraping(file)["rule_files"] == ["rules/*.yml"]


def test_the_configurations_differ_in_the_name_alone() -> None:
    compose, kubernetes = scraping("prometheus.yml"), scraping("kubernetes.yml")
    kubernetes["scrape_configs"][0]["dns_sd_configs"][0]["names"] = [names_of_workers()["prometheus.yml"]]
    assert kubernetes == compose


def test_the_prometheus_operator_gives_workers_that_job() -> None:
    monitor = manifest("pod-monitor.yaml")
    (scraped,) = monitor["spec"]["podMetricsEndpoints"]
    assert scraped["relabelings"] == [{"targetLabel": "job", "replacement": JOB}]
    assert monitor["metadata"]["namespace"] == manifest("kustomization.yaml")["namespace"]


def test_no_annotation_has_workers_scraped_under_the_name_of_another_job() -> None:
    assert "annotations" not in manifest("worker.yaml")["spec"]["template"]["metadata"]


def test_the_pages_way_to_make_a_prometheus_rule_makes_one_of_the_rules() -> None:
    section = PAGE.read_text("utf-8").split("\n## Kubernetes\n")[1]
    (command,) = re.findall(r"^ *(\(echo .+\)) \| kubectl apply --filename -$", section, re.MULTILINE)
    done = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20)
    made = yaml.safe_load(done.stdout)
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert made["metadata"] == {"name": JOB, "namespace": manifest("kustomization.yaml")["namespace"]}
    assert made["spec"] == yaml.safe_load(RULES.read_text("utf-8"))
