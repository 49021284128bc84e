"""No idle session of ours stands in the way of others, and no call waits for a server that waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from pipeline.fold import FoldPolicy
from pipeline.sinks.connection import Connection, connect, session_name
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.postgres import PostgresSink
from schema.sql import query
from tests.builders import EVENTS, Owner, kept
from tests.servers.conversations import ToPostgres
from tests.servers.proxy import Proxy

APP = "watched"
WITHIN_S = 20.0
LOCK = {"app_id": APP, "topics": [EVENTS.topic], "partitions": [EVENTS.number]}


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sinks.watching.LOOK_EVERY_S", 0.3)


@pytest.fixture
async def sink(database_url: str) -> AsyncIterator[PostgresSink]:
    made = PostgresSink(database_url, APP, FoldPolicy())
    yield made
    await made.close()


@asynccontextmanager
async def asleep_in_copy(database_url: str) -> AsyncIterator[None]:
    """Hold the ledger's row in a session of ours that waits for COPY's data."""
    sleeper = await connect(database_url, session_name(APP, "writer"))
    await sleeper.execute("BEGIN")
    await sleeper.execute(query("lock_ledger"), LOCK)
    sleeper.pgconn.send_query(b"COPY error_logs (session_id) FROM STDIN")
    yield
    await sleeper.close()


async def test_a_session_of_ours_asleep_in_the_midst_of_copy_is_ended_by_who_waits_for_its_lock(
    sink: PostgresSink, database_url: str
) -> None:
    owner = await Owner.of(sink)
    async with asleep_in_copy(database_url):
        await asyncio.wait_for(owner.write(kept()), WITHIN_S)
    assert owner.claim.next_offset == 1


async def test_a_look_that_fails_is_not_the_last(
    sink: PostgresSink, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([psycopg.OperationalError("the connection is lost")])

    async def connect_at_the_second_try(url: str, name: str) -> Connection:
        for failure in failures:
            raise failure
        return await connect(url, name)

    monkeypatch.setattr("pipeline.sinks.watching.connect", connect_at_the_second_try)
    owner = await Owner.of(sink)
    async with asleep_in_copy(database_url):
        await asyncio.wait_for(owner.write(kept()), WITHIN_S)
    assert next(failures, None) is None


async def test_a_session_of_others_is_left_alone(sink: PostgresSink, database_url: str) -> None:
    owner = await Owner.of(sink)
    with psycopg.connect(database_url) as stranger:
        stranger.execute(query("lock_ledger").encode(), LOCK)
        writing = asyncio.ensure_future(owner.write(kept()))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(writing), 2)
        stranger.rollback()
    await asyncio.wait_for(writing, WITHIN_S)


async def test_a_call_whose_answer_never_comes_fails_and_the_next_one_succeeds(database_url: str) -> None:
    server, _, name = database_url.rpartition("/")
    port = int(server.rpartition(":")[2])
    with Proxy(port, ToPostgres) as proxy:
        through = f"{server.replace(str(port), str(proxy.port))}/{name}?sslmode=disable&gssencmode=disable"
        sink = PostgresSink(through, APP, FoldPolicy())
        owner = await Owner.of(sink)
        assert proxy.silence() == 1
        with pytest.raises(Unavailable):
            await asyncio.wait_for(sink.claim([EVENTS]), WITHIN_S)
        owner = await Owner.of(sink)
        await owner.write(kept())
        await sink.close()


async def test_a_call_that_the_server_works_on_for_long_is_left_alone(sink: PostgresSink) -> None:
    async with sink._on("reader") as connection:
        await connection.execute("SELECT pg_sleep(2)")
