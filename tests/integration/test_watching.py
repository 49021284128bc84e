"""No idle session of ours stands in the way of others, and no call waits for a server that waits for it."""

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest

from pipeline.fold import FoldPolicy
from pipeline.sinks.connection import Connection, connect, same_server, session_name, wire
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import check_schema
from pipeline.sinks.postgres import PostgresSink
from schema.sql import query
from tests.builders import EVENTS, Owner, kept
from tests.roles import as_writer
from tests.servers.conversations import ToPostgres
from tests.servers.link import Moment
from tests.servers.proxied import port_of, proxied
from tests.servers.proxy import Proxy

APP = "watched"
WITHIN_S = 20.0
SHORTEST_S = 2
"""The least that libpq takes for its time to connect in."""

LARGE = 2_000_000
TAKES_S = 3
SO_MAX_PACING_RATE = 47
"""Bytes per second, of a socket that sends; in Linux's ``asm-generic/socket.h``."""
LOCK = {"app_id": APP, "topics": [EVENTS.topic], "partitions": [EVENTS.number]}


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sinks.watching.LOOK_EVERY_S", 0.3)
    monkeypatch.setattr("pipeline.sinks.connection.ANSWERS_WITHIN_S", 0.5)


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    with Proxy(port_of(database_url), ToPostgres) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(proxy: Proxy, database_url: str) -> str:
    return proxied(as_writer(database_url), proxy)


@contextmanager
def never_collected() -> Iterator[None]:
    """Keep the garbage collector from closing what was forgotten."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture
async def sink(database_url: str) -> AsyncIterator[PostgresSink]:
    made = PostgresSink(as_writer(database_url), APP, FoldPolicy())
    yield made
    await made.close()


@asynccontextmanager
async def asleep_in_copy(database_url: str) -> AsyncIterator[None]:
    """Hold the ledger's row in a session of ours that waits for COPY's data."""
    sleeper = await connect(as_writer(database_url), session_name(APP, "writer"))
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


async def test_a_call_whose_answer_never_comes_fails_and_the_next_one_succeeds(proxy: Proxy, proxied_url: str) -> None:
    sink = PostgresSink(proxied_url, APP, FoldPolicy())
    owner = await Owner.of(sink)
    assert proxy.silence() == 1
    with pytest.raises(Unavailable):
        await asyncio.wait_for(sink.claim([EVENTS]), WITHIN_S)
    owner = await Owner.of(sink)
    await owner.write(kept())
    await sink.close()


@pytest.mark.parametrize("lost", ["SELECT set_config", query("staging").partition("\n")[0]])
async def test_a_server_that_falls_silent_while_we_connect_is_not_waited_for(
    proxy: Proxy, proxied_url: str, lost: str
) -> None:
    sink = PostgresSink(proxied_url, APP, FoldPolicy())
    owner = await Owner.of(sink)
    moment = Moment(lambda request: request.statement.startswith(lost))
    proxy.stop_at(moment)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(owner.write(kept()), WITHIN_S)
    assert moment.reached.is_set()
    await owner.write(kept())
    await sink.close()


async def test_a_server_that_falls_silent_while_its_schema_is_checked_is_not_waited_for(
    proxy: Proxy, proxied_url: str
) -> None:
    moment = Moment(lambda request: "to_regclass" in request.statement)
    proxy.stop_at(moment)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(asyncio.to_thread(check_schema, proxied_url), WITHIN_S)
    assert moment.reached.is_set()
    check_schema(proxied_url)


@pytest.mark.parametrize("attempt", [lambda url: asyncio.run(connect(url, APP)), check_schema])
def test_an_attempt_to_connect_that_took_too_long_leaves_nothing_open(
    attempt: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sinks.connection._REACHING", {"connect_timeout": SHORTEST_S})
    monkeypatch.setattr("pipeline.sinks.migrations.CONNECT_TIMEOUT_S", SHORTEST_S)
    with socket.create_server(("127.0.0.1", 0)) as silent, never_collected():
        silent.settimeout(WITHIN_S)
        host, port = silent.getsockname()
        with pytest.raises(Unavailable, match="timeout"):
            attempt(f"postgresql://me@{host}:{port}/mine?sslmode=disable&gssencmode=disable")
        theirs, _ = silent.accept()
        with theirs, theirs.makefile("rb") as asked:
            theirs.settimeout(WITHIN_S)
            assert asked.read(), "they have asked, and hung up"


async def test_a_look_that_is_not_answered_is_not_the_last(proxy: Proxy, proxied_url: str, database_url: str) -> None:
    moment = Moment(lambda request: request.client.endswith(" watch") and "pg_blocking_pids" in request.statement)
    sink = PostgresSink(proxied_url, APP, FoldPolicy())
    owner = await Owner.of(sink)
    proxy.stop_at(moment)
    async with asleep_in_copy(database_url):
        await asyncio.wait_for(owner.write(kept()), WITHIN_S)
    assert moment.reached.is_set()
    await sink.close()


async def test_a_call_that_the_server_works_on_for_long_is_left_alone(sink: PostgresSink) -> None:
    async with sink._on("reader") as connection:
        await connection.execute("SELECT pg_sleep(2)")


async def test_a_large_statement_on_its_slow_way_to_the_server_is_left_alone(sink: PostgresSink) -> None:
    async with sink._on("reader") as connection:
        with wire(connection) as beneath:
            beneath.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, LARGE // TAKES_S)
        began = time.monotonic()
        cursor = await connection.execute("SELECT length(%s)", ("x" * LARGE,))
        assert await cursor.fetchone() == (LARGE,)
        assert time.monotonic() - began > TAKES_S / 2, "the statement was to be slow"


async def test_a_look_goes_to_the_server_that_the_connection_goes_to(database_url: str) -> None:
    server, _, name = database_url.rpartition("/")
    two = server.replace("127.0.0.1:", "127.0.0.1:1,127.0.0.1:") + "/" + name
    connection = await connect(two, "one of two")
    eyes = await connect(same_server(two, connection), "the same")
    assert "127.0.0.1:1" not in same_server(two, connection)
    assert (eyes.info.host, eyes.info.port) == (connection.info.host, connection.info.port)
    await eyes.close()
    await connection.close()


def test_long_application_ids_leave_room_for_the_role() -> None:
    assert session_name("a" * 100, "writer") == "a" * 56 + " writer"
