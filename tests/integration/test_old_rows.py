"""What is older than its policy goes, in small transactions; nothing that is alive does, and nobody is disturbed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest

from agents.commands.old_rows import remove_old_rows
from agents.commands.output import CommandFailed
from agents.settings import load_settings
from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks import retention
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.postgres import PostgresSink
from pipeline.sinks.retention import NotRemoved, OldRows, RetentionPolicy
from pipeline.tidy import USER_NAMESPACE
from schema.events import API_CALL, ERROR, PAGE_VIEW, SESSION_END
from schema.rows import ApiCall, JsError, KeptEvent
from schema.sql import query
from tests.builders import (
    DAY_S,
    OTHER_SESSION,
    REPLAY,
    SESSION,
    TOPICS,
    USER,
    Owner,
    at,
    busy,
    facts,
    kept,
    kept_chunk,
    numbered,
    user,
)
from tests.deployment import TABLES
from tests.roles import as_writer

APP = "retention"
PATIENCE_S = 20
RAW = ("events", "latency_metrics", "error_logs")
RESULTS = ("rage_click_events", "heatmap_points", "journey_steps", "emotion_predictions", "experience_scores")
ALL_DAYS = RetentionPolicy(1, 1, 1, 1)
OF_A_TABLE = {
    "latency_metrics_days": "latency_metrics",
    "error_logs_days": "error_logs",
    "rage_clicks_days": "rage_click_events",
    "heatmap_points_days": "heatmap_points",
    "journey_steps_days": "journey_steps",
    "emotions_days": "emotion_predictions",
}


def ask(url: str, question: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Run statements and return the rows of the last, if it has any."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(question.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []


def rows_of(url: str, session_id: UUID) -> dict[str, int]:
    """Return how many rows of each table are of this session, where there are any."""
    tables = [table for table in TABLES if table != "users"]
    counts = {table: ask(url, f"SELECT count(*) FROM {table} WHERE session_id = %s", session_id) for table in tables}
    return {table: rows for table, ((rows,),) in counts.items() if rows}


def results_of(url: str, session_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Return all results of this session but for the events that predictions refer to."""
    found = {}
    for table in RESULTS:
        rows = ask(
            url, f"SELECT to_jsonb(r) - 'event_id' FROM {table} AS r WHERE session_id = %s ORDER BY 1", session_id
        )
        found[table] = rows
    return found


def remove(url: str, policy: RetentionPolicy = ALL_DAYS) -> Counter[str]:
    """Run retention and return what went."""
    removed: Counter[str] = Counter()
    for rows in OldRows(url, APP, TOPICS, policy).remove():
        removed.update(rows)
    return +removed


def let_pass(url: str, days: float) -> None:
    """Let workers have read everything until so many days after noon."""
    passed = moment(at(0)) + timedelta(days=days)
    ask(url, "UPDATE hxi_state.ledger SET caught_up_at = %s", passed)


def visit(session_id: UUID, **fields: Any) -> list[KeptEvent]:
    """Return a visit that fills every table of events and results."""
    mine = {"session_id": session_id} | fields
    return [
        *busy(0, 60, **mine),
        *(kept(61 + n / 10, x=1, y=1, screen_name="/a", **mine) for n in range(3)),
        *(kept(62 + n, PAGE_VIEW, screen_name=f"/{n}", **mine) for n in range(3)),
        kept(66, API_CALL, api_call=ApiCall("/a", 900, 503), **mine),
        kept(67, ERROR, error=JsError("it broke", None), facts=facts(device_id="d"), **mine),
        kept(80, SESSION_END, **mine),
    ]


@pytest.fixture
async def sink(database_url: str) -> AsyncIterator[PostgresSink]:
    made = PostgresSink(as_writer(database_url), APP, FoldPolicy())
    yield made
    await made.close()


