"""What analysts get of sessions: an overview, devices and bots, emotions over time, scores and their causes."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks.postgres import PostgresSink
from schema.events import ERROR, PAGE_VIEW, SESSION_END
from schema.rows import JsError, KeptChunk, KeptEvent
from tests.builders import SESSION, USER, Owner, at, facts, kept, kept_chunk, numbered, user
from tests.roles import as_analyst, as_writer

NOON = moment(at(0))
WHOLE = (NOON, NOON + timedelta(days=1))
PHONE = "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
COUNTS = "screens, events, rage_clicks, errors, score, main_emotion, replay_chunks"


def ask(url: str, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Ask as an analyst."""
    with psycopg.connect(as_analyst(url)) as connection:
        return connection.execute(question.encode(), parameters or None).fetchall()


def put(url: str, table: str, **values: Any) -> None:
    """Insert a row as others do."""
    with psycopg.connect(url) as connection:
        given = [json.dumps(value) if isinstance(value, list | dict) else value for value in values.values()]
        insert = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})"
        connection.execute(insert.encode(), given)


async def written(url: str, *items: KeptEvent | KeptChunk) -> None:
    """Write ``items`` as a worker does, and judge their sessions."""
    sink = PostgresSink(as_writer(url), "hxi-pipeline", FoldPolicy())
    try:
        await (await Owner.of(sink)).write(*items)
        await sink.judge(1000)
    finally:
        await sink.close()


# /a .. /b .. /a  error  x x x (rage)  end
# 0     1     2   3      4 4.2 4.4     10
async def test_a_sessions_overview_is_a_line_that_says_how_it_went(database_url: str) -> None:
    views = [kept(n, PAGE_VIEW, screen_name=screen) for n, screen in enumerate(("/a", "/b", "/a"))]
    clicks = [kept(4 + n / 5, x=5, y=5, screen_name="/a") for n in range(3)]
    error = kept(3, ERROR, screen_name="/a", error=JsError("it broke", None))
    who = kept(5, "custom", user=user(), facts=facts(user_agent=PHONE))
    await written(database_url, *views, *clicks, error, who, kept_chunk(0), kept_chunk(1), kept(10, SESSION_END))

    (line,) = ask(database_url, "SELECT * FROM analytics.session_overview")
    ((score,),) = ask(database_url, "SELECT score FROM experience_scores")
    device = ("Firefox Mobile", "133.0", "Android", "mobile", False)
    times = (NOON, NOON + timedelta(seconds=10), 10_000)
    assert line[:10] == (SESSION, f"external {USER}", *device, *times)
    assert line[10:15] == (2, 9, 1, 1, score)
    assert line[16:] == (2,)


async def test_a_session_of_which_little_is_known_has_a_line_that_makes_nothing_up(database_url: str) -> None:
    await written(database_url, kept(1))
    put(database_url, "sessions", session_id=numbered(1), start_time=NOON, user_agent=PHONE)
    lines = ask(database_url, "SELECT * FROM analytics.session_overview ORDER BY start_time")
    unknown = (None, None, None, None, None, None)
    assert lines == [
        (numbered(1), *unknown, NOON, None, None, 0, 0, 0, 0, None, None, 0),
        (SESSION, *unknown, moment(at(1)), None, None, 0, 1, 0, 0, None, None, 0),
    ]


def test_rows_that_others_inserted_count(database_url: str) -> None:
    put(database_url, "sessions", session_id=SESSION, start_time=NOON)
    for screen in ("/a", "/b", "/a"):
        put(database_url, "journey_steps", session_id=SESSION, screen_name=screen)
        put(database_url, "events", session_id=SESSION, screen_name=screen)
    for table in ("rage_click_events", "error_logs", "session_replay_chunks"):
        put(database_url, table, session_id=SESSION)
    for score, generated_at in ((10, NOON), (20, NOON + timedelta(seconds=1)), (30, None)):
        put(database_url, "experience_scores", session_id=SESSION, score=score, generated_at=generated_at)
    assert ask(database_url, f"SELECT {COUNTS} FROM analytics.session_overview") == [(2, 3, 1, 1, 20, None, 1)]


