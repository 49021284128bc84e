"""Judges, flushes and the watch for quiet sessions meet in PostgreSQL: nothing is lost, nothing judged by half."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import pytest

from pipeline.fold import FoldPolicy
from pipeline.moments import moment
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.postgres import PostgresSink
from schema.events import API_CALL, ERROR, SESSION_END
from schema.rows import ApiCall, KeptEvent, Partition
from tests.builders import SESSION, TOPICS, Owner, at, busy, kept, numbered
from tests.results import Emotion, emotions_in_postgres, expected_emotions
from tests.roles import as_writer

ALL = 1000
PATIENCE_S = 20
TIMEOUT_S = 60

T = TypeVar("T")


class Database:
    """A database with sinks of its own, and an eye on who waits for whom in it."""

    def __init__(self, url: str, eye: psycopg.AsyncConnection[Any]) -> None:
        self.url, self._eye = url, eye
        self.sinks: list[PostgresSink] = []

    def sink(self, name: str) -> PostgresSink:
        """Return another sink; its connections are called ``<name> writer`` and so on."""
        self.sinks.append(PostgresSink(as_writer(self.url), name, FoldPolicy()))
        return self.sinks[-1]

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return await (await self._eye.execute(statement.encode())).fetchall()

    async def analyze(self, table: str) -> None:
        """Let the planner learn what is in ``table`` now, as the server does now and then."""
        await self._eye.execute(f"ANALYZE {table}".encode())

    async def count(self, table: str) -> int:
        return int((await self.rows(f"SELECT count(*) FROM {table}"))[0][0])

    async def errors_scored(self) -> dict[UUID, int]:
        """Return the errors that each score counts."""
        rows = await self.rows("""
            SELECT session_id, coalesce(
                (SELECT sum((i ->> 'count')::int) FROM jsonb_array_elements(issues) i WHERE i ->> 'code' = 'js_error'),
                0
            ) FROM experience_scores
        """)
        assert len({session_id for session_id, _ in rows}) == len(rows)
        return {session_id: int(errors) for session_id, errors in rows}

    def emotions(self) -> Counter[Emotion]:
        """Return the predictions that are committed."""
        with psycopg.connect(self.url) as connection:
            return emotions_in_postgres(connection)

    @asynccontextmanager
    async def locked(self, table: str) -> AsyncIterator[None]:
        """Let nobody write ``table`` meanwhile; whoever waits for it too long ends the test."""
        async with await psycopg.AsyncConnection.connect(self.url, application_name="lock") as connection:
            await connection.execute(f"LOCK TABLE {table} IN SHARE MODE".encode())
            async with asyncio.timeout(PATIENCE_S):
                yield

    async def until_waiting(self, *pairs: tuple[str, str]) -> None:
        """Poll until each first connection waits for the second, by their names."""
        while not set(pairs) <= await self._waiting():
            pass  # the query lets others go on, and the lock's deadline ends it

    async def _waiting(self) -> set[tuple[str, str]]:
        rows = await self.rows("""
            SELECT waits.application_name, holds.application_name
            FROM pg_stat_activity waits JOIN pg_stat_activity holds ON holds.pid = ANY (pg_blocking_pids(waits.pid))
            WHERE waits.datname = current_database()
        """)
        return {(waits, holds) for waits, holds in rows}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True, application_name="eye") as eye:
        database = Database(database_url, eye)
        yield database
        await asyncio.gather(*(sink.close() for sink in database.sinks))


def started(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    return asyncio.create_task(work)


def whole(session_id: UUID, errors: int = 0) -> list[KeptEvent]:
    """Return a session with so many errors that says that it ends."""
    events = [kept(n, ERROR, session_id=session_id) for n in range(errors)]
    return [*events, kept(60, SESSION_END, session_id=session_id)]


def call(seconds: float) -> KeptEvent:
    """Return an event whose latency window is the last that its flush writes."""
    return kept(seconds, API_CALL, api_call=ApiCall("/users", 9, 200))


# flush:  |--marks the session-------waits for the lock-------------commits|
# lock:       |--------------------------------------------|
# judge:                                  judges nobody                         judges the session
@pytest.mark.parametrize("judged_before", [False, True])
async def test_a_flush_in_progress_is_judged_after_it_has_committed(database: Database, judged_before: bool) -> None:
    owner, judge = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*whole(SESSION))
    if judged_before:
        assert await judge.judge(ALL) == 1
    before = await database.rows("SELECT * FROM experience_scores")
    async with database.locked("hxi_state.latency_windows"):
        flush = started(owner.write(kept(1, ERROR), call(2), kept(3, ERROR)))
        await database.until_waiting(("flush writer", "lock"))
        assert await judge.judge(ALL) == 0
        assert await database.rows("SELECT * FROM experience_scores") == before
        assert not flush.done()
    await flush
    assert await judge.judge(ALL) == 1
    assert await database.errors_scored() == {SESSION: 2}
    assert await judge.judge(ALL) == 0


async def test_a_flush_in_progress_does_not_keep_others_from_being_judged(database: Database) -> None:
    owner, other = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*whole(SESSION), *whole(numbered(1), errors=1))
    async with database.locked("hxi_state.latency_windows"):
        flush = started(owner.write(call(2)))
        await database.until_waiting(("flush writer", "lock"))
        assert await other.judge(1) == 1
        assert await database.errors_scored() == {numbered(1): 1}
    await flush
    assert await other.judge(ALL) == 1
    assert await database.errors_scored() == {numbered(1): 1, SESSION: 0}


async def test_a_flush_that_failed_leaves_no_mark(database: Database) -> None:
    owner, judge = await Owner.of(database.sink("flush")), database.sink("other")
    async with database.locked("hxi_state.latency_windows"):
        flush = started(owner.write(*whole(SESSION, errors=1), call(2)))
        await database.until_waiting(("flush writer", "lock"))
        await terminate(database, "flush writer")
        with pytest.raises(Unavailable):
            await flush
    assert await judge.judge(ALL) == 0
    await owner.write(*whole(SESSION, errors=1), call(2))
    assert await judge.judge(ALL) == 1
    assert await database.errors_scored() == {SESSION: 1}


async def terminate(database: Database, name: str) -> None:
    """End a connection from the server's side."""
    ending = await database.rows(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'"
    )
    assert ending == [(True,)]


