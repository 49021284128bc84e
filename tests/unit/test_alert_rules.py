"""Every alert says what it is, how bad, and where the remedy is written down; and each is tried, firing and not."""

import re
from pathlib import Path

import pytest
import yaml
from promql_parser import parse_duration

from agents.metrics import TO_A_DAY
from agents.settings import load_settings
from tests.monitoring import RULE_TESTS, RULES, alerts, panels, rules, series_of

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "docs/runbook.md"
PARTS = ["**Means.**", "**Look.**", "**Do.**"]

ALERTS = sorted(alerts())
ROUND_S = 15
"""As ``prometheus.yml`` has it."""


def sections() -> dict[str, str]:
    """Return the runbook's sections about alerts by their headings."""
    _, *found = re.split(r"^## ", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)
    return {heading: text for heading, _, text in (one.partition("\n") for one in found) if heading.startswith("Hxi")}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_it_is_and_how_bad(alert: str) -> None:
    rule = alerts()[alert]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert all(rule["annotations"].values())


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_its_section_of_the_runbook(alert: str) -> None:
    file, _, anchor = alerts()[alert]["annotations"]["runbook_url"].partition("#")
    assert ROOT / file == RUNBOOK
    assert anchor in {heading.lower() for heading in sections()}
    assert anchor == alert.lower()


def test_the_runbook_has_a_section_for_each_alert_and_no_other() -> None:
    assert sorted(sections()) == ALERTS


@pytest.mark.parametrize("alert", ALERTS)
def test_a_section_tells_the_meaning_the_first_look_and_the_remedy(alert: str) -> None:
    text = sections()[alert]
    places = [text.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_is_tried_where_it_fires_and_where_it_does_not(alert: str) -> None:
    tried = [
        bool(case["exp_alerts"])
        for file in RULE_TESTS
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]
    assert set(tried) == {True, False}


def test_every_rule_file_is_one_that_is_tried() -> None:
    assert sorted(RULES.parent.glob("*")) == [RULES]
    for file in RULE_TESTS:
        assert yaml.safe_load(file.read_text("utf-8"))["rule_files"] == [f"../rules/{RULES.name}"]


def test_a_rule_that_records_is_used() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = [rule["expr"] for rule in alerts().values()]
    assert recorded == {one.metric for expression in asked for one in series_of(expression) if ":" in one.metric}


TOLD_AFTER_S = {
    "HxiWriterStalled": 60 + 30,
    "HxiPartitionStuck": 60 + 45,
    "HxiRecoveryHanging": 90,
    "HxiLagUnknown": 60 + 30,
    "HxiServerAway": 90,
}
"""When each alert fires at the latest but for two rounds of Prometheus: its window or threshold, and for how long."""


@pytest.mark.parametrize(("alert", "told_s"), TOLD_AFTER_S.items())
def test_what_a_restart_would_hide_is_told_of_before_a_probe_kills(alert: str, told_s: int) -> None:
    rule = alerts()[alert]
    window_s = int("[1m" in rule["expr"] or "> 60" in rule["expr"]) * 60
    in_window = 0 if alert == "HxiServerAway" else window_s  # its first failure is in the window at once
    assert in_window + parse_duration(rule["for"]).total_seconds() == told_s
    assert told_s + 2 * ROUND_S < load_settings({}).health_stuck_after_s + probe_s()


@pytest.mark.parametrize("alert", TOLD_AFTER_S)
def test_what_a_restart_would_hide_is_told_of_until_the_next_has_shown_it_again(alert: str) -> None:
    assert parse_duration(alerts()[alert]["keep_firing_for"]).total_seconds() >= 60


def probe_s() -> float:
    """Return how soon at least a liveness probe of ``deploy/kubernetes`` kills a worker that has begun to fail it."""
    deployed = yaml.safe_load((ROOT / "deploy/kubernetes/worker.yaml").read_text("utf-8"))
    probe = deployed["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]
    return float(probe["periodSeconds"] * (probe["failureThreshold"] - 1))


def test_the_objective_is_a_bound_of_the_histogram() -> None:
    bounds = {one.equal["le"] for rule in rules() for one in series_of(rule["expr"]) if "le" in one.equal}
    assert bounds == {"1.0"}
    assert float(*bounds) in TO_A_DAY


def test_the_operators_see_the_alerts() -> None:
    assert [panel for panel in panels("operators") if 'alertname=~"Hxi.+"' in panel["targets"][0].get("expr", "")]
    assert all(alert.startswith("Hxi") for alert in ALERTS)
