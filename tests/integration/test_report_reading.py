"""A report says of a period what is in the tables, read with no more than an analyst's rights."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from agents.report.page import render
from pipeline.moments import moment
from pipeline.report import ERROR, RAGE_CLICK, SCREEN, Mark, Period, Report, ScoreCause
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.report import MOST_SESSIONS, read_report
from tests.builders import at
from tests.handmade import PERIOD, Rows, session_id
from tests.reports import EMPTY, HOSTILE, NO_HEADLINES
from tests.roles import as_analyst
from tests.visits import visits, write

HOUR = Period(*PERIOD)
NOTHING = replace(EMPTY, period=HOUR)


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with Rows.of(database_url) as opened:
        yield opened


def noon(seconds: float) -> Any:
    return moment(at(seconds))


def begin(rows: Rows, url: str, session: str, screens: str) -> None:
    """Let a session begin at noon, with a journey."""
    rows.journey(session, screens)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE sessions SET start_time = %s WHERE session_id = %s", (noon(0), session_id(session)))


def test_a_database_of_nothing_is_a_report_of_nothing(database_url: str) -> None:
    assert read_report(as_analyst(database_url), HOUR) == NOTHING


# one: A .. B   x rage   ! error        two: A
#      0   60   70       90                  0
def test_what_others_inserted_is_reported(rows: Rows, database_url: str) -> None:
    begin(rows, database_url, "one", "A 0, B 60")
    begin(rows, database_url, "two", "A 0")
    rage = {"first_click_time": noon(70), "last_click_time": noon(71), "click_count": 4}
    rows.add("rage_click_events", "one", screen_name="B", element_id="buy", **rage)
    rows.add("error_logs", "one", screen_name="B", error_message="it broke", occurred_at=noon(90))
    rows.add("experience_scores", "one", score=40)
    read = read_report(as_analyst(database_url), HOUR)

    assert read.headlines == replace(NO_HEADLINES, sessions=2, rage_clicks=1, sessions_with_errors=1, median_score=40.0)
    assert {(move.step, move.from_screen, move.to_screen, move.sessions) for move in read.moves} == {
        (1, "A", "B", 1),
        (1, "A", None, 1),
        (2, "B", None, 1),
    }
    (spot,), (group,) = read.hot_spots, read.errors
    assert (spot.screen_name, spot.element_id, spot.rage_clicks, spot.mean_clicks, spot.share) == ("B", "buy", 1, 4, 1)
    assert (group.message, group.times, group.screen, group.last_seen) == ("it broke", 1, "B", noon(90))
    assert [band.sessions for band in read.scores if band.sessions] == [1]
    worst, other = read.sessions
    assert (worst.session_id, worst.score, worst.screens, worst.rage_clicks) == (session_id("one"), 40, 2, 1)
    assert worst.marks == [
        Mark(SCREEN, 0, "A"),
        Mark(SCREEN, 60_000, "B"),
        Mark(RAGE_CLICK, 70_000, "buy"),
        Mark(ERROR, 90_000, "it broke"),
    ]
    assert (other.session_id, other.score, other.marks) == (session_id("two"), None, [Mark(SCREEN, 0, "A")])
    assert "it broke" in render(read)


def clicks(rows: Rows, session: str, *, width: int | None = 1000, count: int = 1, screen: str = "A") -> None:
    size = {"viewport_width": width, "viewport_height": None if width is None else 700}
    place = {"screen_name": screen, "x": (width or 1000) // 2, "y": 30, "event_time": noon(5)}
    rows.add("heatmap_points", session, weight=count, kind="click", **place, **size)


def test_a_map_is_of_a_screen_on_one_class_of_devices(rows: Rows, database_url: str) -> None:
    clicks(rows, "phone 1", width=400, count=5)
    clicks(rows, "phone 2", width=380, count=2)
    clicks(rows, "unknown", count=3)
    clicks(rows, "bot", count=50)
    clicks(rows, "unknown", width=None, count=20)
    (found,) = read_report(as_analyst(database_url), HOUR).screens
    assert (found.screen_name, found.device_class, found.sessions, found.clicks) == ("A", "mobile", 2, 7)
    assert (found.viewport_width, found.viewport_height, found.columns) == (400, 700, 20)
    assert sum(cell.clicks for cell in found.cells) == 7
    assert {cell.row for cell in found.cells} == {1}


@pytest.mark.parametrize(
    "odd",
    [
        {"viewport_width": 1000, "viewport_height": 2_147_483_647, "x": 500, "y": 2_147_483_647},
        {"viewport_width": 1000, "viewport_height": 100_001, "x": 500, "y": 30},
        {"viewport_width": 2_147_483_647, "viewport_height": 700, "x": 2_147_483_647, "y": 30},
        {"viewport_width": 1000, "viewport_height": 700, "x": -1, "y": 30},
    ],
)
def test_a_window_that_nobody_has_is_no_screens(rows: Rows, database_url: str, odd: dict[str, int]) -> None:
    clicks(rows, "phone 1", width=400)
    rows.add("heatmap_points", "phone 2", weight=9, kind="click", screen_name="A", event_time=noon(5), **odd)
    rows.add("heatmap_points", "phone 2", weight=9, kind="click", screen_name="B", event_time=noon(5), **odd)
    read = read_report(as_analyst(database_url), HOUR)
    (found,) = read.screens
    assert (found.screen_name, found.viewport_width, found.viewport_height, found.clicks) == ("A", 400, 700, 1)
    assert "</html>" in render(read)


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        ('"points": -3, "count": 1e400', []),
        ('"points": null, "count": 1', []),
        ('"points": 0', []),
        ('"points": 0.4, "count": 1', []),
        ('"points": "9"', []),
        ('"points": 0.5', [ScoreCause("odd", 1, 0, 1)]),
        ('"points": 1e400, "count": 1e400', [ScoreCause("odd", 1, 10**15, 10**15)]),
        ('"points": 2, "count": -1e400', [ScoreCause("odd", 1, 0, 2)]),
    ],
)
def test_causes_are_what_cost_points_whatever_others_wrote(
    rows: Rows, database_url: str, issue: str, expected: list[ScoreCause]
) -> None:
    begin(rows, database_url, "one", "A 0")
    rows.add("experience_scores", "one", score=40, issues=f'[{{"code": "odd", {issue}}}]')
    read = read_report(as_analyst(database_url), HOUR)
    assert read.causes == expected
    assert "</html>" in render(read)


def test_where_devices_are_unknown_a_map_is_of_all_of_them(rows: Rows, database_url: str) -> None:
    clicks(rows, "phone 1", width=400, count=5)
    clicks(rows, "unknown", count=6)
    (found,) = read_report(as_analyst(database_url), HOUR).screens
    assert (found.device_class, found.sessions, found.clicks) == (None, 2, 11)
    assert [(cell.column, cell.row, cell.clicks) for cell in found.cells] == [(25, 1, 11)]


def test_what_bots_did_is_not_there(rows: Rows, database_url: str) -> None:
    begin(rows, database_url, "bot", "A 0, B 60")
    clicks(rows, "bot")
    rows.add("rage_click_events", "bot", screen_name="A", first_click_time=noon(1), last_click_time=noon(2))
    rows.add("error_logs", "bot", error_message="it broke", occurred_at=noon(3))
    rows.add("experience_scores", "bot", score=1)
    rows.add("emotion_predictions", "bot", predicted_emotion="bored", predicted_at=noon(4))
    rows.add("events", "bot", event_type="click", timestamp=noon(5))
    assert read_report(as_analyst(database_url), HOUR) == NOTHING


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_from_the_tables_is_drawn_whatever_it_is(rows: Rows, database_url: str, name: str) -> None:
    name = name[:255]
    rows.add("journey_steps", "one", step_number=1, screen_name=name, event_time=noon(0))
    clicks(rows, "one", screen=name)
    rows.add("rage_click_events", "one", screen_name=name, element_id=name, first_click_time=noon(1))
    rows.add("error_logs", "one", screen_name=name, error_message=name, stack_trace=name, occurred_at=noon(3))
    read = read_report(as_analyst(database_url), HOUR)
    assert (len(read.screens), len(read.hot_spots), len(read.errors), len(read.moves)) == (1, 1, 1, 1)
    assert "</html>" in render(read)


@pytest.fixture(scope="module")
def day(own_database: str) -> tuple[str, Report]:
    """A day of visitors, written as a worker does, and its report."""
    asyncio.run(write(own_database, visits(3000, HOUR.start)))
    return own_database, read_report(as_analyst(own_database), Period(HOUR.start, HOUR.start + timedelta(days=1)))


def counted(url: str, question: str) -> int:
    with psycopg.connect(url) as connection:
        ((number,),) = connection.execute(question.encode()).fetchall()
    return int(number)


PEOPLE = "session_id NOT IN (SELECT session_id FROM analytics.bot_sessions)"


def test_figures_are_those_of_the_tables(day: tuple[str, Report]) -> None:
    url, read = day
    now = read.headlines
    assert now.sessions == counted(url, f"SELECT count(*) FROM sessions WHERE {PEOPLE}") > 20
    assert now.events == counted(url, f"SELECT count(*) FROM events WHERE {PEOPLE}")
    assert now.rage_clicks == counted(url, f"SELECT count(*) FROM rage_click_events WHERE {PEOPLE}") > 0
    assert now.calls == counted(url, "SELECT count(*) FROM latency_metrics") == sum(one.calls for one in read.endpoints)
    assert sum(band.sessions for band in read.scores) == counted(
        url, f"SELECT count(*) FROM experience_scores WHERE {PEOPLE}"
    )
    assert (read.before, now.incomplete) == (NO_HEADLINES, 0)


def test_parts_of_a_report_agree_with_each_other(day: tuple[str, Report]) -> None:
    _, read = day
    first = sum(move.sessions for move in read.moves if move.step == 1)
    went_on = sum(move.sessions for move in read.moves if move.step == 1 and move.to_screen is not None)
    assert 0 < first <= read.headlines.sessions
    assert went_on == sum(move.sessions for move in read.moves if move.step == 2)
    for screen in read.screens:
        assert sum(cell.clicks for cell in screen.cells) == screen.clicks
        assert {cell.column for cell in screen.cells} <= set(range(screen.columns))
        assert [depth.share for depth in screen.depths] == sorted((one.share for one in screen.depths), reverse=True)
    charted = {point.api_endpoint for point in read.latency}
    assert charted == {endpoint.api_endpoint for endpoint in read.endpoints[: len(charted)]}
    assert len(read.sessions) == min(MOST_SESSIONS, read.headlines.sessions)
    scores = [session.score for session in read.sessions if session.score is not None]
    assert scores == sorted(scores)
    assert all(session.marks and session.device for session in read.sessions)


def test_a_database_that_is_not_migrated_is_a_sentence(postgres: Any) -> None:
    empty = postgres.address.rpartition("/")[0] + "/template1"
    with pytest.raises(Unavailable, match="does not exist"):
        read_report(empty, HOUR)
