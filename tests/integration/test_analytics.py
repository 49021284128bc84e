"""What analysts get: percentiles of windows and of merged windows, heatmaps of all viewports."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest
from ddsketch import DDSketch

from agents.embedded import Postgres
from pipeline.fold import FoldPolicy
from pipeline.latency import RELATIVE_ERROR, latency_rows
from pipeline.moments import moment
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL
from schema.rows import ApiCall, KeptEvent
from tests import reference
from tests.builders import Owner, at, kept
from tests.conftest import new_database
from tests.deployment import fresh_name
from tests.results import WITHIN
from tests.roles import as_writer

MINUTES = 60
CALLS_PER_MINUTE = 50
LAST_MINUTE_CALLS = CALLS_PER_MINUTE + 1
"""Makes 3 001 calls in an hour: the percentiles asked for are calls, none between two."""

INT4_MAX = 2**31 - 1
PERCENTS = (50, 95, 99)

DISTRIBUTIONS: dict[str, Callable[[random.Random], int]] = {
    "/uniform": lambda chance: chance.randint(0, 10_000),
    "/log-normal": lambda chance: round(chance.lognormvariate(5, 1.5)),
    "/bimodal": lambda chance: round(chance.gauss(20, 3) if chance.random() < 0.7 else chance.gauss(3000, 200)),
    "/constant": lambda _: 137,
    "/constantly 0": lambda _: 0,
    "/0 or longest": lambda chance: chance.choice([0, INT4_MAX]),
}
WINDOWS: dict[str, list[int]] = {
    "/one": [977],
    "/two": [10, 5000],
    "/one of 0": [0],
    "/one of 1": [1],
    "/0 and 1": [0, 1],
    "/longest": [INT4_MAX],
    "/0 and longest": [0, INT4_MAX],
    "/three": [1, 2, 3],
    "/hundred": list(range(1, 101)),
    "/outlier": [5] * 99 + [60_000],
}
"""Windows of one minute, by endpoint."""

Minutes = dict[tuple[int, str], list[int]]
"""Latencies by minute after noon and endpoint."""


def hour() -> Minutes:
    """Return the calls of an hour."""
    chance = random.Random(11)
    calls: Minutes = {}
    for minute in range(MINUTES):
        number = LAST_MINUTE_CALLS if minute == MINUTES - 1 else CALLS_PER_MINUTE
        for endpoint, draw in DISTRIBUTIONS.items():
            calls[minute, endpoint] = [max(0, draw(chance)) for _ in range(number)]
    return calls | {(0, endpoint): latencies for endpoint, latencies in WINDOWS.items()}


HOUR = hour()


def call(seconds: float, endpoint: str, latency_ms: int, status: int = 200, screen: str | None = None) -> KeptEvent:
    return kept(seconds, API_CALL, api_call=ApiCall(endpoint, latency_ms, status), screen_name=screen)


async def write(url: str, *flushes: Sequence[KeptEvent]) -> None:
    sink = PostgresSink(as_writer(url), "analytics", FoldPolicy())
    owner = await Owner.of(sink)
    for events in flushes:
        await owner.write(*events)
    await sink.close()


def ask(url: str, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run a statement and return its rows, if it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def hour_url(postgres: Postgres, template_database: str) -> str:
    """A database that has seen the hour, in flushes that know no minutes."""
    url = new_database(postgres.address, fresh_name("hour"), template_database)
    events = [
        call(minute * 60 + n / 100, endpoint, latency_ms, screen=f"/{n % 2}" if minute % 2 else None)
        for (minute, endpoint), latencies in HOUR.items()
        for n, latency_ms in enumerate(latencies)
    ]
    random.Random(2).shuffle(events)
    asyncio.run(write(url, *(events[n::5] for n in range(5))))
    return url


def exact(latencies: Sequence[int]) -> list[Any]:
    """Return the percentiles of ``latencies``, as near as they have to be."""
    ascending = sorted(latencies)
    return [pytest.approx(reference.percentile(ascending, one), rel=WITHIN, abs=1e-9) for one in PERCENTS]


def of_hour(endpoint: str) -> list[int]:
    return [one for (_, name), latencies in HOUR.items() if name == endpoint for one in latencies]


def test_percentiles_of_every_window_are_within_the_bound(hour_url: str) -> None:
    asked = "SELECT window_start, screen_name, api_endpoint, p50_ms, p95_ms, p99_ms, calls FROM latency_rollups"
    expected = {}
    for (minute, endpoint), latencies in HOUR.items():
        of_screens: defaultdict[str | None, list[int]] = defaultdict(list)
        for n, latency_ms in enumerate(latencies):
            of_screens[f"/{n % 2}" if minute % 2 else None].append(latency_ms)
        for screen, of_screen in of_screens.items():
            expected[moment(at(minute * 60)), screen, endpoint] = [*exact(of_screen), len(of_screen)]
    assert {row[:3]: list(row[3:]) for row in ask(hour_url, asked)} == expected


@pytest.mark.parametrize("endpoint", [*DISTRIBUTIONS, *WINDOWS])
def test_percentiles_over_an_hour_are_within_the_bound(hour_url: str, endpoint: str) -> None:
    latencies = of_hour(endpoint)
    asked = "SELECT p50_ms, p95_ms, p99_ms FROM analytics.latency(%s, %s) WHERE api_endpoint = %s"
    ((*found,),) = ask(hour_url, asked, moment(at(0)), moment(at(3600)), endpoint)
    assert found == exact(latencies)
    assert all(min(latencies) <= one <= max(latencies) for one in found)


@pytest.mark.parametrize("endpoint", [*DISTRIBUTIONS, *WINDOWS])
def test_percentiles_of_merged_sketches_are_within_the_bound(hour_url: str, endpoint: str) -> None:
    asked = """
        SELECT analytics.percentile(merged, 0.5), analytics.percentile(merged, 0.95), analytics.percentile(merged, 0.99)
        FROM (SELECT analytics.merged(sketch) FROM latency_rollups WHERE api_endpoint = %s) AS of_hour (merged)
    """
    ((*found,),) = ask(hour_url, asked, endpoint)
    assert found == exact(of_hour(endpoint))


@pytest.mark.parametrize("endpoint", DISTRIBUTIONS)
def test_percentiles_are_the_librarys_own_where_they_are_calls(hour_url: str, endpoint: str) -> None:
    sketch, latencies = DDSketch(RELATIVE_ERROR), of_hour(endpoint)
    assert len(latencies) % 100 == 1
    for latency_ms in latencies:
        sketch.add(latency_ms)
    for fraction in (0, 0.25, 0.5, 0.95, 0.99, 1):
        asked = "SELECT analytics.percentile(analytics.merged(sketch), %s) FROM latency_rollups WHERE api_endpoint = %s"
        assert ask(hour_url, asked, fraction, endpoint) == [(pytest.approx(sketch.get_quantile_value(fraction)),)]


ORDERS = {
    "as they lie": "SELECT analytics.merged(sketch)",
    "by time": "SELECT analytics.merged(sketch ORDER BY window_start)",
    "by time, backwards": "SELECT analytics.merged(sketch ORDER BY window_start DESC)",
    "by nothing of theirs": "SELECT analytics.merged(sketch ORDER BY md5(window_start::text))",
}
MERGED_TWICE = """
    SELECT api_endpoint, (merged).bins, (merged).calls FROM (
        SELECT api_endpoint, analytics.merged(part)
        FROM (
            SELECT api_endpoint, extract(minute FROM window_start)::int % 7, analytics.merged(sketch)
            FROM latency_rollups GROUP BY 1, 2
        ) AS parts (api_endpoint, number, part)
        GROUP BY 1
    ) AS whole (api_endpoint, merged) ORDER BY 1
