"""The dashboards are what Grafana's own schema knows, and find their data where they are provisioned to look."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.monitoring import DASHBOARDS, DEPLOY, ROW, dashboard, panels

PROVISIONING = DEPLOY / "grafana/provisioning"
WIDTH = 24
"""Columns of Grafana's grid."""

BOTH = list(DASHBOARDS)


@pytest.fixture(scope="module", autouse=True)
def _types_of_panels() -> None:
    register_default_plugins()


def lost(given: Any, known: Any, path: str = "") -> Iterator[str]:
    """Yield what Grafana's schema does not know of a dashboard, or reads as something else."""
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            yield from lost(value, known.get(key, "nothing"), f"{path}.{key}")
    elif isinstance(given, list) and isinstance(known, list) and len(given) == len(known):
        for place, pair in enumerate(zip(given, known, strict=True)):
            yield from lost(*pair, f"{path}[{place}]")
    elif given != known:
        yield f"{path}: {given!r} is read as {known!r}"


@pytest.mark.parametrize("name", BOTH)
def test_grafanas_schema_knows_all_of_it(name: str) -> None:
    given = dashboard(name)
    assert list(lost(given, json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder)))) == []


def test_what_the_schema_does_not_know_is_found() -> None:
    given = dashboard("operators")
    given["panels"][1]["options"]["textmode"] = given["panels"][1]["options"].pop("textMode")
    known = json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder))
    assert list(lost(given, known)) == [".panels[1].options.textmode: 'auto' is read as 'nothing'"]


@pytest.mark.parametrize("name", BOTH)
def test_no_panel_lies_on_another(name: str) -> None:
    shown = dashboard(name)["panels"]
    assert max(Counter(panel["id"] for panel in shown).values()) == 1
    for panel in shown:
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= WIDTH
    for one, other in combinations((panel["gridPos"] for panel in shown), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


@pytest.mark.parametrize("name", BOTH)
def test_each_panel_asks_a_source_that_is_provisioned(name: str) -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources/hxi.yml").read_text("utf-8"))["datasources"]
    provisioned = [{"type": source["type"], "uid": source["uid"]} for source in sources]
    asked = [part["datasource"] for panel in panels(name) for part in (panel, *panel["targets"])]
    asked += [one["datasource"] for one in dashboard(name)["templating"]["list"] if "datasource" in one]
    assert asked
    assert all(source in provisioned for source in asked)


def test_no_password_is_in_a_file_of_ours() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources/hxi.yml").read_text("utf-8"))["datasources"]
    secret = [value for source in sources for value in source.get("secureJsonData", {}).values()]
    assert secret
    assert all(value.startswith("$__file{/run/secrets/") for value in secret)


@pytest.mark.parametrize("name", BOTH)
def test_a_dashboard_has_a_name_of_its_own_and_says_what_it_is_for(name: str) -> None:
    shown = dashboard(name)
    assert shown["uid"] == f"hxi-{name}"
    assert "id" not in shown, "the number that one Grafana gave it"
    assert shown["description"]
    assert shown["timezone"] == "utc"
    assert [panel["type"] for panel in shown["panels"]].count(ROW) >= 5
