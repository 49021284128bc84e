"""Every sink holds one prediction for a window: what all of the session's events, taken at once, say of it."""

from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from pipeline.moments import moment
from schema.events import SESSION_END
from schema.rows import KeptChunk, KeptEvent
from tests.builders import OTHER_SESSION, REPLAY, SESSION, TOPICS, Owner, at, busy, kept, kept_chunk
from tests.contract.conftest import InPostgres, Store
from tests.results import expected_emotions

ALL = 1000
TIMEOUT_S = 60
ANY_MODEL_S = 90
"""What any model finds something to judge in."""


def stored(store: InPostgres) -> list[dict[str, Any]]:
    """Return all there is of predictions, with ids and times."""
    with psycopg.connect(store.url, row_factory=dict_row) as connection:
        return connection.execute("SELECT * FROM emotion_predictions ORDER BY id").fetchall()


def run(store: InPostgres, statement: str, *parameters: Any) -> None:
    with psycopg.connect(store.url) as connection:
        connection.execute(statement.encode(), parameters)


async def test_a_session_is_judged_while_it_is_open(store: Store) -> None:
    events = busy(0, ANY_MODEL_S)
    await (await Owner.of(store.sink)).write(*events)
    assert not store.emotions()
    assert [await store.sink.judge(ALL) for _ in range(2)] == [1, 0]
    assert store.emotions() == expected_emotions(events)
    assert store.emotions()
    assert store.table("experience_scores") == []


# first:  |--- busy ---|            |--- busy ---|
# late:                |--- busy ---|
async def test_late_events_are_judged_and_so_is_what_comes_after_them(store: Store) -> None:
    events = busy(0, 3 * ANY_MODEL_S)
    early, late, rest = (events[n * 2 * ANY_MODEL_S : (n + 1) * 2 * ANY_MODEL_S] for n in range(3))
    owner = await Owner.of(store.sink)
    await owner.write(*early, *rest)
    await store.sink.judge(ALL)
    before = store.emotions()
    assert before == expected_emotions([*early, *rest])
    await owner.write(*late)
    assert await store.sink.judge(ALL) == 1
    assert store.emotions() == expected_emotions(events) != before


@pytest.mark.parametrize("size", [1, 7, 50])
async def test_events_judged_as_they_come_give_what_they_give_at_once(store: Store, size: int) -> None:
    events = [
        event
        for both in zip(busy(0, ANY_MODEL_S), busy(0, ANY_MODEL_S, session_id=OTHER_SESSION), strict=True)
        for event in both
    ]
    owner = await Owner.of(store.sink)
    for begin in range(0, len(events), size):
        await owner.write(*events[begin : begin + size])
        await store.sink.judge(ALL)
    assert store.emotions() == expected_emotions(events)


MARKS = [
    pytest.param([kept(9), kept(5), kept(7)], [], 5, id="earliest of a flush"),
    pytest.param([kept(5)], [kept(9)], 5, id="later after earlier"),
    pytest.param([kept(9)], [kept(5)], 5, id="earlier after later"),
    pytest.param([kept_chunk(0, 5)], [], None, id="chunk"),
    pytest.param([kept_chunk(0, 5)], [kept(9)], 9, id="event after chunk"),
    pytest.param([kept(9)], [kept_chunk(0, 5)], 9, id="chunk after event"),
]


@pytest.mark.parametrize(("first", "second", "changed_s"), MARKS)
async def test_a_mark_says_from_when_on_events_changed(
    store: Store, first: list[KeptEvent | KeptChunk], second: list[KeptEvent | KeptChunk], changed_s: int | None
) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(*first)
    if second:
        await owner.write(*second)
    assert store.marks() == {SESSION: None if changed_s is None else moment(at(changed_s))}
    assert await store.sink.judge(ALL) == 1
    assert store.marks() == {}


@pytest.mark.parametrize("judged_before", [False, True])
async def test_a_session_that_went_quiet_is_judged_from_when_on_its_events_changed(
    store: Store, judged_before: bool
) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(5))
    if judged_before:
        await store.sink.judge(ALL)
    await owner.write(arrival_us=at(1000))
    assert await store.sink.end_quiet_sessions(TIMEOUT_S, TOPICS) == 1
    assert store.marks() == {SESSION: None if judged_before else moment(at(5))}