@pytest.mark.parametrize(
    ("predicted", "main"),
    [
        ([("calm", 0.9), ("bored", 0.4), ("bored", 0.4)], "bored"),
        ([("calm", 0.9), ("bored", 0.8)], "calm"),
        ([("calm", 0.9), ("bored", 0.9)], "bored"),
        ([("calm", None), ("bored", 0.1)], "bored"),
        ([(None, 0.9), (None, 0.9), ("calm", 0.1)], "calm"),
    ],
)
def test_the_main_emotion_is_the_most_frequent_then_the_surest(
    database_url: str, predicted: list[tuple[str | None, float | None]], main: str
) -> None:
    put(database_url, "sessions", session_id=SESSION)
    for emotion, confidence in predicted:
        put(
            database_url,
            "emotion_predictions",
            session_id=SESSION,
            predicted_emotion=emotion,
            confidence=confidence,
        )
    assert ask(database_url, "SELECT main_emotion FROM analytics.session_overview") == [(main,)]


TROUBLES = [{"code": "js_error", "count": 3, "points": 18}, {"code": "rage_click", "count": 2, "points": 16}]
COUNTED = ("rage_click_events", "error_logs")


# Rows that are there are those that came after what retention removed.
@pytest.mark.parametrize(
    ("removed", "issues", "seen"),
    [
        (None, TROUBLES, (1, 7, 1, 1, "calm")),
        (["events", "session_replay_chunks", "latency_metrics"], TROUBLES, (1, 7, 1, 1, "calm")),
        (["events", *COUNTED], TROUBLES, (1, 7, 2, 3, "calm")),
        (["events", *COUNTED], TROUBLES[:1], (1, 7, 0, 3, "calm")),
        (["events", *COUNTED], [], (1, 7, 0, 0, "calm")),
        (["events", *COUNTED], None, (1, 7, None, None, "calm")),
        (["journey_steps"], TROUBLES, (None, 7, 1, 1, "calm")),
        (["emotion_predictions"], TROUBLES, (1, 7, 1, 1, None)),
    ],
)
def test_what_retention_removed_is_known_from_the_score_or_unknown(
    database_url: str, removed: list[str] | None, issues: list[Any] | None, seen: tuple[Any, ...]
) -> None:
    put(database_url, "sessions", session_id=SESSION, event_count=7)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE sessions SET removed = %s", [removed])
    for table in (*COUNTED, "journey_steps"):
        put(database_url, table, session_id=SESSION, screen_name="/a")
    put(database_url, "emotion_predictions", session_id=SESSION, predicted_emotion="calm")
    if issues is not None:
        put(database_url, "experience_scores", session_id=SESSION, score=50, issues=issues, derived=True)
    put(database_url, "experience_scores", session_id=SESSION, score=50, issues=[{"code": "js_error", "count": 9}])
    overview = "SELECT screens, events, rage_clicks, errors, main_emotion FROM analytics.session_overview"
    assert ask(database_url, overview) == [seen]


async def test_bots_are_told_from_people(database_url: str) -> None:
    named = {1: PHONE, 2: BOT, 3: "hello"}
    events = [kept(n, session_id=numbered(n), facts=facts(user_agent=agent)) for n, agent in named.items()]
    await written(database_url, *events, kept(4, session_id=numbered(4)))
    devices = ask(database_url, "SELECT session_id, device_class, is_bot FROM analytics.session_devices ORDER BY 1")
    assert devices == [
        (numbered(1), "mobile", False),
        (numbered(2), None, True),
        (numbered(3), None, False),
        (numbered(4), None, None),
    ]
    assert ask(database_url, "SELECT session_id FROM analytics.bot_sessions") == [(numbered(2),)]


async def test_an_emotion_timeline_has_a_line_per_window_in_order(database_url: str) -> None:
    await written(database_url, kept(40, screen_name="/b"), kept(40, session_id=numbered(1)))
    ((event_id,),) = ask(database_url, "SELECT event_id FROM events WHERE session_id = %s", SESSION)
    zero, thirty, forty, sixty, ninety = (NOON + timedelta(seconds=number) for number in (0, 30, 40, 60, 90))
    predictions: list[Mapping[str, Any]] = [
        {"window_start": sixty, "predicted_emotion": "calm", "confidence": 0.5, "reasons": [{"feature": "x"}]},
        {"window_start": thirty, "predicted_emotion": "bored", "event_id": event_id},
        {"predicted_emotion": "theirs", "event_id": event_id},
        {"predicted_emotion": "theirs, too", "predicted_at": zero},
    ]
    for prediction in predictions:
        put(database_url, "emotion_predictions", session_id=SESSION, **prediction)
    assert ask(database_url, "SELECT * FROM analytics.emotion_timeline(%s)", SESSION) == [
        (zero, None, "theirs, too", None, None, None),
        (thirty, sixty, "bored", None, "/b", None),
        (forty, None, "theirs", None, "/b", None),
        (sixty, ninety, "calm", 0.5, None, [{"feature": "x"}]),
    ]