"""


@pytest.mark.parametrize("order", ORDERS)
def test_sketches_merge_into_the_same_one_in_any_order_and_by_any_parts(hour_url: str, order: str) -> None:
    asked = f"""
        SELECT api_endpoint, (merged).bins, (merged).calls FROM (
            {ORDERS[order]}, api_endpoint FROM latency_rollups GROUP BY api_endpoint
        ) AS of_hour (merged, api_endpoint) ORDER BY 1
    """
    merged = {endpoint: (bins, calls) for endpoint, bins, calls in ask(hour_url, asked)}
    assert merged == {endpoint: (bins, calls) for endpoint, bins, calls in ask(hour_url, MERGED_TWICE)}
    for endpoint in DISTRIBUTIONS:
        (whole,) = latency_rows([call(0, endpoint, latency_ms) for latency_ms in of_hour(endpoint)], 500)
        assert merged[endpoint] == (whole.bins, whole.bin_calls), endpoint


@pytest.mark.parametrize("fraction", [0, 0.01, 0.5, 0.999, 1])
def test_a_percentile_of_one_call_is_that_call(hour_url: str, fraction: float) -> None:
    asked = "SELECT analytics.percentile(sketch, %s) FROM latency_rollups WHERE api_endpoint = '/one'"
    assert ask(hour_url, asked, fraction) == [(pytest.approx(977, rel=WITHIN),)]


def test_percentiles_of_nothing_are_nothing(database_url: str) -> None:
    asked = "SELECT analytics.merged(sketch), analytics.percentile(analytics.merged(sketch), 0.5) FROM latency_rollups"
    assert ask(database_url, asked) == [(None, None)]
    assert ask(database_url, "SELECT * FROM analytics.latency(%s, %s)", moment(at(0)), moment(at(60))) == []


# Windows of a call each, of as many milliseconds as minutes past 11:59:   0 | 1 | 2 | 3
SPANS = [
    (0, 60, [1]),
    (0, 120, [1, 2]),
    (0.000001, 120, [2]),
    (0, 60.000001, [1, 2]),
    (60, 60, []),
    (-60, 180, [0, 1, 2, 3]),
]


async def test_latency_is_of_the_minutes_from_a_time_to_before_another(database_url: str) -> None:
    await write(database_url, [call(60 * minute - 60, f"/{minute}x", minute) for minute in range(4)])
    asked = "SELECT min_ms FROM analytics.latency(%s, %s)"
    for from_s, to_s, latencies in SPANS:
        found = ask(database_url, asked, moment(at(from_s)), moment(at(to_s)))
        assert sorted(row[0] for row in found) == latencies, (from_s, to_s)


async def test_latency_of_an_endpoint_is_that_of_all_its_screens_and_minutes(database_url: str) -> None:
    calls = [call(0, "/a/1", 0, 500, "/s"), call(60, "/a/2", 1000, 0), call(61, "/a/3", 2001, 499), call(0, "/b", 7)]
    await write(database_url, calls[:2], calls[2:])
    asked = "SELECT api_endpoint, calls, errors, min_ms, max_ms, mean_ms, apdex FROM analytics.latency(%s, %s)"
    assert ask(database_url, asked, moment(at(0)), moment(at(120))) == [
        ("/a/:id", 3, 2, 0, 2001, pytest.approx(3001 / 3), pytest.approx(1.5 / 3)),
        ("/b", 1, 0, 7, 7, 7, 1),
    ]


RELATIVE = [
    (400, 800, 0.5),
    (0, 800, 0),
    (800, 800, 1),
    (-80, 800, -0.1),
    (1, 3, pytest.approx(1 / 3)),
    (400, 0, None),
    (400, -1, None),
    (400, None, None),
    (None, 800, None),
    (INT4_MAX, 1, INT4_MAX),
]
"""x, viewport width, relative x."""


async def test_heatmaps_give_x_relative_to_the_viewport_and_y_as_it_is(database_url: str) -> None:
    clicks = [kept(n, x=x, y=1234, screen_name=f"/{n}", viewport_width=w) for n, (x, w, _) in enumerate(RELATIVE)]
    await write(database_url, clicks)
    asked = "SELECT screen_name, kind, x, y, relative_x, weight, event_time FROM analytics.heatmap ORDER BY event_time"
    assert ask(database_url, asked) == [
        (f"/{n}", "click", x, 1234, relative_x, 1, moment(at(n))) for n, (x, _, relative_x) in enumerate(RELATIVE)
    ]


def test_heatmaps_hold_the_points_that_others_inserted(database_url: str) -> None:
    ask(database_url, "INSERT INTO heatmap_points (screen_name, x, y) VALUES ('/a', 5, 6)")
    assert ask(database_url, "SELECT screen_name, kind, x, relative_x, y, weight FROM analytics.heatmap") == [
        ("/a", None, 5, None, 6, 1)
    ]


@pytest.mark.parametrize("fraction", [-0.001, 1.001, 95, "'NaN'"])
async def test_a_percentile_beyond_all_calls_is_an_error(database_url: str, fraction: object) -> None:
    await write(database_url, [call(0, "/a", 5)])
    with pytest.raises(psycopg.errors.NumericValueOutOfRange, match="is not between 0 and 1"):
        ask(database_url, f"SELECT analytics.percentile(sketch, {fraction}) FROM latency_rollups")


@pytest.mark.parametrize("empty", ["ROW(NULL, NULL)", "ROW('{}', '{}')"])
async def test_a_percentile_of_no_calls_is_null(database_url: str, empty: str) -> None:
    assert ask(database_url, f"SELECT analytics.percentile({empty}::analytics.latency_sketch, 0.5)") == [(None,)]
