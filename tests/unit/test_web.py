"""The web port serves three paths to who asks for them, and nothing else to nobody."""

from collections.abc import AsyncIterator

import aiohttp
import psutil
import pytest
from yarl import URL

from agents import metrics
from agents.settings import load_settings
from agents.web import WebServer
from tests.servers.ports import free_port

PATHS = ["/metrics", "/livez", "/readyz"]


class Stub:
    """What is as it is told; its metrics are fresh when they have been asked for."""

    def __init__(self, not_alive: str | None = None, not_ready: str | None = None) -> None:
        self._not_alive = not_alive
        self._not_ready = not_ready

    def refresh_metrics(self) -> None:
        metrics.PARTITIONS.inc()

    def why_not_alive(self) -> str | None:
        return self._not_alive

    def why_not_ready(self) -> str | None:
        return self._not_ready


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A server where it listens unless told otherwise, but for the port."""
    port = free_port()
    server = WebServer(load_settings({}).web_host, port, Stub())
    await server.start()
    yield f"http://127.0.0.1:{port}"
    await server.stop()


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


async def test_metrics_are_fresh_when_they_are_asked_for(address: str) -> None:
    metrics.PARTITIONS.set(40)
    async with aiohttp.ClientSession() as session:
        for partitions in (41, 42):
            async with session.get(f"{address}/metrics") as answer:
                assert f"\nhxi_partitions {partitions}.0\n" in await answer.text()
    metrics.PARTITIONS.set(0)
