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
        for test in yaml.safe_load(RULE_TESTS.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert
    ]
    assert set(tried) == {True, False}


def test_every_rule_file_is_one_that_is_tried() -> None:
    assert sorted(RULES.parent.glob("*")) == [RULES]
    assert yaml.safe_load(RULE_TESTS.read_text("utf-8"))["rule_files"] == [f"../rules/{RULES.name}"]


def test_a_rule_that_records_is_used() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = [rule["expr"] for rule in alerts().values()]
    assert recorded == {one.metric for expression in asked for one in series_of(expression) if ":" in one.metric}


def test_a_partition_that_stands_is_told_of_when_a_restart_has_had_its_chance() -> None:
    """A worker that stands ends its own life (``/livez``) before anybody is called for one partition."""
    assert seconds_until_told("HxiPartitionStuck") > stuck_after_s()
    for alert in ("HxiRecoveryHanging", "HxiNothingClaimed"):
        assert parse_duration(alerts()[alert]["for"]).total_seconds() > stuck_after_s()


def test_a_worker_that_writes_nothing_is_told_of_between_two_restarts() -> None:
    assert seconds_until_told("HxiWriterStalled") < stuck_after_s()
    assert parse_duration(alerts()["HxiWriterStalled"]["keep_firing_for"]).total_seconds() > stuck_after_s()


def stuck_after_s() -> float:
    return load_settings({}).health_stuck_after_s


def seconds_until_told(alert: str) -> float:
    """Return how old what waits at a ledger is when the alert fires: the age that it needs, and for how long."""
    (age_s,) = re.findall(r'hxi_lag_seconds\{job="hxi"\}\)? > (\d+)', alerts()[alert]["expr"])
    return int(age_s) + parse_duration(alerts()[alert]["for"]).total_seconds()


def test_the_objective_is_a_bound_of_the_histogram() -> None:
    bounds = {one.equal["le"] for rule in rules() for one in series_of(rule["expr"]) if "le" in one.equal}
    assert bounds == {"1.0"}
    assert float(*bounds) in TO_A_DAY


def test_the_operators_see_the_alerts() -> None:
    assert [panel for panel in panels("operators") if 'alertname=~"Hxi.+"' in panel["targets"][0].get("expr", "")]
    assert all(alert.startswith("Hxi") for alert in ALERTS)