# judge:  |--takes the mark, reads--------waits for the lock------writes|
# lock:       |-------------------------------------------|
# flush:                   |--waits for the judge-----------------------marks again, commits|
async def test_a_flush_waits_for_the_judge_of_its_session_and_marks_it_again(database: Database) -> None:
    owner, other = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*whole(SESSION, errors=1))
    async with database.locked("experience_scores"):
        judge = started(other.judge(ALL))
        await database.until_waiting(("other judge", "lock"))
        flush = started(owner.write(kept(30, ERROR)))
        await database.until_waiting(("other judge", "lock"), ("flush writer", "other judge"))
    assert await judge == 1
    await flush
    assert await database.errors_scored() == {SESSION: 1}
    assert await database.count("hxi_state.unjudged") == 1
    assert await other.judge(ALL) == 1
    assert await database.errors_scored() == {SESSION: 2}


async def test_events_that_come_while_their_session_is_judged_are_judged_afterwards(database: Database) -> None:
    owner, other = await Owner.of(database.sink("flush")), database.sink("other")
    events = busy(0, 180)
    late, others = events[100:200], events[:100] + events[200:]
    await owner.write(*others)
    async with database.locked("experience_scores"):
        judge = started(other.judge(ALL))
        await database.until_waiting(("other judge", "lock"))
        flush = started(owner.write(*late))
        await database.until_waiting(("other judge", "lock"), ("flush writer", "other judge"))
        assert not database.emotions()
    assert await judge == 1
    await flush
    assert database.emotions() == expected_emotions(others) != expected_emotions(events)
    assert await database.rows("SELECT changed_from FROM hxi_state.unjudged") == [(moment(at(50)),)]
    assert await other.judge(ALL) == 1
    assert database.emotions() == expected_emotions(events)


