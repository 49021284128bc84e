"""What is old goes in small transactions; nobody is disturbed, and what is written meanwhile is whole."""

import asyncio
from collections import Counter
from itertools import chain, repeat
from typing import Any

import psycopg
import pytest

from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks import retention
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.postgres import PostgresSink
from pipeline.sinks.retention import RetentionPolicy
from schema.events import PAGE_VIEW
from tests.builders import DAY_S, OTHER_SESSION, SESSION, at, kept, numbered, user
from tests.deployment import TABLES
from tests.locks import ask, holding, until_waiting
from tests.retention import ALL_DAYS, OF_A_TABLE, fill, latecomers, let_pass, remove, results_of, rows_of, visit
from tests.roles import as_writer

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
        await until_waiting(database_url, "INSERT INTO users", writing)
        assert (await asyncio.to_thread(remove, database_url))["sessions"] == 1
    with pytest.raises(Unavailable, match="a session was removed"):
        await writing
    await owner.write(*late)
    assert ask(database_url, "SELECT step_number, screen_name FROM journey_steps WHERE session_id = %s", SESSION) == [
        (1, "/new")
    ]


# flush:     |-reads steps and clicks--waits for the person-----------------writes no result of the session|
# retention:                                    |-removes rows of a table-|
@pytest.mark.parametrize(("days", "table"), [("events_days", "events"), *OF_A_TABLE.items()])
async def test_a_flush_that_read_a_session_before_a_table_of_it_went_changes_no_result(
    database_url: str, sink: PostgresSink, days: str, table: str
) -> None:
    owner = await fill(sink, visit(SESSION, user=user()))
    let_pass(database_url, 2)
    before, results = rows_of(database_url, SESSION), results_of(database_url, SESSION)
    late = latecomers(user=user())
    with holding(database_url, "SELECT 1 FROM users FOR UPDATE"):
        writing = asyncio.create_task(owner.write(*late))
        await until_waiting(database_url, "INSERT INTO users", writing)
        removed = await asyncio.to_thread(remove, database_url, RetentionPolicy(**{days: 1}))
    await writing
    await sink.judge(10)
    assert removed[table] == before[table]
    assert results_of(database_url, SESSION) == results | ({table: []} if table in results else {})
    assert rows_of(database_url, SESSION)["events"] == before["events"] - removed["events"] + len(late)


async def test_a_flush_that_read_a_session_before_its_replays_went_writes_results(
    database_url: str, sink: PostgresSink
) -> None:
    owner = await fill(sink, visit(SESSION, user=user()))
    let_pass(database_url, 2)
    with holding(database_url, "SELECT 1 FROM users FOR UPDATE"):
        writing = asyncio.create_task(owner.write(*latecomers(user=user())))
        await until_waiting(database_url, "INSERT INTO users", writing)
        removed = await asyncio.to_thread(remove, database_url, RetentionPolicy(replays_days=1))
    await writing
    assert removed == {"session_replay_chunks": 1}
    steps = ask(database_url, "SELECT screen_name FROM journey_steps ORDER BY step_number")
    assert [screen for (screen,) in steps] == ["/0", "/new", "/1", "/2"]
    assert ask(database_url, "SELECT click_count FROM rage_click_events WHERE screen_name = '/a'") == [(6,)]


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
    now: dict[str, Any] = {"arrival_us": at(2 * DAY_S), "x": 1, "y": 1, "user": user(numbered(3))}
    removed: Counter[str] = Counter()
    failed = []

    async def write() -> None:
        for round_ in range(20):
            by: dict[str, Any] = {"user": user(numbered(round_ % 7))}
            late = kept(70 + round_, PAGE_VIEW, screen_name=f"/{round_}", session_id=old[2 * round_], **by)
            events = [
                kept(2 * DAY_S + round_ * 10 + n, kind, session_id=key, screen_name=f"/{n}", **now)
                for key in live
                for n, kind in enumerate(("click", PAGE_VIEW))
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
        policies = chain((RetentionPolicy(**{days: 1}) for days in OF_A_TABLE), repeat(ALL_DAYS))
        is_last = False
        for policy in policies:
            removed.update(await asyncio.to_thread(remove, database_url, policy))
            if is_last and policy is ALL_DAYS:
                break
            is_last = writing.done()

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
