"""Latency over time is that of its calls, in steps of any length; errors are one where only values differ."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL
from schema.rows import ApiCall, KeptEvent
from tests import reference
from tests.builders import Owner, at, kept
from tests.handmade import Rows, session_id
from tests.results import WITHIN
from tests.roles import as_writer

Call = tuple[float, str, int, int]
"""Seconds after noon, endpoint, milliseconds, status."""


def many_calls() -> list[Call]:
    """Return calls of two hours, as different as calls can be: they fill nearly all bins that a sketch can have."""
    chance = random.Random(9)
    return [
        (
            chance.uniform(0, 7200),
            chance.choice(["/a", "/b"]),
            round(2 ** chance.uniform(0, 31)) - 1,
            chance.choice([200, 404, 500, 0]),
        )
        for _ in range(12_000)
    ]


CALLS = many_calls()


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with Rows.of(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def called(own_database: str) -> Iterator[Rows]:
    """A database that has seen the calls."""
    events = [
        kept(seconds, API_CALL, api_call=ApiCall(endpoint, ms, status), screen_name=f"/{n % 3}")
        for n, (seconds, endpoint, ms, status) in enumerate(CALLS)
    ]
    asyncio.run(_write(own_database, events))
    with Rows.of(own_database) as opened:
        yield opened


async def _write(url: str, events: list[KeptEvent]) -> None:
    sink = PostgresSink(as_writer(url), "service", FoldPolicy())
    owner = await Owner.of(sink)
    await owner.write(*events)
    await sink.close()


def expected(calls: list[Call]) -> tuple[Any, ...]:
    """Return what is said of the calls of one step."""
    latencies = sorted(latency_ms for _, _, latency_ms, _ in calls)
    failed = sum(status == 0 or status >= 500 for *_, status in calls)
    content = sum(1 if one <= 500 else 0.5 if one <= 2000 else 0 for one in latencies)
    exact = [pytest.approx(reference.percentile(latencies, percent), rel=WITHIN, abs=1e-9) for percent in (50, 95, 99)]
    share = pytest.approx(failed / len(calls))
    mean = pytest.approx(sum(latencies) / len(calls))
    return len(calls), failed, share, mean, *exact, pytest.approx(content / len(calls))


@pytest.mark.parametrize("endpoint", [None, "/a", "/c"])
@pytest.mark.parametrize("minutes", [1, 7, 60, 1440])
def test_latency_over_time_is_that_of_each_steps_calls(called: Rows, minutes: int, endpoint: str | None) -> None:
    steps: dict[datetime, list[Call]] = defaultdict(list)
    for call in CALLS:
        minute = int(call[0] // 60)
        if minute >= 3 and endpoint in (None, call[1]):
            steps[moment(at(180)) + timedelta(minutes=(minute - 3) // minutes * minutes)].append(call)
    asked = "SELECT * FROM analytics.latency_over_time(%s, %s, %s, %s)"
    found = called.ask(asked, moment(at(180)), moment(at(7200)), timedelta(minutes=minutes), endpoint)
    assert [row[0] for row in found] == sorted(steps)
    assert {row[0]: row[1:] for row in found} == {begins: expected(calls) for begins, calls in steps.items()}


def test_failed_calls_are_a_share_of_their_endpoints_calls(called: Rows) -> None:
    asked = "SELECT api_endpoint, error_share FROM analytics.latency('-infinity', 'infinity')"
    of_endpoints = {name: [call for call in CALLS if call[1] == name] for name in ("/a", "/b")}
    assert dict(called.ask(asked)) == {name: expected(calls)[2] for name, calls in of_endpoints.items()}


def test_a_merged_sketch_of_very_many_bins_is_that_of_the_sums(called: Rows) -> None:
    asked = """
        SELECT (merged).bins, (merged).calls, p50_ms FROM (
            SELECT analytics.merged(sketch) FROM latency_rollups WHERE api_endpoint = '/a'
        ) AS m (merged), analytics.latency('-infinity', 'infinity') AS l WHERE l.api_endpoint = '/a'
    """
    ((bins, calls, p50_ms),) = called.ask(asked)
    assert len(bins) > 900
    assert bins == sorted(set(bins))
    assert sum(calls) == sum(call[1] == "/a" for call in CALLS)
    again = "SELECT analytics.percentile(ROW(%s::int[], %s::bigint[])::analytics.latency_sketch, 0.5)"
    assert called.ask(again, bins, calls) == [(p50_ms,)]


VALUES = [
    ("plain words stay", "plain words stay"),
    ("status 503 of 7", "status # of #"),
    ("1,234.5 ms", "# ms"),
    ("at main.js:12:345", "at main.js:#"),
    ("order 6f1c9a0e-1b2c-4d3e-8f90-0123456789ab failed", "order # failed"),
    ("chunk 8c1f of product.19d0.js", "chunk # of product.#.js"),
    ("pointer 0xDEADbeef", "pointer #"),
    ("a deed, a facade", "a deed, a facade"),
    ("h2 of v3x", "h# of v#x"),
    ("reading 'price' of \"cart\" or `x`", "reading … of … or …"),
    ("can't and won't", "can't and won't"),
    ("Can't find variable: 'a'", "Can't find variable: …"),
    ("'' is empty", "… is empty"),
    ("an 'open quote\nand 'another", "an 'open quote\nand 'another"),
    ("5f3a, a1 and e2e", "#, # and #"),
    ("", ""),
    ("commit deadbeef, tree DeadBeefCafe", "commit #, tree #"),
    ("order deadbeef-1b2c-4d3e-8f90-0123456789ab failed", "order # failed"),
    ("a defaced, deadbeefy facade", "a defaced, deadbeefy facade"),
    ("no account of jo.3+x@mail.example.com.", "no account of …."),
    ("<jo@example.com>, 'ann@example.com'", "<…>, …"),
    ("f@p.min.js:1:2", "f@p.min.js:#"),
    ("f@https://a.example/p.js:1:2", "f@https://a.example/p.js:#"),
    ("at jo@home", "at jo@home"),
]


@pytest.mark.parametrize(("text", "without"), VALUES)
def test_what_differs_from_time_to_time_is_taken_out_of_a_text(rows: Rows, text: str, without: str) -> None:
    assert rows.ask("SELECT analytics.without_values(%s)", text) == [(without,)]


CHROME = (
    "TypeError: x\n    at f (https://a.example/p.8c1f.js:1:2)\n    at g (p.js:3:4)\n    at h (p.js:5:6)\n at i (p:7:8)"
)
FRAMES = [
    (CHROME, "at f (https://a.example/p.8c1f.js:1:2)\nat g (p.js:3:4)\nat h (p.js:5:6)"),
    ("f@p.js:1:2\ng@p.js:3:4\n", "f@p.js:1:2\ng@p.js:3:4"),
    ("p.js:1:2\nsaid by nobody", "p.js:1:2"),
    ("no frames", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("stack", "frames"), FRAMES)
def test_the_top_frames_of_a_stack_are_its_first_three(rows: Rows, stack: str | None, frames: str | None) -> None:
    assert rows.ask("SELECT analytics.top_frames(%s)", stack) == [(frames,)]


def error(
    rows: Rows, session: str, seconds: float, message: str | None, stack: str | None = None, screen: str = "/a"
) -> None:
    said = {"error_message": message, "stack_trace": stack, "screen_name": screen}
    rows.add("error_logs", session, occurred_at=moment(at(seconds)), **said)


ONE = ("Loading chunk 412 failed", "Error\n at f (p.js:1:2)\n at g (p.js:3:4)\n at h (p.js:5:6)\n at i (p.js:7:8)")
SAME = [
    ("Loading chunk 7 failed", ONE[1]),
    ("Loading chunk 412 failed\nand more", ONE[1]),
    (ONE[0], "Another\n at f (p.js:9:9)\n at g (p.js:3:4)\n at h (p.js:5:6)\n at j (p.js:7:8)"),
]
OTHERS: list[tuple[str | None, str | None]] = [
    ("Loading piece 412 failed", ONE[1]),
    (ONE[0], "Error\n at f (p.js:1:2)\n at e (p.js:3:4)\n at h (p.js:5:6)"),
    (ONE[0], None),
    (None, ONE[1]),
    (None, None),
]


@pytest.mark.parametrize(("message", "stack"), SAME)
def test_errors_are_one_where_only_values_and_deep_frames_differ(rows: Rows, message: str, stack: str) -> None:
    error(rows, "ann", 0, *ONE)
    error(rows, "ann", 1, message, stack)
    assert [row[2] for row in rows.ask_of("error_groups")] == [2]


@pytest.mark.parametrize(("message", "stack"), OTHERS)
def test_errors_are_two_where_words_or_top_frames_differ(rows: Rows, message: str | None, stack: str | None) -> None:
    error(rows, "ann", 0, *ONE)
    error(rows, "ann", 1, message, stack)
    assert len({row[0] for row in rows.ask_of("error_groups")}) == 2


def test_a_group_of_errors_says_whom_it_met_where_and_when(rows: Rows) -> None:
    for session, seconds, number, screen in (
        ("ann", -1, 0, "/before"),
        ("ann", 0, 1, "/a"),
        ("ann", 10, 2, "/b"),
        ("bob", 20, 3, "/a"),
        ("bot", 30, 4, "/c"),
        ("bob", 3600, 5, "/after"),
    ):
        error(rows, session, seconds, f"broke {number}", screen=screen)
    error(rows, "cat", 5, "else")
    (first, second) = rows.ask_of("error_groups")
    assert first[1:7] == ("broke #", 3, 2, 2, moment(at(0)), moment(at(20)))
    assert second[1:4] == ("else", 1, 1)
    assert rows.ask("SELECT session_id, error_message FROM error_logs WHERE id = %s", first[7]) == [
        (session_id("bob"), "broke 3")
    ]
    assert rows.ask_of("error_groups", True)[0][1:5] == ("broke #", 4, 3, 3)