async def test_a_flush_of_other_sessions_does_not_wait_for_a_judge(database: Database) -> None:
    owner, other = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*whole(SESSION))
    async with database.locked("experience_scores"):
        judge = started(other.judge(ALL))
        await database.until_waiting(("other judge", "lock"))
        await owner.write(*whole(numbered(1)))
        assert not judge.done()
    assert await judge == 1
    assert await other.judge(ALL) == 1


async def test_marks_that_a_judge_took_are_back_when_it_dies(database: Database) -> None:
    owner, other = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*whole(SESSION, errors=1))
    async with database.locked("experience_scores"):
        judge = started(other.judge(ALL))
        await database.until_waiting(("other judge", "lock"))
        await terminate(database, "other judge")
        with pytest.raises(Unavailable):
            await judge
    assert await database.count("experience_scores") == 0
    assert await other.judge(ALL) == 1
    assert await database.errors_scored() == {SESSION: 1}


async def test_judges_at_work_at_once_each_take_other_sessions(database: Database) -> None:
    owner = await Owner.of(database.sink("flush"))
    events = [event for n in range(50) for event in whole(numbered(n), errors=n % 4)]
    events += [event for n in range(50) for event in busy(0, 60, session_id=numbered(n))]
    await owner.write(*events)
    names = ["one", "two", "three"]
    async with database.locked("experience_scores"):
        judges = [started(database.sink(name).judge(15)) for name in names]
        await database.until_waiting(*((f"{name} judge", "lock") for name in names))
    assert await asyncio.gather(*judges) == [15, 15, 15]
    assert await database.count("experience_scores") == 45
    assert await database.sinks[0].judge(ALL) == 5
    assert await database.errors_scored() == {numbered(n): n % 4 for n in range(50)}
    assert database.emotions() == expected_emotions(events)


async def test_judging_flushing_and_ending_quiet_sessions_side_by_side_never_deadlock_or_lose_anything(
    database: Database,
) -> None:
    chance = Random(7)
    sessions = [numbered(n) for n in range(120)]
    sinks = [database.sink("same") for _ in range(3)]
    owners = [await Owner.of(sink, Partition("ui-events", number)) for number, sink in enumerate(sinks[:2])]
    told: list[KeptEvent] = []
    quiet = judged = 0
    for turn in range(40):
        begin = turn * 200
        for owner in owners:
            told += await tell(owner, chance.sample(sessions, 60), begin)
        for owner in owners:
            await owner.write(arrival_us=at(begin + 100))
        ended, scored, more = await asyncio.gather(
            asyncio.gather(*(sink.end_quiet_sessions(TIMEOUT_S, TOPICS) for sink in sinks[:2])),
            asyncio.gather(*(sink.judge(most) for sink, most in zip(sinks, (ALL, 30, 30), strict=True))),
            tell(owners[0], chance.sample(sessions, 60), begin + 101),
        )
        told += more
        quiet, judged = quiet + sum(ended), judged + sum(scored)
    for owner in owners:
        await owner.write(arrival_us=at(100_000))
    assert await sinks[0].end_quiet_sessions(TIMEOUT_S, TOPICS) > 0
    await sinks[0].judge(ALL)
    assert await database.errors_scored() == Counter(e.session_id for e in told if e.event_type == ERROR)
    assert database.emotions() == expected_emotions(told)
    assert database.emotions().total() > 40 * 60
    assert min(quiet, judged) > 40 * 20
    statement = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await database.rows(statement) == [(0,)]


