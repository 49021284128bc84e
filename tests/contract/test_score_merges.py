"""Every sink gives a session that has ended one score, of its latest state, and an open one none."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.rows import dict_row

from pipeline.simulation import Traffic, simulate
from schema.events import API_CALL, ERROR, PAGE_VIEW, SESSION_END
from schema.rows import ApiCall, KeptChunk, KeptEvent
from tests.builders import (
    NOON_US,
    OTHER_SESSION,
    REPLAY,
    SESSION,
    TOPICS,
    Owner,
    at,
    decoded,
    kept,
    kept_chunk,
    numbered,
)
from tests.contract.conftest import InMemory, InPostgres, Store
from tests.results import expected_emotions

ALL = 1000
TIMEOUT_S = 60

Scores = dict[UUID, tuple[int, dict[str, int]]]


def scores(store: Store) -> Scores:
    """Return score and points by code of every session that has been scored."""
    rows = [row for row in store.table("experience_scores") if row.get("derived", True)]  # NULL: by others
    assert len({row["session_id"] for row in rows}) == len(rows)
    return {
        row["session_id"]: (row["score"], {issue["code"]: issue["points"] for issue in row["issues"]}) for row in rows
    }


def ended(*events: KeptEvent, session_id: UUID = SESSION, by_s: float = 60) -> list[KeptEvent]:
    """Return a session of these events that says that it ends."""
    return [replace(event, session_id=session_id) for event in (*events, kept(by_s, SESSION_END))]


def stored(store: InPostgres) -> list[dict[str, Any]]:
    """Return all there is of experience scores, with ids and times."""
    with psycopg.connect(store.url, row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM experience_scores ORDER BY id").fetchall()


def insert(store: InPostgres, table: str, **values: Any) -> None:
    """Insert a row as others do."""
    names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
    with psycopg.connect(store.url) as connection:
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})".encode(), list(values.values()))


async def test_nothing_has_changed_where_nothing_was_written(store: Store) -> None:
    assert await store.sink.judge(ALL) == 0
    assert scores(store) == {}


async def test_an_open_session_has_no_score(store: Store) -> None:
    await (await Owner.of(store.sink)).write(kept(0), kept(1, ERROR))
    assert [await store.sink.judge(ALL) for _ in range(2)] == [1, 0]
    assert scores(store) == {}


async def test_a_session_is_not_scored_before_it_is_judged(store: Store) -> None:
    await (await Owner.of(store.sink)).write(*ended(kept(0)))
    assert scores(store) == {}


async def test_a_session_that_has_ended_has_a_score(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0), kept(1, ERROR))
    await store.sink.judge(ALL)
    await owner.write(kept(2, SESSION_END))
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {SESSION: (90, {"js_error": 6, "error_after_click": 4})}


async def test_everything_that_the_tables_hold_of_a_session_counts(store: Store) -> None:
    call = ApiCall("/users/7", 2_000, 503)
    events = [
        *(kept(n / 10, screen_name="/cart", element_id="buy", x=5, y=5) for n in range(3)),
        kept(1, ERROR, screen_name="/cart"),
        kept(5, API_CALL, screen_name="/pay", api_call=call),
        *(kept(10 + n, PAGE_VIEW, screen_name=screen) for n, screen in enumerate(["/a", "/b", "/a"])),
    ]
    await (await Owner.of(store.sink)).write(*ended(*events), *ended(session_id=OTHER_SESSION))
    await store.sink.judge(ALL)
    codes = ["error_after_click", "failed_call", "js_error", "rage_click", "slow_call", "turned_back"]
    assert scores(store) == {
        SESSION: (72, dict(zip(codes, [4, 6, 6, 8, 2, 2], strict=True))),
        OTHER_SESSION: (100, {}),
    }
    found = next(row["issues"] for row in store.table("experience_scores") if row["session_id"] == SESSION)
    assert [(issue["code"], issue["first_at"][17:], issue["screens"]) for issue in found] == [
        ("rage_click", "00Z", ["/cart"]),
        ("failed_call", "05Z", ["/pay"]),
        ("js_error", "01Z", ["/cart"]),
        ("error_after_click", "01Z", ["/cart"]),
        ("slow_call", "05Z", ["/pay"]),
        ("turned_back", "11Z", ["/b"]),
    ]


async def test_a_late_error_corrects_the_score(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(*ended(kept(0)))
    await store.sink.judge(ALL)
    assert scores(store) == {SESSION: (100, {})}
    await owner.write(kept(9, ERROR))
    assert scores(store) == {SESSION: (100, {})}
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {SESSION: (94, {"js_error": 6})}


async def test_a_late_view_can_raise_the_score(store: Store) -> None:
    owner = await Owner.of(store.sink)
    views = [kept(n, PAGE_VIEW, screen_name=screen) for n, screen in [(0, "/a"), (2, "/b"), (4, "/a")]]
    await owner.write(*ended(*views))
    await store.sink.judge(ALL)
    assert scores(store) == {SESSION: (98, {"turned_back": 2})}
    await owner.write(kept(3, PAGE_VIEW, screen_name="/c"))
    await store.sink.judge(ALL)
    assert scores(store) == {SESSION: (100, {})}


async def test_a_score_that_is_corrected_keeps_its_row(in_postgres: InPostgres) -> None:
    owner = await Owner.of(in_postgres.sink)
    await owner.write(*ended(kept(0)))
    await in_postgres.sink.judge(ALL)
    (before,) = stored(in_postgres)
    await owner.write(kept(9, ERROR))
    await in_postgres.sink.judge(ALL)
    (after,) = stored(in_postgres)
    assert (before["id"], before["score"]) == (after["id"], 100)
    assert after["score"] == 94
    assert after["generated_at"] > before["generated_at"]


async def test_a_score_that_stays_is_not_written_again(in_postgres: InPostgres) -> None:
    owner = await Owner.of(in_postgres.sink)
    await owner.write(*ended(kept(0, ERROR)))
    await in_postgres.sink.judge(ALL)
    before = stored(in_postgres)
    await owner.write(kept(30))
    assert await in_postgres.sink.judge(ALL) == 1
    assert stored(in_postgres) == before


@pytest.mark.parametrize("again", [1, 3])
async def test_judging_again_changes_nothing(store: Store, again: int) -> None:
    await (await Owner.of(store.sink)).write(*ended(kept(0, ERROR)), *ended(session_id=OTHER_SESSION))
    await store.sink.judge(ALL)
    before = store.table("experience_scores")
    assert [await store.sink.judge(ALL) for _ in range(again)] == [0] * again
    assert store.table("experience_scores") == before


@pytest.mark.parametrize(
    ("late", "points"),
    [(kept(90), 6), (kept(1, ERROR, arrival_us=at(90)), 12), (kept_chunk(0, 90), 6)],
    ids=["new", "old", "chunk"],
)
async def test_a_record_that_reopens_a_quiet_session_takes_its_score_away(
    store: Store, late: KeptEvent | KeptChunk, points: int
) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0, ERROR))
    await owner.write(arrival_us=at(80))
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {}
    assert await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 1
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {SESSION: (94, {"js_error": 6})}

    await owner.write(late, arrival_us=at(90))
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {}
    await owner.write(arrival_us=at(150))
    assert await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 1
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {SESSION: (100 - points, {"js_error": points})}


async def test_a_session_reopened_before_it_was_judged_has_no_score(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0))
    await owner.write(arrival_us=at(80))
    assert await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 1
    await owner.write(kept(90), arrival_us=at(90))
    assert await store.sink.judge(ALL) == 1
    assert scores(store) == {}


async def test_a_session_of_chunks_alone_is_scored_once_it_is_quiet(store: Store) -> None:
    owner = await Owner.of(store.sink, REPLAY)
    await owner.write(kept_chunk(0, 1))
    await owner.write(arrival_us=at(1000))
    assert await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 1
    await store.sink.judge(ALL)
    assert scores(store) == {SESSION: (100, {})}


@pytest.mark.parametrize(
    ("sessions", "most", "rounds"),
    [
        (1, 1, [1, 0]),
        (4, 5, [4, 0]),
        (5, 5, [5, 0]),
        (6, 5, [5, 1, 0]),
        (7, 3, [3, 3, 1, 0]),
        (300, 200, [200, 100, 0]),
    ],
)
async def test_judging_takes_at_most_so_many_and_says_how_many(
    store: Store, sessions: int, most: int, rounds: list[int]
) -> None:
    written = [event for n in range(sessions) for event in ended(session_id=numbered(n))]
    await (await Owner.of(store.sink)).write(*written)
    scored = 0
    for taken in rounds:
        assert await store.sink.judge(most) == taken
        scored += taken
        assert len(scores(store)) == scored
    assert scored == sessions


async def test_scores_that_others_inserted_are_left_alone(in_postgres: InPostgres) -> None:
    owner = await Owner.of(in_postgres.sink)
    await owner.write(*ended(kept(0, ERROR)), kept(0, session_id=OTHER_SESSION))
    for session_id in (SESSION, SESSION, OTHER_SESSION, None):
        insert(in_postgres, "experience_scores", session_id=session_id, score=7)
    by_hand = stored(in_postgres)
    for late in (kept(1), kept(2, ERROR)):
        await in_postgres.sink.judge(ALL)
        await owner.write(late, replace(late, session_id=OTHER_SESSION))
    await in_postgres.sink.judge(ALL)
    assert stored(in_postgres)[: len(by_hand)] == by_hand
    assert scores(in_postgres) == {SESSION: (84, {"js_error": 12, "error_after_click": 4})}
    assert len(stored(in_postgres)) == len(by_hand) + 1


async def test_results_that_others_inserted_cost_nothing(in_postgres: InPostgres) -> None:
    await (await Owner.of(in_postgres.sink)).write(*ended(kept(0)))
    insert(in_postgres, "rage_click_events", session_id=SESSION, click_count=9)
    for number, screen in enumerate(["/a", "/b", "/a"], 1):
        insert(in_postgres, "journey_steps", session_id=SESSION, step_number=number, screen_name=screen)
    await in_postgres.sink.judge(ALL)
    assert scores(in_postgres) == {SESSION: (100, {})}


# What the tables' columns allow others to insert, whatever a tracker would send.
@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("latency_metrics", {"latency_ms": None, "status_code": 200}),
        ("latency_metrics", {"latency_ms": 9, "status_code": None}),
        ("latency_metrics", {"latency_ms": 9, "status_code": 200, "recorded_at": None}),
        ("events", {"event_type": "click", "timestamp": None}),
        ("events", {"event_type": "error", "timestamp": None}),
    ],
    ids=str,
)
async def test_what_others_inserted_half_filled_does_not_stop_judging(
    in_postgres: InPostgres, table: str, values: dict[str, Any]
) -> None:
    await (await Owner.of(in_postgres.sink)).write(*ended(kept(0, ERROR)), *ended(session_id=OTHER_SESSION))
    insert(in_postgres, table, session_id=SESSION, **values)
    assert await in_postgres.sink.judge(ALL) == 2
    assert scores(in_postgres) == {SESSION: (94, {"js_error": 6}), OTHER_SESSION: (100, {})}


def simulated(events: int) -> list[list[KeptEvent | KeptChunk]]:
    """Return traffic of many sessions in flushes of 25 deliveries, late and out of order as it comes."""
    rough = Traffic(sessions_per_minute=40, duplicate_rate=0, out_of_order_rate=0.2, late_rate=0.1)
    deliveries = enumerate(simulate(rough, events=events, seed=5, start_ms=NOON_US // 1000))
    items = [item for offset, delivery in deliveries for item in decoded(delivery, offset)]
    return [items[begin : begin + 25] for begin in range(0, len(items), 25)]


async def play(store: Store, flushes: Sequence[Sequence[KeptEvent | KeptChunk]], most: int) -> list[dict[str, Any]]:
    """Write, judging up to ``most`` after every flush, end everything, and return the scores."""
    owner = await Owner.of(store.sink)
    for items in flushes:
        await owner.write(*items, arrival_us=max(item.arrival_us for item in items))
        await store.sink.judge(most)
        await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS)
    await owner.write(arrival_us=at(86_400))
    await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS)
    while await store.sink.judge(most):
        pass
    names = ("session_id", "score", "issues")
    rows = [{name: row[name] for name in names} for row in store.table("experience_scores")]
    return sorted(rows, key=itemgetter("session_id"))


async def test_memory_and_postgresql_agree_however_often_they_judge(
    in_memory: InMemory, in_postgres: InPostgres
) -> None:
    flushes = simulated(900)
    often = await play(in_memory, flushes, 3)
    assert often == await play(in_postgres, flushes, ALL) == await play(InMemory(), flushes, 10)
    events = [item for items in flushes for item in items if isinstance(item, KeptEvent)]
    emotions = in_memory.emotions()
    assert emotions == in_postgres.emotions() == expected_emotions(events)
    assert emotions.total() > 30
    sessions = {item.session_id for items in flushes for item in items}
    assert {row["session_id"] for row in often} == sessions
    assert len({row["score"] for row in often}) > 3