async def fill(sink: PostgresSink, *sessions: list[KeptEvent]) -> Owner:
    """Write visits with a replay chunk each, and judge them."""
    owner = await Owner.of(sink, REPLAY)
    for n, events in enumerate(sessions):
        await owner.write(*events, kept_chunk(0, offset=n, session_id=events[0].session_id))
    await sink.judge(100)
    return owner


async def test_an_old_session_goes_from_every_table_and_its_person_with_the_last(
    database_url: str, sink: PostgresSink
) -> None:
    alice, bob = (user(uuid5(USER_NAMESPACE, name), external_user_id=name) for name in ("alice", "bob"))
    newer = {"arrival_us": at(DAY_S)}
    await fill(sink, visit(SESSION, user=alice), visit(numbered(2), user=bob), visit(OTHER_SESSION, user=bob, **newer))
    let_pass(database_url, 1.5)
    before = rows_of(database_url, OTHER_SESSION)
    assert before.keys() == rows_of(database_url, SESSION).keys() == {*TABLES} - {"users"}, "every table is tried"

    removed = remove(database_url, RetentionPolicy(sessions_days=1))

    assert [rows_of(database_url, key) for key in (SESSION, numbered(2), OTHER_SESSION)] == [{}, {}, before]
    assert ask(database_url, "SELECT external_user_id FROM users") == [("bob",)]
    assert removed == {table: 2 * before.get(table, 0) or 1 for table in TABLES}
    assert ask(database_url, "SELECT sum(calls)::int FROM latency_rollups") == [(3,)], "sums stay"


async def test_a_person_stays_while_somebody_elses_session_names_them(database_url: str, sink: PostgresSink) -> None:
    alice, bob = (user(uuid5(USER_NAMESPACE, name), external_user_id=name) for name in ("alice", "bob"))
    shared: dict[str, Any] = {"session_id": OTHER_SESSION, "arrival_us": at(DAY_S)}
    await fill(
        sink, visit(SESSION, user=alice), [kept(0, user=alice, **shared), kept(9, SESSION_END, user=bob, **shared)]
    )
    let_pass(database_url, 1.5)
    remove(database_url)
    assert not rows_of(database_url, SESSION)
    named = ask(
        database_url, "SELECT external_user_id FROM hxi_state.session_users JOIN users USING (user_id) ORDER BY 1"
    )
    assert named == [("alice",), ("bob",)]
    let_pass(database_url, 2.5)
    remove(database_url)
    assert not ask(database_url, "SELECT FROM users")
    assert not ask(database_url, "SELECT FROM hxi_state.session_users")