async def test_a_session_of_which_only_chunks_came_is_not_read_again(store: Store) -> None:
    owner, replay = await Owner.of(store.sink), await Owner.of(store.sink, REPLAY)
    events = busy(0, ANY_MODEL_S)
    await owner.write(*events)
    await store.sink.judge(ALL)
    window_us = min(store.emotions()).window_us
    store.feel("another", 0.5, moment(window_us))
    changed = store.emotions()
    assert changed != expected_emotions(events)

    await replay.write(kept_chunk(0, 1))
    assert await store.sink.judge(ALL) == 1
    assert store.emotions() == changed
    more = kept(0.1, "mouse_move")
    await owner.write(more)
    assert await store.sink.judge(ALL) == 1
    assert store.emotions() == expected_emotions([*events, more])


async def test_predictions_of_windows_before_the_change_are_not_made_again(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(*busy(0, ANY_MODEL_S))
    await store.sink.judge(ALL)
    store.feel("another", 0.5, moment(min(store.emotions()).window_us))
    await owner.write(kept(3600))
    await store.sink.judge(ALL)
    assert "another" in {each.emotion for each in store.emotions()}


async def test_a_flush_that_is_tried_again_changes_no_prediction(store: Store) -> None:
    owner = await Owner.of(store.sink)
    events = busy(0, ANY_MODEL_S)
    flush = owner.flush(*events)
    for again in (False, True):
        assert (await store.sink.write(flush)).resolved is again
        assert await store.sink.judge(ALL) == (not again)
    assert store.emotions() == expected_emotions(events)


def feelings() -> list[tuple[str, float, datetime]]:
    """Return what a session felt long before its first event: two windows that count as frustrated, of six."""
    told = [
        ("calm", 0.99),
        ("frustrated", 0.79),
        ("frustrated", 0.8),
        ("delighted", 1.0),
        ("frustrated", 1.0),
        ("frustrated", 0.0),
    ]
    return [(emotion, confidence, moment(at(-3600 + 30 * n))) for n, (emotion, confidence) in enumerate(told)]


async def test_windows_that_were_surely_frustrated_cost_points(store: Store) -> None:
    owner = await Owner.of(store.sink)
    await owner.write(kept(0, screen_name="/cart"), kept(1, SESSION_END))
    for feeling in feelings():
        store.feel(*feeling)
    await store.sink.judge(ALL)
    (score,) = store.table("experience_scores")
    assert (score["score"], score["issues"]) == (
        90,
        [
            {
                "code": "frustrated",
                "count": 2,
                "points": 10,
                "first_at": moment(at(-3540)).isoformat() + "Z",
                "screens": ["/cart"],
            }
        ],
    )


async def test_what_others_inserted_is_left_alone_and_costs_nothing(in_postgres: InPostgres) -> None:
    owner = await Owner.of(in_postgres.sink)
    events = [*busy(0, ANY_MODEL_S), kept(ANY_MODEL_S, SESSION_END)]
    await owner.write(*events)
    for _ in range(2):
        run(
            in_postgres,
            "INSERT INTO emotion_predictions (session_id, event_id, predicted_emotion, confidence)"
            " SELECT %s, min(event_id), 'frustrated', 1 FROM events",
            SESSION,
        )
        run(in_postgres, "INSERT INTO emotion_predictions DEFAULT VALUES")
    theirs = stored(in_postgres)
    await in_postgres.sink.judge(ALL)
    late = kept(0.1, "mouse_move")
    await owner.write(late)
    await in_postgres.sink.judge(ALL)
    assert stored(in_postgres)[:4] == theirs
    assert in_postgres.emotions() == expected_emotions([*events, late])
    frustrated = [each for each in in_postgres.emotions() if each.emotion == "frustrated" and each.confidence >= 0.8]
    (score,) = in_postgres.table("experience_scores")
    counted = [issue["count"] for issue in score["issues"] if issue["code"] == "frustrated"]
    assert sum(counted) == len(frustrated)


async def test_a_prediction_that_stays_is_not_written_again(in_postgres: InPostgres) -> None:
    await (await Owner.of(in_postgres.sink)).write(*busy(0, ANY_MODEL_S))
    await in_postgres.sink.judge(ALL)
    before = stored(in_postgres)
    assert before
    run(in_postgres, "INSERT INTO hxi_state.unjudged VALUES (%s, '2000-01-01')", SESSION)
    assert await in_postgres.sink.judge(ALL) == 1
    assert stored(in_postgres) == before


async def test_a_prediction_that_changes_keeps_its_row(in_postgres: InPostgres) -> None:
    await (await Owner.of(in_postgres.sink)).write(*busy(0, ANY_MODEL_S))
    await in_postgres.sink.judge(ALL)
    before = stored(in_postgres)
    run(in_postgres, "UPDATE emotion_predictions SET confidence = 0.123 WHERE id = %s", before[0]["id"])
    run(in_postgres, "INSERT INTO hxi_state.unjudged VALUES (%s, '2000-01-01')", SESSION)
    await in_postgres.sink.judge(ALL)
    first, *rest = stored(in_postgres)
    assert rest == before[1:]
    assert first["predicted_at"] > before[0]["predicted_at"]
    assert first | {"predicted_at": None} == before[0] | {"predicted_at": None}


async def test_a_session_that_somebody_deleted_stops_no_judge(in_postgres: InPostgres) -> None:
    await (await Owner.of(in_postgres.sink)).write(*busy(0, ANY_MODEL_S), kept(0, session_id=OTHER_SESSION))
    for table in ("events", "heatmap_points", "rage_click_events", "sessions"):
        run(in_postgres, f"DELETE FROM {table} WHERE session_id = %s", SESSION)
    assert [await in_postgres.sink.judge(ALL) for _ in range(2)] == [2, 0]
    assert stored(in_postgres) == []


# What the tables' columns allow others to insert, whatever a tracker would send.
@pytest.mark.parametrize(
    ("table", "columns", "values"),
    [
        ("events", "event_type, timestamp", "NULL, '2024-01-05 12:00:31'"),
        ("events", "event_type, timestamp", "'api_call', '2024-01-05 12:00:31'"),
        ("events", "event_type, timestamp", "'click', NULL"),
        ("events", "event_type, timestamp", "'click', 'infinity'"),
        ("events", "event_type, timestamp", "'click', '-infinity'"),
        ("events", "event_type, timestamp", "'click', '1999-12-31 23:59:59'"),
        ("latency_metrics", "latency_ms, recorded_at", "9, '2024-01-05 12:00:31'"),
        ("latency_metrics", "status_code, recorded_at", "200, '2024-01-05 12:00:31'"),
        ("latency_metrics", "latency_ms, status_code, recorded_at", "9, 200, NULL"),
        ("latency_metrics", "latency_ms, status_code, recorded_at", "9, 200, 'infinity'"),
        ("latency_metrics", "latency_ms, status_code, recorded_at", "9, 200, '1999-12-31 23:59:59'"),
    ],
)
async def test_what_no_tracker_can_say_is_not_judged(
    in_postgres: InPostgres, table: str, columns: str, values: str
) -> None:
    events = busy(0, ANY_MODEL_S)
    await (await Owner.of(in_postgres.sink)).write(*events)
    for _ in range(10):
        run(in_postgres, f"INSERT INTO {table} (session_id, {columns}) VALUES (%s, {values})", SESSION)
    run(in_postgres, "UPDATE hxi_state.unjudged SET changed_from = '2000-01-01'")
    assert await in_postgres.sink.judge(ALL) == 1
    assert in_postgres.emotions() == expected_emotions(events)


# What somebody may do to rows of HXI's own, for all that the columns allow.
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE emotion_predictions SET confidence = NULL",
        "UPDATE emotion_predictions SET window_start = 'infinity' WHERE id = (SELECT min(id) FROM emotion_predictions)",
        "UPDATE rage_click_events SET first_click_time = NULL",
        "UPDATE rage_click_events SET click_count = NULL, first_click_time = '-infinity'",
        "UPDATE journey_steps SET event_time = NULL",
        "UPDATE journey_steps SET event_time = 'infinity', screen_name = NULL",
        "UPDATE latency_metrics SET latency_ms = NULL",
        "UPDATE error_logs SET occurred_at = NULL",
    ],
)
async def test_rows_that_somebody_emptied_stop_no_judge(in_postgres: InPostgres, change: str) -> None:
    owner = await Owner.of(in_postgres.sink)
    rage = [kept(n / 10, "click", x=1, y=1, screen_name="/a") for n in range(3)]
    views = [kept(n, "page_view", screen_name=f"/{n % 2}") for n in range(3)]
    await owner.write(*busy(0, ANY_MODEL_S), *rage, *views, kept(ANY_MODEL_S, SESSION_END))
    await in_postgres.sink.judge(ALL)
    run(in_postgres, change)
    await owner.write(kept(ANY_MODEL_S + 300))
    assert await in_postgres.sink.judge(ALL) == 1
    (score,) = in_postgres.table("experience_scores")
    assert 0 <= score["score"] <= 100
