"""Requests are cut out of what clients say, and a connection stops at a named moment and goes on when released."""

import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from urllib.parse import urlsplit

import psycopg
import pytest

from agents.embedded import Postgres
from tests.deployment import fresh_name, wait_until
from tests.servers.conversations import ToKafka, ToPostgres
from tests.servers.link import Moment
from tests.servers.proxy import Proxy
from tests.servers.talk import Echo, ask, connected, hears_nothing, receive

QUICK_S = 0.3
REACHED_WITHIN_S = 10.0


def to_kafka(key: int, body: bytes = b"") -> bytes:
    """Return a request to Kafka with that API key."""
    return struct.pack(">ih", len(body) + 2, key) + body


def to_postgres(kind: bytes, body: bytes) -> bytes:
    """Return a message to PostgreSQL."""
    return kind + struct.pack(">i", len(body) + 4) + body


START = struct.pack(">ii", 8 + len(b"user\0me\0application_name\0writer\0\0"), 3 << 16) + (
    b"user\0me\0application_name\0writer\0\0"
)
SAID_TO_POSTGRES = [
    (START, ("writer", "start", "")),
    (to_postgres(b"Q", b"BEGIN\0"), ("writer", "Q", "BEGIN")),
    (to_postgres(b"P", b"named\0SELECT 1\0\0\0"), ("writer", "P", "SELECT 1")),
    (to_postgres(b"Q", b"COPY events FROM STDIN\0"), ("writer", "Q", "COPY events FROM STDIN")),
    (to_postgres(b"d", bytes(1000)), ("writer", "d", "COPY events FROM STDIN")),
    (to_postgres(b"c", b""), ("writer", "c", "COPY events FROM STDIN")),
    (to_postgres(b"B", b"\0named\0\0\0\0\0\0\0"), ("writer", "B", "SELECT 1")),
    (to_postgres(b"S", b""), ("writer", "S", "SELECT 1")),
]
SAID_TO_KAFKA = [
    (to_kafka(18), ("", "18", "")),
    (to_kafka(0, bytes(3000)), ("", "0", "")),
    (to_kafka(8, b"x"), ("", "8", "")),
]


@pytest.mark.parametrize("longest", [1, 7, 1000, 100_000])
@pytest.mark.parametrize(
    ("conversation", "said"),
    [(ToPostgres, SAID_TO_POSTGRES), (ToKafka, SAID_TO_KAFKA)],
    ids=["PostgreSQL", "Kafka"],
)
def test_requests_come_out_whole_and_unchanged_however_they_arrive(
    conversation: type[ToPostgres | ToKafka], said: list[tuple[bytes, tuple[str, str, str]]], longest: int
) -> None:
    cutter, chance = conversation(), Random(longest)
    requests = [
        request
        for piece in _pieces(b"".join(raw for raw, _ in said), longest, chance)
        for request in cutter.requests(piece)
    ]
    assert [(request.raw, (request.client, request.kind, request.statement)) for request in requests] == said


def _pieces(data: bytes, longest: int, chance: Random) -> Iterable[bytes]:
    while data:
        size = chance.randint(1, longest)
        yield data[:size]
        data = data[size:]


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port, ToKafka) as between:
        yield between


def commit_of_offsets(*, answered: bool) -> Moment:
    return Moment(lambda request: request.kind == "8", answered=answered)


@pytest.mark.parametrize(
    ("answered", "heard"), [(False, 0), (True, 1)], ids=["before the request", "before its answer"]
)
def test_a_connection_stops_at_a_moment_and_goes_on_when_released(
    echo: Echo, proxy: Proxy, answered: bool, heard: int
) -> None:
    moment = commit_of_offsets(answered=answered)
    proxy.stop_at(moment)
    before, at, after = to_kafka(1, b"before"), to_kafka(8, b"at"), to_kafka(1, b"after")
    with connected(proxy.port) as client, connected(proxy.port) as other:
        assert ask(client, before) == before
        assert not moment.reached.is_set()
        client.sendall(at + after)
        assert moment.reached.wait(REACHED_WITHIN_S)
        assert hears_nothing(client, QUICK_S)
        assert echo.heard.count(at) == heard
        assert ask(other, at) == at, "one connection stops, and others pass the same moment"
        proxy.release(moment)
        assert receive(client, len(at + after)) == at + after


def test_a_moment_released_before_it_came_stops_nobody(proxy: Proxy) -> None:
    moment = commit_of_offsets(answered=False)
    proxy.stop_at(moment)
    proxy.release(moment)
    with connected(proxy.port) as client:
        assert ask(client, to_kafka(8)) == to_kafka(8)
    assert not moment.reached.is_set()


@pytest.mark.parametrize("answered", [False, True], ids=["before the request", "before its answer"])
def test_a_connection_that_stopped_can_be_reset(echo: Echo, proxy: Proxy, answered: bool) -> None:
    moment = commit_of_offsets(answered=answered)
    proxy.stop_at(moment)
    with connected(proxy.port) as client:
        client.sendall(to_kafka(8))
        assert moment.reached.wait(REACHED_WITHIN_S)
        assert proxy.reset() == 1
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    wait_until(lambda: echo.ends == ["reset"], "the server was told", 5)
    with connected(proxy.port) as client:
        assert ask(client, to_kafka(8)) == to_kafka(8)


@pytest.fixture
def to_postgres_proxy(postgres: Postgres) -> Iterator[Proxy]:
    port = urlsplit(postgres.address).port
    assert port is not None
    with Proxy(port, ToPostgres) as between:
        yield between


@pytest.mark.parametrize(("answered", "rows"), [(False, 0), (True, 1)], ids=["before COMMIT", "before its answer"])
def test_a_transaction_stops_on_either_side_of_its_commit(
    postgres: Postgres, to_postgres_proxy: Proxy, answered: bool, rows: int
) -> None:
    proxy = to_postgres_proxy
    moment = Moment(
        lambda request: request.statement == "COMMIT" and request.client == "stopped writer", answered=answered
    )
    table = fresh_name("proxied")
    with psycopg.connect(postgres.address, autocommit=True) as direct, ThreadPoolExecutor(1) as aside:
        direct.execute(f'CREATE TABLE "{table}" (text text)'.encode())
        with psycopg.connect(_through(postgres, proxy), application_name="stopped writer") as client:
            proxy.stop_at(moment)
            with client.cursor().copy(f'COPY "{table}" FROM STDIN'.encode()) as copy:
                copy.write_row(["x" * 1_000_000])
            assert not moment.reached.is_set()
            committing = aside.submit(client.commit)
            assert moment.reached.wait(REACHED_WITHIN_S)
            wait_until(lambda: _count(direct, table) == rows, f"{rows} rows while it stands", 5)
            assert not committing.done()
            proxy.release(moment)
            committing.result(REACHED_WITHIN_S)
        assert _count(direct, table) == 1
        direct.execute(f'DROP TABLE "{table}"'.encode())


def _through(postgres: Postgres, proxy: Proxy) -> str:
    url = urlsplit(postgres.address)
    where = url.netloc.replace(str(url.port), str(proxy.port))
    return url._replace(netloc=where, query="sslmode=disable&gssencmode=disable").geturl()


def _count(connection: psycopg.Connection, table: str) -> int:
    row = connection.execute(f'SELECT count(*) FROM "{table}"'.encode()).fetchone()
    assert row is not None
    return int(row[0])