async def test_of_a_session_without_its_events_all_results_stay(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    before, results = rows_of(database_url, SESSION), results_of(database_url, SESSION)

    removed = remove(database_url, RetentionPolicy(events_days=1))

    assert removed == {table: before[table] for table in RAW}
    assert rows_of(database_url, SESSION) == {table: rows for table, rows in before.items() if table not in RAW}
    assert results_of(database_url, SESSION) == results
    assert ask(database_url, "SELECT DISTINCT event_id FROM emotion_predictions") == [(None,)]
    assert remove(database_url, RetentionPolicy(events_days=1)) == {}


# day 0: the visit    day 2: one table's rows go    then: late clicks, view, error come    day 5: their rows go too
@pytest.mark.parametrize(("days", "table"), list(OF_A_TABLE.items()))
async def test_rows_of_one_table_go_alone_and_what_comes_late_changes_no_result(
    database_url: str, sink: PostgresSink, days: str, table: str
) -> None:
    policy = RetentionPolicy(**{days: 1})
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    before, results = rows_of(database_url, SESSION), results_of(database_url, SESSION)

    assert remove(database_url, policy) == {table: before.pop(table)}
    assert rows_of(database_url, SESSION) == before
    results |= {table: []} if table in results else {}
    assert results_of(database_url, SESSION) == results
    seen = "SELECT removed, is_final FROM sessions"
    assert ask(database_url, seen) == [([table], True)]
    assert remove(database_url, policy) == {}

    late: dict[str, Any] = {"arrival_us": at(2 * DAY_S)}
    await owner.write(
        kept(62.5, PAGE_VIEW, screen_name="/new", **late),
        *(kept(61.05 + n / 10, x=1, y=1, screen_name="/a", **late) for n in range(3)),
        kept(40, ERROR, error=JsError("late", None), **late),
        kept(41, API_CALL, api_call=ApiCall("/a", 900, 503), **late),
    )
    await sink.mark_caught_up({REPLAY: owner.claim})
    await sink.end_quiet_sessions(1, TOPICS)
    await sink.judge(10)

    assert results_of(database_url, SESSION) == results
    assert ask(database_url, seen) == [([table], True)], "who looks still sees it"
    let_pass(database_url, 4)
    assert remove(database_url, policy) == ({table: 1} if table in RAW else {})
    assert remove(database_url, RetentionPolicy(sessions_days=1))["sessions"] == 1


async def test_latency_metrics_and_errors_go_with_events_unless_they_have_days_of_their_own(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    assert remove(database_url, RetentionPolicy(events_days=1, error_logs_days=3)).keys() == {*RAW} - {"error_logs"}
    let_pass(database_url, 4)
    assert remove(database_url, RetentionPolicy(events_days=1, error_logs_days=3)) == {"error_logs": 1}
    assert ask(database_url, "SELECT removed FROM sessions") == [(sorted(RAW),)]


async def test_replays_go_alone(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    assert remove(database_url, RetentionPolicy(replays_days=1)) == {"session_replay_chunks": 1}
    await owner.write(kept(30, PAGE_VIEW, screen_name="/new"))
    await sink.judge(10)
    assert ask(database_url, "SELECT count(*) FROM journey_steps") == [(4,)], "events are there: results go on"
    assert ask(database_url, "SELECT removed, is_final FROM sessions") == [(["session_replay_chunks"], False)]


async def test_kinds_go_one_after_the_other_and_then_the_session(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    policy = RetentionPolicy(replays_days=1, events_days=2, sessions_days=3, rollups_days=4)
    went = []
    for days in (1, 2, 3, 4, 5):
        let_pass(database_url, days - 0.5)
        went.append(set(remove(database_url, policy)))
    assert went == [
        set(),
        {"session_replay_chunks"},
        set(RAW),
        {"sessions", *RESULTS},
        {"latency_rollups"},
    ]


# day 0: the visit    day 2: its events go    then: a late view, click and error come    day 5: they go too
async def test_what_comes_late_is_stored_and_changes_no_result_of_a_session_without_its_events(
    database_url: str, sink: PostgresSink
) -> None:
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    remove(database_url, RetentionPolicy(events_days=1))
    results = results_of(database_url, SESSION)
    late: dict[str, Any] = {"arrival_us": at(2 * DAY_S)}

    await owner.write(
        kept(62.5, PAGE_VIEW, screen_name="/new", **late),
        *(kept(61.05 + n / 10, x=1, y=1, screen_name="/a", **late) for n in range(3)),
        kept(40, ERROR, error=JsError("late", None), user=user(), **late),
        kept(41, API_CALL, api_call=ApiCall("/a", 900, 503), **late),
    )
    await sink.mark_caught_up({REPLAY: owner.claim})
    await sink.end_quiet_sessions(1, TOPICS)
    await sink.judge(10)

    assert results_of(database_url, SESSION) == results
    assert {table: rows_of(database_url, SESSION)[table] for table in RAW} == dict(zip(RAW, (6, 1, 1), strict=True))
    assert ask(database_url, "SELECT user_id, end_time IS NOT NULL FROM sessions") == [(USER, True)]
    assert ask(database_url, "SELECT sum(calls)::int FROM latency_rollups") == [(2,)]
    assert ask(database_url, "SELECT count(*) FROM hxi_state.unjudged") == [(0,)]
    let_pass(database_url, 4)
    assert remove(database_url, RetentionPolicy(events_days=1)) == dict(zip(RAW, (6, 1, 1), strict=True))
    assert results_of(database_url, SESSION) == results


async def test_what_comes_late_of_a_session_that_went_begins_it_anew(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    remove(database_url)
    await owner.write(kept(62.5, PAGE_VIEW, screen_name="/new"), kept(81, SESSION_END))
    await sink.judge(10)
    assert ask(database_url, "SELECT step_number, screen_name FROM journey_steps") == [(1, "/new")]
    assert ask(database_url, "SELECT score FROM experience_scores") == [(100,)]
    let_pass(database_url, 2)
    assert remove(database_url)["sessions"] == 1


async def test_nothing_goes_of_a_session_that_may_be_alive(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))  # has ended
    await owner.write(*visit(OTHER_SESSION)[:-1])
    await sink.judge(10)  # has not ended
    await owner.write(*visit(numbered(3)))  # is not judged
    await owner.write(*visit(numbered(4), arrival_us=at(DAY_S)))
    ask(
        database_url, "INSERT INTO sessions (session_id, end_time) VALUES (%s, '2000-01-01')", numbered(5)
    )  # is others'
    let_pass(database_url, 1.9)  # the fourth came within a day
    ask(database_url, "DELETE FROM hxi_state.unjudged WHERE session_id = %s", numbered(4))
    assert remove(database_url)["sessions"] == 1
    assert set(ask(database_url, "SELECT session_id FROM sessions")) == {
        (key,) for key in (OTHER_SESSION, numbered(3), numbered(4), numbered(5))
    }


@pytest.mark.parametrize("days", [0.9, 1.1])
async def test_days_are_counted_back_from_what_workers_have_read(
    database_url: str, sink: PostgresSink, days: float
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, days)
    assert bool(remove(database_url)) == (days > 1)


async def test_while_a_partition_was_never_read_to_its_end_nothing_is_old(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    await Owner.of(sink)
    with pytest.raises(NotRemoved, match=r"have not read every partition to its end yet: .*\[\d\] never was"):
        remove(database_url)
    assert rows_of(database_url, SESSION)


async def test_where_nobody_has_read_anything_under_this_name_nothing_is_old(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    for app_id, topics in (("misspelt", TOPICS), (APP, ("misspelt",))):
        with pytest.raises(NotRemoved, match=f"no worker of {app_id} has read .*{topics[-1]} yet"):
            list(OldRows(database_url, app_id, topics, ALL_DAYS).remove())
    assert rows_of(database_url, SESSION)


async def test_a_run_without_removing_counts_what_would_go(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION, user=user()), visit(OTHER_SESSION, arrival_us=at(DAY_S), user=user(numbered(9))))
    let_pass(database_url, 1.5)
    for policy in (
        *(RetentionPolicy(**{days: 1}) for days in OF_A_TABLE),
        RetentionPolicy(1),
        RetentionPolicy(None, 1),
        RetentionPolicy(None, None, 1, 1),
    ):
        old = OldRows(database_url, APP, TOPICS, policy)
        counted = +Counter(old.count())
        assert counted == +Counter(old.count()), "counting removes nothing"
        assert counted == remove(database_url, policy)


LOGGED = """
CREATE TABLE removals (xid xid8 NOT NULL, rows BIGINT NOT NULL, relation TEXT NOT NULL);
CREATE FUNCTION log_removal() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO removals SELECT pg_current_xact_id(), count(*), TG_TABLE_NAME FROM gone;
    RETURN NULL;
END $$;
"""


async def test_no_transaction_removes_more_than_its_share(
    database_url: str, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_ROWS", 20)
    monkeypatch.setattr(retention, "MOST_SESSIONS", 3)
    await fill(sink, *(visit(numbered(n)) for n in range(7)))
    let_pass(database_url, 2)
    tables = [*TABLES, "hxi_state.latency_windows"]
    triggers = [
        f"CREATE TRIGGER logged AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone EXECUTE FUNCTION log_removal();"
        for table in tables
    ]
    ask(database_url, LOGGED + "".join(triggers))

    removed = remove(database_url)

    ((transactions, most),) = ask(
        database_url,
        "SELECT count(*), max(rows) FROM (SELECT sum(rows) AS rows FROM removals GROUP BY xid, relation) AS r",
    )
    assert removed["events"] == 7 * len(visit(SESSION))
    assert most == 20
    assert transactions > removed["events"] / 20
    assert ask(database_url, "SELECT count(*) FROM sessions") == [(0,)]


@contextmanager
def holding(url: str, statement: str, *parameters: Any) -> Iterator[None]:
    """Hold what ``statement`` locks while the block runs."""
    with psycopg.connect(url, application_name="holder") as connection:
        connection.execute(statement.encode(), parameters or None)
        yield


async def until_waiting(url: str, statement: str) -> None:
    """Poll until somebody waits for a lock in a statement that has this in it."""
    asked = """
        SELECT 1 FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE %s
    """
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(ask, url, asked, f"%{statement}%"):
            pass


async def test_what_others_hold_is_left_to_the_next_run(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION, user=user()), visit(OTHER_SESSION))
    let_pass(database_url, 2)
    held = "SELECT 1 FROM sessions WHERE session_id = %s FOR KEY SHARE"
    with (
        holding(database_url, held, SESSION),
        holding(database_url, "SELECT 1 FROM hxi_state.latency_windows FOR UPDATE"),
    ):
        assert remove(database_url)["sessions"] == 1
        assert rows_of(database_url, SESSION)
    left = rows_of(database_url, SESSION)
    assert remove(database_url) == {**left, "users": 1, "latency_rollups": 1}


# another run: |-removes one of two sessions-----------------------commits|
# this run:               |-must not leave the person for good|              |-removes the other, and the person|
async def test_a_person_whose_last_sessions_go_at_once_is_not_left(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION, user=user()), visit(OTHER_SESSION, user=user()))
    let_pass(database_url, 2)
    with psycopg.connect(database_url) as another:
        another.execute("SELECT 1 FROM users FOR UPDATE")
        for table in ("emotion_predictions", *(name for name in TABLES if name not in ("users", "sessions"))):
            another.execute(f"DELETE FROM {table} WHERE session_id = %s".encode(), [SESSION])
        another.execute("DELETE FROM sessions WHERE session_id = %s", [SESSION])
        await asyncio.to_thread(remove, database_url)
        another.commit()
    remove(database_url)
    assert ask(database_url, "SELECT count(*) FROM users") == [(0,)]


async def test_several_runs_at_once_share_the_work(
    database_url: str, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_SESSIONS", 3)
    await fill(sink, *(visit(numbered(n), user=user(numbered(n % 2))) for n in range(30)))
    let_pass(database_url, 2)
    runs = await asyncio.gather(*(asyncio.to_thread(remove, database_url) for _ in range(3)))
    removed = sum(runs, Counter()) + remove(database_url)
    assert (removed["users"], removed["sessions"], removed["events"]) == (2, 30, 30 * len(visit(SESSION)))
    assert ask(database_url, "SELECT count(*) FROM users") == [(0,)]


# flush:     |-reads the session's steps--waits for the person------------fails|   |-again: begins the session anew|
# retention:                                    |-removes the session-|
async def test_a_flush_that_read_what_went_meanwhile_is_written_anew(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION), visit(OTHER_SESSION, user=user(), arrival_us=at(DAY_S)))
    let_pass(database_url, 1.5)
    late = [kept(90, PAGE_VIEW, screen_name="/new"), kept(90, session_id=OTHER_SESSION, user=user())]
    with holding(database_url, "SELECT 1 FROM users FOR UPDATE"):
        writing = asyncio.create_task(owner.write(*late))
        await until_waiting(database_url, "INSERT INTO users")
        assert (await asyncio.to_thread(remove, database_url))["sessions"] == 1
    with pytest.raises(Unavailable, match="a session was removed"):
        await writing
    await owner.write(*late)
    assert ask(database_url, "SELECT step_number, screen_name FROM journey_steps WHERE session_id = %s", SESSION) == [
        (1, "/new")
    ]


async def test_a_flush_that_read_events_that_went_meanwhile_changes_no_result(
    database_url: str, sink: PostgresSink
) -> None:
    owner = await fill(sink, visit(SESSION, user=user()))
    let_pass(database_url, 2)
    results = results_of(database_url, SESSION)
    with holding(database_url, "SELECT 1 FROM users FOR UPDATE"):
        writing = asyncio.create_task(owner.write(kept(90, PAGE_VIEW, screen_name="/new", user=user())))
        await until_waiting(database_url, "INSERT INTO users")
        await asyncio.to_thread(remove, database_url, RetentionPolicy(events_days=1))
    await writing
    await sink.judge(10)
    assert results_of(database_url, SESSION) == results
    assert rows_of(database_url, SESSION)["events"] == 1


async def test_writers_and_judges_go_on_as_if_nobody_removed_anything(
    database_url: str, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old sessions go while late events of theirs come; of the sessions under way everything is there."""
    monkeypatch.setattr(retention, "MOST_ROWS", 50)
    monkeypatch.setattr(retention, "MOST_SESSIONS", 4)
    old = [numbered(n) for n in range(40)]
    live = [numbered(1000 + n) for n in range(10)]
    owner = await fill(sink, *(visit(key, user=user(numbered(n % 7))) for n, key in enumerate(old)))
    judge = PostgresSink(as_writer(database_url), "another", FoldPolicy())
    now: dict[str, Any] = {"arrival_us": at(2 * DAY_S)}
    removed: Counter[str] = Counter()
    failed = []

    async def write() -> None:
        for round_ in range(20):
            late = kept(
                70 + round_,
                PAGE_VIEW,
                screen_name=f"/{round_}",
                session_id=old[2 * round_],
                user=user(numbered(round_ % 7)),
            )
            events = [
                kept(
                    2 * DAY_S + round_ * 10 + n,
                    kind,
                    session_id=key,
                    screen_name=f"/{n}",
                    x=1,
                    y=1,
                    user=user(numbered(3)),
                    **now,
                )
                for key in live
                for n, kind in enumerate(("click", PAGE_VIEW, API_CALL))
                if kind != API_CALL
            ]
            try:
                await owner.write(late, *events)
            except Unavailable as refusal:
                failed.append(refusal)
                await owner.write(late, *events)

    async def look_on() -> None:
        while not writing.done():
            await judge.judge(10)

    async def retain() -> None:
        while not writing.done():
            removed.update(await asyncio.to_thread(remove, database_url))

    let_pass(database_url, 2)
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = %s", moment(at(2 * DAY_S)))
    writing = asyncio.create_task(write())
    await asyncio.gather(writing, look_on(), retain())
    await judge.close()

    assert removed["sessions"] >= 20
    assert all("a session was removed" in str(refusal) for refusal in failed)
    assert {rows_of(database_url, key)["events"] for key in live} == {40}
    assert ask(database_url, "SELECT sum(weight)::int FROM heatmap_points WHERE session_id = ANY (%s)", live) == [
        (200,)
    ]
    steps = ask(database_url, "SELECT max(step_number), count(*) FROM journey_steps GROUP BY session_id")
    assert all(last == count for last, count in steps), "steps are numbered from 1 without gaps, of what is there"
    assert ask(database_url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


def test_old_sessions_are_found_by_an_index(database_url: str) -> None:
    ask(
        database_url,
        """
        INSERT INTO sessions (session_id, end_time, last_record_at, swept)
        SELECT gen_random_uuid(), now(), now() - n * interval '1 minute', n % 4 FROM generate_series(1, 5000) AS n;
        ANALYZE sessions
        """,
    )
    asked = {"swept": 2, "before": moment(at(0)), "after": moment(at(-9)), "after_id": SESSION, "most": 100}
    with psycopg.connect(database_url, cursor_factory=psycopg.ClientCursor) as connection:
        plan = connection.execute(b"EXPLAIN " + query("old_sessions").encode(), asked).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "idx_sessions_ended" in text
    assert "Seq Scan" not in text
    assert "Sort" not in text


FULL = """
    INSERT INTO sessions (session_id) SELECT id FROM unnest(%s::uuid[]) AS id;
    INSERT INTO events (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO latency_metrics (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO error_logs (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO session_replay_chunks (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO rage_click_events (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO heatmap_points (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO journey_steps (session_id) SELECT session_id FROM sessions, generate_series(1, 50);
    INSERT INTO emotion_predictions (session_id, event_id)
    SELECT session_id, event_id FROM events;
"""


@pytest.mark.parametrize("known", ["", "ANALYZE"])
def test_what_goes_is_found_by_indexes_whatever_the_planner_knows(database_url: str, known: str) -> None:
    asked = {"session_ids": [numbered(n) for n in range(100)], "most": 1000}
    with psycopg.connect(database_url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)".encode())
        connection.execute(FULL.encode(), [[numbered(n) for n in range(300)]])
        if known:
            connection.execute(known.encode())
        for table in (*RAW, *RESULTS[:-1], "session_replay_chunks"):
            statement = query("remove_events" if table == "events" else "remove_rows").format(table=table)
            plan = connection.execute(b"EXPLAIN " + statement.encode(), asked).fetchall()
            assert not [line for (line,) in plan if "Seq Scan" in line], "\n".join(line for (line,) in plan)


async def test_workers_may_not_remove(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 2)
    with pytest.raises(NotRemoved, match="only members of hxi_owner"):
        remove(as_writer(database_url), RetentionPolicy(sessions_days=1, rollups_days=1))


def command(url: str, dry_run: bool, **days: str) -> None:
    """Run ``hxi retention``."""
    given = {f"HXI_RETENTION_{name}_DAYS": value for name, value in days.items()}
    remove_old_rows(load_settings({"HXI_DATABASE_URL": url, "HXI_APP_ID": APP} | given), dry_run)


async def test_the_command_says_what_it_removed(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(sink, visit(SESSION))
    let_pass(database_url, 3)
    for dry_run in (True, False):
        command(database_url, dry_run, EVENTS="2")
        assert (
            capsys.readouterr().out
            == f"table\trows\nevents\t{len(visit(SESSION))}\nlatency_metrics\t1\nerror_logs\t1\n"
        )
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    command(database_url, False, EVENTS="2")
    assert capsys.readouterr() == ("", "nothing is old enough to be removed\n")


async def test_where_nothing_is_old_because_a_partition_is_behind_the_command_says_which_and_since_when(
    database_url: str, sink: PostgresSink, capsys: pytest.CaptureFixture[str]
) -> None:
    await fill(sink, visit(SESSION))
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = now() AT TIME ZONE 'utc'")
    ask(database_url, "UPDATE hxi_state.ledger SET caught_up_at = %s WHERE topic = %s", moment(at(3600)), REPLAY.topic)
    for dry_run in (True, False):
        command(database_url, dry_run, EVENTS="2")
        assert capsys.readouterr() == (
            "",
            "nothing is old enough to be removed, counted back from 2024-01-05 13:00 UTC:\n"
            f"since then {REPLAY.topic}[{REPLAY.number}] has not been read to its end; do workers run, and keep up?"
            " See hxi doctor\n",
        )


def test_the_command_without_a_policy_removes_nothing(database_url: str) -> None:
    with pytest.raises(CommandFailed, match="set HXI_RETENTION_…_DAYS"):
        command(database_url, False)


def test_the_command_says_that_the_database_is_away() -> None:
    with pytest.raises(CommandFailed, match=r"nothing was removed, the database .* failed"):
        command("postgresql://127.0.0.1:1/nowhere", False, SESSIONS="1")