def scored(url: str, number: int, score: int | None, issues: Any = None, start: datetime = NOON, **more: Any) -> UUID:
    """Insert a session with a score."""
    put(url, "sessions", session_id=numbered(number), start_time=start)
    put(url, "experience_scores", session_id=numbered(number), score=score, issues=issues, **more)
    return numbered(number)


# before | the period                        | after
#   55   | 0, 9, 10, 89, 90, 100, 100, 120   |  55
def test_scores_fall_into_ten_bands_of_the_sessions_that_start_in_the_period(database_url: str) -> None:
    for number, score in enumerate((0, 9, 10, 89, 90, 100, 100, 120, None)):
        scored(database_url, number, score)
    put(database_url, "experience_scores", session_id=numbered(0), score=95, derived=None, generated_at=None)
    scored(database_url, 20, 55, start=WHOLE[0] - timedelta(microseconds=1))
    scored(database_url, 21, 55, start=WHOLE[1])
    bands = ask(database_url, "SELECT * FROM analytics.scores(%s, %s)", *WHOLE)
    assert [band[:2] for band in bands] == [(n, n + 9) for n in range(0, 90, 10)] + [(90, 100)]
    assert [sessions for _, _, sessions, _ in bands] == [2, 1, 0, 0, 0, 0, 0, 0, 1, 4]
    assert [share for *_, share in bands] == [0.25, 0.125, 0, 0, 0, 0, 0, 0, 0.125, 0.5]


def test_of_a_period_without_scores_no_share_is_made_up(database_url: str) -> None:
    assert {band[2:] for band in ask(database_url, "SELECT * FROM analytics.scores(%s, %s)", *WHOLE)} == {(0, None)}
    assert ask(database_url, "SELECT * FROM analytics.score_causes(%s, %s)", *WHOLE) == []


def test_causes_of_scores_are_added_up_whatever_others_wrote_there(database_url: str) -> None:
    scored(database_url, 1, 80, [{"code": "js_error", "count": 2, "points": 12}, {"code": "slow_call", "count": 1}])
    scored(database_url, 2, 90, [{"code": "js_error", "count": 1, "points": 6}], derived=True)
    put(database_url, "experience_scores", session_id=numbered(2), score=1, issues=[{"code": "theirs"}])
    scored(database_url, 3, 100, ["slow", {"code": "slow_call", "count": "many", "points": 2.5}, 7, {"kind": "x"}])
    scored(database_url, 4, 100, {"code": "js_error"})
    assert ask(database_url, "SELECT * FROM analytics.score_causes(%s, %s)", *WHOLE) == [
        ("js_error", 2, 0.5, 3, 18),
        ("slow_call", 2, 0.5, 1, 2.5),
    ]


async def test_bots_are_left_out_unless_asked_for(database_url: str) -> None:
    chunks = [kept_chunk(n, session_id=numbered(s)) for s, n in ((1, 0), (2, 0), (2, 2))]
    people = [kept(0, session_id=numbered(1), facts=facts(user_agent=PHONE)), kept(0, session_id=numbered(3))]
    await written(database_url, *people, kept(0, session_id=numbered(2), facts=facts(user_agent=BOT)), *chunks)
    for number in (1, 2, 3):
        issues = [{"code": f"of {number}", "count": 1, "points": 1}]
        put(database_url, "experience_scores", session_id=numbered(number), score=10 * number, issues=issues)
    for name, without, with_bots in (
        ("sum(sessions) FROM analytics.scores", 2, 3),
        ("count(*) FROM analytics.score_causes", 2, 3),
        ("sum(sessions) FROM analytics.unplayable_replays", 1, 2),
    ):
        assert ask(database_url, f"SELECT {name}(%s, %s)", *WHOLE) == [(without,)]
        assert ask(database_url, f"SELECT {name}(%s, %s, with_bots => true)", *WHOLE) == [(with_bots,)]
