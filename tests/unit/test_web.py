"""The web port serves three paths to who asks for them, and nothing else to nobody."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

import aiohttp
import psutil
import pytest
from yarl import URL

from agents import metrics, web
from agents.logs import set_up_logging
from agents.settings import load_settings
from agents.web import MOST_CONNECTIONS, WebServer
from tests.servers.ports import free_port

PATHS = ["/metrics", "/livez", "/readyz"]


class Stub:
    """What is as it is told; its metrics are fresh when they have been asked for."""

    def __init__(self, not_alive: str | None = None, not_ready: str | None = None, spare: bool = False) -> None:
        self._not_alive = not_alive
        self._not_ready = not_ready
        self._spare = spare

    def refresh_metrics(self) -> None:
        metrics.PARTITIONS.inc()

    def why_not_alive(self) -> str | None:
        return self._not_alive

    def why_not_ready(self) -> str | None:
        return self._not_ready

    def is_spare(self) -> bool:
        return self._spare


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A server where it listens unless told otherwise, but for the port."""
    port = free_port()
    server = WebServer(load_settings({}).web_host, port, Stub())
    await server.start()
    yield f"http://127.0.0.1:{port}"
    await server.stop()


@contextmanager
def logging_as_workers_do() -> Iterator[None]:
    """Log to standard error within the block, and as before behind it."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    root.handlers.clear()  # or they would be closed
    try:
        set_up_logging("text")
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers


async def status(address: str, method: str, path: str) -> int:
    """Return how a request is answered; the path goes as it is."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, URL(address + path, encoded=True), allow_redirects=False) as answer,
    ):
        return answer.status


async def test_it_listens_on_this_machine_alone(address: str) -> None:
    listening = [at for at in psutil.Process().net_connections("inet") if at.status == psutil.CONN_LISTEN]
    port = int(address.rpartition(":")[2])
    assert {at.laddr.ip for at in listening if at.laddr.port == port} == {"127.0.0.1"}


@pytest.mark.parametrize("path", PATHS)
async def test_its_paths_can_be_asked_for(address: str, path: str) -> None:
    assert [await status(address, method, path) for method in ("GET", "HEAD")] == [200, 200]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
async def test_other_methods_are_refused(address: str, method: str, path: str) -> None:
    assert await status(address, method, path) == 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//metrics",
        "/metrics/",
        "/METRICS",
        "/metrics/..",
        "/%2e%2e/metrics",
        "/livez%00",
        "/table/",
        "/debug",
        "/*",
    ],
)
async def test_other_paths_are_not_there(address: str, path: str) -> None:
    assert await status(address, "GET", path) == 404
    assert await status(address, "POST", path) == 404


async def test_no_answer_tells_what_serves_it(address: str) -> None:
    async with aiohttp.ClientSession() as session:
        for path in (*PATHS, "/nowhere"):
            async with session.get(address + path) as answer:
                assert "Server" not in answer.headers


@pytest.mark.parametrize(
    "sent",
    [b"GET /metrics?u=zebra@example.com&t=zebra\x01 HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nzebra\x01: x\r\n\r\n"],
)
async def test_what_is_no_http_is_refused_and_not_logged(
    address: str, capsys: pytest.CaptureFixture[str], sent: bytes
) -> None:
    with logging_as_workers_do():
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        writer.write(sent)
        assert (await reader.readline()).split()[1] == b"400"
        writer.close()
        await writer.wait_closed()
        logging.getLogger("aiohttp.server").error("something else")
    said = capsys.readouterr().err
    assert "something else" in said
    assert "zebra" not in said
    assert "Traceback" not in said


async def test_a_fault_of_our_own_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(Stub):
        def why_not_alive(self) -> str | None:
            raise RuntimeError("it broke")

    port = free_port()
    server = WebServer("127.0.0.1", port, Broken())
    await server.start()
    try:
        with logging_as_workers_do():
            assert await status(f"http://127.0.0.1:{port}", "GET", "/livez") == 500
    finally:
        await server.stop()
    assert "RuntimeError: it broke" in capsys.readouterr().err


async def test_health_says_why_it_is_bad() -> None:
    port = free_port()
    server = WebServer("127.0.0.1", port, Stub("stuck", "the database does not answer"))
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            for path, said in (
                ("livez", "not alive: stuck\n"),
                ("readyz", "not ready: the database does not answer\n"),
            ):
                async with session.get(f"http://127.0.0.1:{port}/{path}") as answer:
                    assert (answer.status, await answer.text()) == (503, said)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("not_ready", "status", "said"),
    [
        (None, 200, "ready, and spare: there are more workers than partitions\n"),
        ("the database does not answer", 503, "not ready: the database does not answer\n"),
    ],
)
async def test_who_is_spare_is_ready_unless_something_is_wrong(not_ready: str | None, status: int, said: str) -> None:
    port = free_port()
    server = WebServer("127.0.0.1", port, Stub(not_ready=not_ready, spare=True))
    await server.start()
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            assert (answer.status, await answer.text()) == (status, said)
    finally:
        await server.stop()


# rendering:  10.0 - 10.5, good for 20 times as long       21.0 - 21.5
# asked:      10.0              20.0  20.4                 21.0
async def test_metrics_are_fresh_but_take_no_more_than_a_twentieth_of_the_time() -> None:
    clock = iter([10.0, 10.5, 20.0, 20.4, 21.0, 21.5])
    port = free_port()
    server = WebServer("127.0.0.1", port, Stub(), lambda: next(clock))
    await server.start()
    metrics.PARTITIONS.set(40)
    try:
        async with aiohttp.ClientSession() as session:
            for partitions in (41, 41, 41, 42):
                async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                    assert f"\nhxi_partitions {partitions}.0\n" in await answer.text()
    finally:
        await server.stop()
        metrics.PARTITIONS.set(0)


async def connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nHost: "])
async def test_who_asks_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(web, "KEPT_S", 0.2)
    port = free_port()
    server = WebServer("127.0.0.1", port, Stub())
    await server.start()
    try:
        reader, writer = await connect(f":{port}")
        writer.write(sent)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
    finally:
        await server.stop()


async def test_of_too_many_connections_the_oldest_are_hung_up_on(address: str) -> None:
    idle = [await connect(address) for _ in range(3 * MOST_CONNECTIONS)]
    assert await status(address, "GET", "/livez") == 200
    async with asyncio.timeout(10):
        for reader, _ in idle[: 2 * MOST_CONNECTIONS]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
    for _, writer in idle:
        writer.close()
    assert await status(address, "GET", "/livez") == 200
