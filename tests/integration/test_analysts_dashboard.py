"""Every query of the analysts' dashboard, asked as somebody who may do no more than hxi_analyst may, has an answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.deployment import Deployment
from tests.grafana import filled_in
from tests.monitoring import dashboard, panels
from tests.roles import as_analyst
from tests.servers.choice import Broker

CLICKS_WITH_A_PLACE = """
    SELECT sum(weight) FROM analytics.heatmap WHERE screen_name = %s AND kind = 'click' AND x IS NOT NULL
"""

HOSTILE = "it's '); DROP TABLE events; --"
"""A screen's name, which anybody decides who sends events."""

Answer = tuple[list[str], list[tuple[Any, ...]]]

TARGETS = [
    pytest.param(panel, target, id=f"{panel['title']} {target['refId']}")
    for panel in panels("analysts")
    for target in panel["targets"]
]


@pytest.fixture(scope="module")
def analyst(
    broker: Broker, own_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["psycopg.Connection[Any]"]:
    """A connection of somebody who queries what the demo has brought into the tables."""
    with Deployment.open(broker.address, own_database, tmp_path_factory.mktemp("demo")) as deployment:
        deployment.hxi("demo", "--events", "3000", HXI_DATABASE_URL=own_database)
    with psycopg.connect(as_analyst(own_database), autocommit=True) as connection:
        yield connection


def asked(connection: "psycopg.Connection[Any]", query: str, **variables: str) -> Answer:
    """Return the names of the columns and the rows that Grafana would get for the last six hours."""
    now = datetime.now(UTC)
    cursor = connection.execute(filled_in(query, now - timedelta(hours=6), now, variables).encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()


def screens(connection: "psycopg.Connection[Any]") -> list[str]:
    """Return what the dashboard offers to choose among."""
    (variable,) = (one for one in dashboard("analysts")["templating"]["list"] if one["name"] == "screen")
    return [name for (name,) in asked(connection, variable["query"])[1]]


@pytest.mark.parametrize(("panel", "target"), TARGETS)
def test_a_panel_shows_something(
    analyst: "psycopg.Connection[Any]", panel: dict[str, Any], target: dict[str, Any]
) -> None:
    columns, rows = asked(analyst, target["rawSql"], screen=screens(analyst)[0], kind="click")
    assert rows
    assert len(set(columns)) == len(columns)
    empty = {name for place, name in enumerate(columns) if all(row[place] is None for row in rows)}
    assert {name for name in empty if not name.endswith(" %")} == set(), "only parts of a screen may have nothing"


@pytest.mark.parametrize(("panel", "target"), TARGETS)
def test_what_is_said_of_a_column_is_said_of_one_that_is_there(
    analyst: "psycopg.Connection[Any]", panel: dict[str, Any], target: dict[str, Any]
) -> None:
    columns, rows = asked(analyst, target["rawSql"], screen="any", kind="click")
    named = [one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]]
    named += [panel["options"]["xField"]] if "xField" in panel["options"] else []
    assert set(named) <= set(columns)
    if target["format"] == "time_series":
        assert columns[0] == "time"
        times = [float(row[0]) for row in rows]
        assert times == sorted(times), "Grafana takes them in order only"


def test_the_heatmap_has_every_click_that_has_a_place(analyst: "psycopg.Connection[Any]") -> None:
    (panel,) = (one for one in panels("analysts") if one["title"].startswith("Where people point"))
    screen = screens(analyst)[0]
    columns, rows = asked(analyst, panel["targets"][0]["rawSql"], screen=screen, kind="click")
    expected = analyst.execute(CLICKS_WITH_A_PLACE, (screen,)).fetchone()
    assert expected is not None
    assert sum(cell or 0 for row in rows for cell in row[1:]) == expected[0] > 0
    assert len(columns) == 21
    assert [row[0] for row in rows] == [str(50 * place) for place in range(len(rows))], (
        "a number would count for the colours"
    )


def test_a_screens_name_is_a_text_whatever_is_in_it(analyst: "psycopg.Connection[Any]") -> None:
    asking = [target["rawSql"] for panel in panels("analysts") for target in panel["targets"]]
    tried = [query for query in asking if "screen:" in query]
    assert tried
    for query in tried:
        assert "$screen" not in query.replace("${screen:sqlstring}", "")
        asked(analyst, query, screen=HOSTILE, kind="click")
    (of_a_kind,) = (query for query in tried if "kind:" in query)
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="kind has to be"):
        asked(analyst, of_a_kind, screen=HOSTILE, kind=HOSTILE)
    assert asked(analyst, "SELECT count(*) FROM events")[1][0][0] > 2000


def test_every_query_keeps_to_the_range_of_time() -> None:
    for panel in panels("analysts"):
        for target in panel["targets"]:
            assert "$__timeFilter(" in target["rawSql"] or "$__timeFrom()" in target["rawSql"], panel["title"]
