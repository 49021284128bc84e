"""What operators ask over HTTP, by GET or HEAD: ``/metrics``, ``/livez``, ``/readyz``, nothing else."""

from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from agents.metrics import REGISTRY

SPARE = "ready, and spare: there are more workers than partitions"
"""A rollout puts one worker beside as many as there are partitions, and waits until it is ready."""


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

    def __init__(self, host: str, port: int, observed: Observed) -> None:
        self._host = host
        self._port = port
        self._observed = observed
        self._runner: web.AppRunner | None = None

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
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            raise CannotListen(
                f"cannot listen on HXI_WEB_HOST={self._host}, HXI_WEB_PORT={self._port}: {error.strerror}"
            ) from None

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _metrics(self, _: web.Request) -> web.Response:
        self._observed.refresh_metrics()
        body = generate_latest(REGISTRY)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

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
