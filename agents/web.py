"""What operators ask over HTTP, by GET or HEAD: ``/metrics``, ``/livez``, ``/readyz``, nothing else."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.metrics import REGISTRY

SPARE = "ready, and spare: there are more workers than partitions"
"""A rollout puts one worker beside as many as there are partitions, and waits until it is ready."""

MOST_CONNECTIONS = 100
"""Beyond which the oldest is hung up on: 1 100 idle ones used up the 1 024 open files, and nobody was answered."""

KEPT_S = 30.0
"""For a connection without a request, the first or another: probes and Prometheus come every 15 s."""

RENDERED_FOR = 20
"""Times as long as rendering all metrics took they are not rendered anew: a twentieth of the event loop's time at most,
whoever asks how often. It takes 20 to 40 ms; 60 readers at once held the loop up for 2.5 s."""


class CannotListen(Exception):
    """The web server's address cannot be had; the text names the settings."""


class Observed(Protocol):
    """Whoever is asked about."""

    def refresh_metrics(self) -> None:
        """Bring up to date what is measured by looking, not by counting."""
        ...

    def why_not_alive(self) -> str | None:
        """Return why it should be started anew, None where it should not."""
        ...

    def why_not_ready(self) -> str | None:
        """Return what it is waiting for, None where it does its work, or would if there were any for it."""
        ...

    def is_spare(self) -> bool:
        """Return whether there is no work for it: what is ready says so."""
        ...


class WebServer:
    """Serves metrics and health of ``observed`` until stopped."""

    def __init__(self, host: str, port: int, observed: Observed, now_s: Callable[[], float] = time.monotonic) -> None:
        self._host = host
        self._port = port
        self._observed = observed
        self._now_s = now_s
        self._rendered = b""
        self._rendered_until_s = -1.0
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            CannotListen: the port is taken, or not ours to take.
        """
        app = web.Application()
        app.on_response_prepare.append(_without_versions)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=KEPT_S)
        await self._runner.setup()
        try:
            loop = asyncio.get_running_loop()
            self._listening = await loop.create_server(self._connection, self._host, self._port)
        except OSError as error:
            raise CannotListen(
                f"cannot listen on HXI_WEB_HOST={self._host}, HXI_WEB_PORT={self._port}: {error.strerror}"
            ) from None

    async def stop(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def _connection(self) -> asyncio.Protocol:
        """Return what talks to a new connection; hang up on the oldest where there are too many."""
        assert self._runner is not None
        server = self._runner.server
        assert server is not None
        transports = [one.transport for one in server.connections if one.transport is not None]
        for transport in transports[: max(0, len(transports) + 1 - MOST_CONNECTIONS)]:
            transport.abort()
        return server()

    def _all_metrics(self) -> bytes:
        began_s = self._now_s()
        if began_s >= self._rendered_until_s:
            self._observed.refresh_metrics()
            self._rendered = generate_latest(REGISTRY)
            now_s = self._now_s()
            self._rendered_until_s = now_s + RENDERED_FOR * (now_s - began_s)
        return self._rendered

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._all_metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _livez(self, _: web.Request) -> web.Response:
        return _health("alive", self._observed.why_not_alive())

    async def _readyz(self, _: web.Request) -> web.Response:
        why_not = self._observed.why_not_ready()
        return _health(SPARE if why_not is None and self._observed.is_spare() else "ready", why_not)


async def _without_versions(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.popall("Server", None)


def _health(state: str, why_not: str | None) -> web.Response:
    if why_not is None:
        return web.Response(text=f"{state}\n")
    return web.Response(status=503, text=f"not {state}: {why_not}\n")