async def tell(owner: Owner, session_ids: list[UUID], seconds: float) -> list[KeptEvent]:
    """Write an error and some clicks of each of these sessions in one flush; return them."""
    events = [kept(seconds, ERROR, session_id=session_id) for session_id in session_ids]
    events += [kept(seconds + n, session_id=session_id) for session_id in session_ids for n in range(1, 13)]
    await owner.write(*events, arrival_us=at(seconds))
    return events


async def test_judging_takes_at_most_so_many_of_a_table_that_was_empty_when_analyzed(database: Database) -> None:
    owner, sink = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*(event for n in range(300) for event in whole(numbered(n))))
    assert await sink.judge(ALL) == 300
    await database.analyze("hxi_state.unjudged")
    await owner.write(*(kept(5, session_id=numbered(n)) for n in range(300)))
    assert await sink.judge(100) == 100


# deleter:  |--deletes an event-----------------------------commits|
# judge:           |--reads it---waits to refer to it-------------|--writes all but its prediction|
@pytest.mark.parametrize("judged_before", [False, True])
async def test_an_event_deleted_while_it_is_judged_takes_only_its_prediction_along(
    database: Database, judged_before: bool
) -> None:
    owner, sink = await Owner.of(database.sink("flush")), database.sink("other")
    events = busy(0, 120)
    await owner.write(*events)
    if judged_before:
        await sink.judge(ALL)
        await database.rows("DELETE FROM emotion_predictions RETURNING 1")
        await database.rows(f"INSERT INTO hxi_state.unjudged VALUES ('{SESSION}', '2000-01-01') RETURNING 1")
    expected = expected_emotions(events)
    gone = min(expected).event_uuid
    async with await psycopg.AsyncConnection.connect(database.url, application_name="deleter") as deleter:
        await deleter.execute("DELETE FROM events WHERE event_uuid = %s", (gone,))
        judge = started(sink.judge(ALL))
        async with asyncio.timeout(PATIENCE_S):
            await database.until_waiting(("other judge", "deleter"))
        await deleter.commit()
    assert await judge == 1
    left = Counter({emotion: times for emotion, times in expected.items() if emotion.event_uuid != gone})
    assert 0 < len(left) < len(expected)
    assert database.emotions() == left


async def test_an_event_cannot_be_deleted_while_a_prediction_is_about_to_refer_to_it(database: Database) -> None:
    owner, sink = await Owner.of(database.sink("flush")), database.sink("other")
    events = busy(0, 120)
    await owner.write(*events)
    completing = min(expected_emotions(events)).event_uuid

    async def delete() -> None:
        async with await psycopg.AsyncConnection.connect(database.url, application_name="deleter") as connection:
            await connection.execute("DELETE FROM events WHERE event_uuid = %s", (completing,))

    async with database.locked("experience_scores"):
        judge = started(sink.judge(ALL))
        await database.until_waiting(("other judge", "lock"))
        deletion = started(delete())
        await database.until_waiting(("deleter", "other judge"))
    assert await judge == 1
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await deletion
    assert database.emotions() == expected_emotions(events)


async def test_a_session_cannot_be_deleted_while_it_is_judged(database: Database) -> None:
    owner, sink = await Owner.of(database.sink("flush")), database.sink("other")
    await owner.write(*whole(SESSION), *whole(numbered(1)))
    await database.rows("DELETE FROM events RETURNING 1")

    async def delete() -> None:
        async with await psycopg.AsyncConnection.connect(database.url, application_name="deleter") as connection:
            await connection.execute("DELETE FROM sessions WHERE session_id = %s", (SESSION,))

    async with database.locked("experience_scores"):
        judge = started(sink.judge(ALL))
        await database.until_waiting(("other judge", "lock"))
        deletion = started(delete())
        await database.until_waiting(("deleter", "other judge"))
    assert await judge == 2
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await deletion
    assert await database.count("experience_scores") == 2
