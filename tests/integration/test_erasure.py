"""Who is forgotten is in no table any more, and nobody who writes or judges meanwhile brings anything of it back."""

import asyncio
from random import Random
from typing import Any
from uuid import UUID, uuid5

import pytest
from psycopg.errors import ForeignKeyViolation

from pipeline.fold import FoldPolicy
from pipeline.sinks import erasure
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.erasure import Erased, NotErased, erase
from pipeline.sinks.postgres import PostgresSink
from pipeline.tidy import USER_NAMESPACE
from schema.events import API_CALL, ERROR, PAGE_VIEW, SESSION_END
from schema.rows import ApiCall, JsError, KeptEvent
from tests.builders import OTHER_SESSION, REPLAY, SESSION, Owner, busy, facts, kept, kept_chunk, numbered, user
from tests.deployment import TABLES
from tests.locks import ask, holding, until_waiting
from tests.roles import as_writer

ALICE = uuid5(USER_NAMESPACE, "alice")

NAMING_SOMEBODY = """
SELECT a.attrelid::regclass::text, a.attname
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE a.attname IN ('session_id', 'user_id') AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""
REFERRING = """
SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint AS c
JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.confrelid IN ('users'::regclass, 'sessions'::regclass)
"""


def visit(session_id: UUID, **fields: Any) -> list[KeptEvent]:
    """Return a visit that fills every table of events and results."""
    mine = {"session_id": session_id} | fields
    return [
        *busy(0, 60, **mine),
        *(kept(61 + n / 10, x=1, y=1, screen_name="/a", **mine) for n in range(3)),
        *(kept(62 + n, PAGE_VIEW, screen_name=f"/{n}", **mine) for n in range(3)),
        kept(66, API_CALL, api_call=ApiCall("/a", 900, 503), **mine),
        kept(67, ERROR, error=JsError("it broke", None), facts=facts(device_id="d"), **mine),
    ]


async def fill(sink: PostgresSink, *sessions: list[KeptEvent]) -> Owner:
    """Write visits with a replay chunk each, and judge them, but for what came last."""
    owner = await Owner.of(sink, REPLAY)
    for n, events in enumerate(sessions):
        session_id = events[0].session_id
        await owner.write(*events, kept_chunk(0, offset=n, session_id=session_id))
        await owner.write(kept(80, SESSION_END, session_id=session_id))
    await sink.judge(100)
    for events in sessions:
        await owner.write(kept(90, session_id=events[0].session_id))
    return owner


def naming(url: str, key: UUID) -> dict[str, int]:
    """Return how many rows of each table name ``key``, by every column that the catalog knows to name somebody."""
    counts: dict[str, int] = {}
    for table, column in set(ask(url, NAMING_SOMEBODY)) | set(ask(url, REFERRING)):
        ((rows,),) = ask(url, f'SELECT count(*) FROM {table} WHERE "{column}" = %s', key)
        counts[table] = counts.get(table, 0) + rows
    return {table: rows for table, rows in counts.items() if rows}


async def test_a_person_is_gone_from_every_table_that_names_somebody(database_url: str, sink: PostgresSink) -> None:
    alice, bob = user(ALICE, external_user_id="alice", email="a@example.com"), user(numbered(7))
    owner = await fill(sink, visit(SESSION, user=alice), visit(numbered(2), user=alice), visit(OTHER_SESSION, user=bob))
    await owner.write(kept(91, user=bob))
    ask(database_url, "INSERT INTO error_logs (session_id, error_message) VALUES (%s, 'by others')", SESSION)
    tables = {table for table, _ in ask(database_url, NAMING_SOMEBODY)}
    assert tables == set(naming(database_url, SESSION)) | set(naming(database_url, ALICE)), "not every table was tried"
    before = naming(database_url, OTHER_SESSION)
    rollups = ask(database_url, "SELECT sum(calls) FROM latency_rollups")

    erased = erase(database_url, ["alice"], [])

    assert sorted(erased.session_ids) == sorted([SESSION, numbered(2)])
    assert [naming(database_url, key) for key in (SESSION, numbered(2), ALICE)] == [{}, {}, {}]
    assert ask(database_url, "SELECT 1 FROM users WHERE external_user_id = 'alice' OR email = 'a@example.com'") == []
    assert naming(database_url, OTHER_SESSION) == before
    assert ask(database_url, "SELECT sum(calls) FROM latency_rollups") == rollups
    assert erased.rows.keys() == {*TABLES, "hxi_state.unjudged", "hxi_state.session_users"}
    assert all(erased.rows.values()), erased.rows
    assert (erased.rows["users"], erased.rows["sessions"], erased.rows["error_logs"]) == (1, 2, 3)


async def test_sessions_that_are_said_to_be_of_somebody_else_by_now_are_found_too(
    database_url: str, sink: PostgresSink
) -> None:
    alice, bob, carol = (user(uuid5(USER_NAMESPACE, name), external_user_id=name) for name in ("alice", "bob", "carol"))
    owner = await Owner.of(sink)
    late = [kept(5, user=bob, session_id=numbered(3)), kept(3, user=alice, session_id=numbered(3))]
    at_once = [kept(1, user=alice, session_id=numbered(4)), kept(2, user=bob, session_id=numbered(4))]
    await owner.write(kept(1, user=alice), late[0], kept(9, user=carol, session_id=numbered(5)), *at_once)
    await owner.write(kept(2, user=bob), late[1], kept(9, user=bob, session_id=numbered(6)))
    assert ask(database_url, "SELECT count(*) FROM sessions WHERE user_id = %s", alice.user_id) == [(0,)]
    erased = erase(database_url, ["alice"], [])
    assert set(erased.session_ids) == {SESSION, numbered(3), numbered(4)}
    assert naming(database_url, alice.user_id) == {}
    left = "SELECT session_id, external_user_id FROM sessions JOIN users USING (user_id) ORDER BY 1"
    assert ask(database_url, left) == [(numbered(5), "carol"), (numbered(6), "bob")]
    assert ask(database_url, "SELECT * FROM hxi_state.session_users") == []


async def test_of_a_session_that_is_forgotten_its_person_stays(database_url: str, sink: PostgresSink) -> None:
    alice = user(ALICE, external_user_id="alice")
    await fill(sink, visit(SESSION, user=alice), visit(OTHER_SESSION, user=alice))
    erased = erase(database_url, [], [SESSION])
    assert (erased.session_ids, erased.rows["users"]) == ([SESSION], 0)
    assert naming(database_url, SESSION) == {}
    assert ask(database_url, "SELECT user_id FROM users") == [(ALICE,)]


def test_people_whom_others_have_given_an_id_are_found_by_their_external_one(database_url: str) -> None:
    ask(database_url, "INSERT INTO users (external_user_id) VALUES ('carol'), ('carol'), ('dora')")
    ask(database_url, "INSERT INTO sessions (user_id) SELECT user_id FROM users")
    erased = erase(database_url, ["carol"], [])
    assert (erased.rows["users"], erased.rows["sessions"]) == (2, 2)
    assert ask(database_url, "SELECT external_user_id FROM users JOIN sessions USING (user_id)") == [("dora",)]


async def test_a_prediction_of_others_about_an_erased_event_goes_with_it(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION), visit(OTHER_SESSION))
    theirs = "INSERT INTO emotion_predictions (event_id) SELECT event_id FROM events WHERE session_id = %s LIMIT 1"
    ask(database_url, theirs, SESSION)
    ask(database_url, theirs, OTHER_SESSION)
    erase(database_url, [], [SESSION])
    assert ask(database_url, "SELECT count(*) FROM emotion_predictions WHERE session_id IS NULL") == [(1,)]


def test_whatever_refers_to_what_is_erased_is_found_by_an_index(database_url: str) -> None:
    """Others wait meanwhile: and PostgreSQL looks for references once for each row that goes."""
    without = """
        SELECT c.conname FROM pg_constraint AS c
        WHERE c.contype = 'f' AND c.confrelid = ANY (ARRAY['users', 'sessions', 'events']::regclass[]) AND NOT EXISTS (
            SELECT FROM pg_index AS i
            WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL
        )
    """
    assert ask(database_url, without) == []


def test_nothing_is_found_of_somebody_who_was_never_there(database_url: str) -> None:
    erased = erase(database_url, ["nobody"], [SESSION])
    assert not erased.something
    assert erased.session_ids == []


async def test_a_reference_from_a_table_of_others_stops_the_whole_erasure(
    database_url: str, sink: PostgresSink
) -> None:
    await fill(sink, visit(SESSION))
    before = naming(database_url, SESSION)
    ask(database_url, "CREATE TABLE tickets (about UUID REFERENCES sessions)")
    ask(database_url, "INSERT INTO tickets VALUES (%s)", SESSION)
    with pytest.raises(NotErased, match="tickets") as refusal:
        erase(database_url, [], [SESSION])
    assert isinstance(refusal.value.__cause__, ForeignKeyViolation)
    assert {**naming(database_url, SESSION), "tickets": 1} == {**before, "tickets": 1}


def test_workers_may_not_erase(database_url: str) -> None:
    with pytest.raises(NotErased, match="only members of hxi_owner"):
        erase(as_writer(database_url), [], [SESSION])


# erasure:  |-stops flushes---waits for others' row-------------------erases|
# flush:                |--waits for the ledger-------------------------------|-reads, writes|
async def test_a_flush_that_comes_meanwhile_begins_its_session_anew(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))
    with holding(database_url, "SELECT 1 FROM sessions WHERE session_id = %s FOR UPDATE", SESSION):
        erasing = asyncio.create_task(asyncio.to_thread(erase, database_url, [], [SESSION]))
        await until_waiting(database_url, "FOR NO KEY UPDATE", erasing)
        clicks = [kept(68 + n / 10, x=1, y=1, screen_name="/a") for n in range(3)]
        writing = asyncio.create_task(owner.write(kept(67.5, PAGE_VIEW, screen_name="/new"), *clicks))
        await until_waiting(database_url, "hxi_state.ledger AS l", writing)
    assert (await erasing).session_ids == [SESSION]
    await writing
    assert ask(database_url, "SELECT step_number, screen_name FROM journey_steps") == [(1, "/new")]
    assert ask(database_url, "SELECT click_count FROM rage_click_events") == [(3,)]
    assert ask(database_url, "SELECT count(*) FROM events") == [(4,)]
    assert ask(database_url, "SELECT device_id FROM sessions") == [(None,)]


# flush:    |-reads the session--waits for the lock---------writes|
# erasure:               |-waits for the flush-----------------------|-erases what it wrote too|
async def test_a_flush_under_way_is_waited_for_and_erased_with_the_rest(database_url: str, sink: PostgresSink) -> None:
    owner = await fill(sink, visit(SESSION))
    with holding(database_url, "LOCK TABLE journey_steps IN SHARE MODE"):
        writing = asyncio.create_task(owner.write(kept(95, PAGE_VIEW, screen_name="/new")))
        await until_waiting(database_url, "INSERT INTO journey_steps", writing)
        erasing = asyncio.create_task(asyncio.to_thread(erase, database_url, [], [SESSION]))
        await until_waiting(database_url, "LOCK TABLE hxi_state.ledger", erasing)
    await writing
    assert (await erasing).rows["journey_steps"] == 4
    assert naming(database_url, SESSION) == {}


# judge:    |-takes the mark--waits for the lock----------------writes|
# erasure:               |-holds the session, waits for the mark--------|-erases what was judged too|
async def test_a_judge_at_work_is_waited_for_without_a_deadlock(database_url: str, sink: PostgresSink) -> None:
    await fill(sink, visit(SESSION))
    with holding(database_url, "LOCK TABLE experience_scores IN SHARE MODE"):
        judging = asyncio.create_task(sink.judge(10))
        await until_waiting(database_url, "experience_scores", judging)
        erasing = asyncio.create_task(asyncio.to_thread(erase, database_url, [], [SESSION]))
        await until_waiting(database_url, "hxi_state.unjudged", erasing)
    assert await judging == 1
    await erasing
    assert naming(database_url, SESSION) == {}


async def test_who_holds_a_session_for_too_long_is_not_waited_for(
    database_url: str, sink: PostgresSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "LOCK_TIMEOUT_MS", 50)
    await fill(sink, visit(SESSION))
    before = naming(database_url, SESSION)
    with (
        holding(database_url, "SELECT 1 FROM sessions WHERE session_id = %s FOR KEY SHARE", SESSION),
        pytest.raises(Unavailable, match="lock timeout"),
    ):
        erase(database_url, [], [SESSION])
    assert naming(database_url, SESSION) == before


async def test_erasures_writers_and_judges_never_deadlock(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasure, "TRIES", 1)
    sessions = [numbered(n) for n in range(8)]
    sinks = [PostgresSink(as_writer(database_url), f"busy {n}", FoldPolicy()) for n in range(3)]
    writers = [await Owner.of(sink) for sink in sinks[:2]]
    chance = Random(3)
    erased: list[Erased] = []

    async def write(owner: Owner, number: int) -> None:
        for round_ in range(25):
            chosen = chance.sample(sessions, 4)
            alice = user(ALICE, external_user_id="alice")
            events = [
                kept(
                    round_ * 2 + number + n / 9, kind, session_id=session_id, user=alice, screen_name=f"/{n}", x=1, y=1
                )
                for n, session_id in enumerate(chosen)
                for kind in ("click", PAGE_VIEW, SESSION_END)
            ]
            await owner.write(*events)

    async def look_on() -> None:
        while not writing.done():
            await sinks[2].judge(10)
            await sinks[2].end_quiet_sessions(1, ["ui-events"])

    async def forget() -> None:
        while not writing.done():
            chosen = chance.sample(sessions, 2)
            erased.append(await asyncio.to_thread(erase, database_url, chance.choice([[], ["alice"]]), chosen))

    writing = asyncio.gather(*(write(owner, n) for n, owner in enumerate(writers)))
    await asyncio.gather(writing, look_on(), forget())
    await asyncio.gather(*(sink.close() for sink in sinks))
    assert sum(one.rows["events"] for one in erased) > 0
    steps = ask(database_url, "SELECT max(step_number), count(*) FROM journey_steps GROUP BY session_id")
    assert all(last == count for last, count in steps), "steps are numbered from 1 without gaps, of what is left"
