"""Runs the application until it is told to stop, or dies loudly.

Order at the start: web server, database schema, topics, Faust. A server that is away is
waited for. Order at the end: stop reading, flush once more if that is quick, close.
"""

import asyncio
import gc
import logging
import os
import signal
from contextlib import suppress
from importlib.metadata import version
from typing import NoReturn

import faust._cython.streams  # noqa: F401  the pure-Python fallback acknowledges stale records

from agents import metrics
from agents.advice import advised
from agents.app import LAST_FLUSH_S, PipelineApp, create_app
from agents.intake import LedgerAhead
from agents.kafka_clients import BrokerUnavailable
from agents.observing import FlushTimes
from agents.retrying import away, retrying
from agents.settings import Settings
from agents.topics import WrongPartitions, ensure_topics
from agents.web import CannotListen, WebServer
from pipeline.sinks.address import whereabouts
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.migrations import SchemaMismatch, check_schema
from pipeline.sinks.postgres import PostgresSink

logger = logging.getLogger(__name__)

_EXPLAINED = (SchemaMismatch, WrongPartitions, LedgerAhead, CannotListen)
"""Errors whose text says what to do: no traceback is needed."""

STOP_S = 8.0
"""All of stopping has to fit in ten seconds; after this the process just ends."""


GARBAGE_THRESHOLD = 150_000
"""Objects more than at the last look for garbage cycles, which makes the next one due. With Python's 700 these took
11 µs per event, walking over what waits for a flush time and again; with a third of this, of which a flush makes two,
still 1 µs. Events make no cycles."""


def run_worker(settings: Settings) -> NoReturn:
    """Run until SIGTERM or SIGINT (exits with 0) or until something cannot heal (exits with 1).

    Ends the process itself: a thread may be waiting for a server that does not answer.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 20, 20)
    code = asyncio.new_event_loop().run_until_complete(_run(settings))
    logging.shutdown()
    os._exit(code)


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    worker = Worker(settings)
    work = loop.create_task(worker.run())
    stopping = loop.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        stopping.cancel()
        return await _verdict(work)
    logger.info("Stopping")
    work.cancel()
    await asyncio.wait({work}, timeout=STOP_S)
    if work.done():
        logger.info("Stopped")
    else:
        logger.warning("Not stopped within %.0f s, ending now; nothing is half-written", STOP_S)
    return 0


async def _verdict(work: "asyncio.Task[None]") -> int:
    """Say why the work ended by itself, in a sentence where the error is one of ours."""
    try:
        await work
    except _EXPLAINED as error:
        logger.error("%s", advised(error) if isinstance(error, SchemaMismatch) else error)
    except Exception:
        logger.exception("The worker cannot go on")
    return 1


class Worker:
    """The services of one worker process, started and stopped in order."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sink = PostgresSink(settings.database_url, settings.app_id, settings.fold_policy(), FlushTimes())
        self._app: PipelineApp | None = None
        away.locate(broker=settings.kafka_bootstrap, database=whereabouts(settings.database_url))
        self._web = WebServer(settings.web_host, settings.web_port, self)

    def refresh_metrics(self) -> None:
        """See :meth:`agents.web.Observed.refresh_metrics`."""
        if self._app is not None:
            self._app.lag.look()

    def why_not_alive(self) -> str | None:
        """Return which ledger stands still although there is something left, if it does for too long.

        Not while the servers are waited for at the start: a worker that is started anew because of them stays.
        """
        return None if self._app is None else self._app.lag.stuck()

    def why_not_ready(self) -> str | None:
        """Return what the worker is waiting for, or None while it reads or nothing is left for it."""
        if (server := away.reason()) is not None:
            return server
        app = self._app
        if app is None:
            return "starting: the database and the broker are being checked"
        if app.is_joining:
            return "partitions are being assigned"
        if not app.intake.claimed:
            return f"{len(app.intake.assigned)} partitions are being claimed"
        return None

    def is_spare(self) -> bool:
        """Return whether others have every partition: it has joined them, and takes over from whoever goes."""
        return self._app is not None and not self._app.intake.assigned

    async def run(self) -> None:
        """Run until cancelled; raises what the worker died of."""
        metrics.BUILD.info({"version": version("hxi")})
        try:
            await self._web.start()
            await self._wait_for_servers()
            await self._run_app()
        finally:
            await self._web.stop()
            await self._sink.close()

    async def _wait_for_servers(self) -> None:
        settings = self._settings
        await retrying(
            "Checking the database",
            "database",
            lambda: asyncio.to_thread(check_schema, settings.database_url),
            (Unavailable,),
        )
        await retrying(
            "Checking the topics",
            "broker",
            lambda: asyncio.to_thread(ensure_topics, settings),
            (BrokerUnavailable,),
        )

    async def _run_app(self) -> None:
        app = self._app = create_app(self._settings, self._sink)
        joining = asyncio.create_task(app.joining.run())  # Faust's start may wait for it
        try:
            await app.start()
            await app.wait_until_stopped()
        finally:
            joining.cancel()
            await self._stop_app(app)
        if app.crash_reason is not None:
            raise app.crash_reason

    async def _stop_app(self, app: PipelineApp) -> None:
        app.intake.stop()
        if not app.crashed:
            with suppress(Exception):
                await app.flusher.finish(LAST_FLUSH_S)
        with suppress(asyncio.CancelledError):
            await app.stop()
