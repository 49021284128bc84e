"""Ends conversations with the database that cannot go on, where neither side would notice.

A worker that is asleep, or whose packets a firewall drops, keeps its locks: PostgreSQL waits for a client in the midst
of COPY whatever its timeouts say, and TCP notices nothing while the peer's kernel answers. So a call that takes long
looks around on a connection of its own, and ends what waits for its client and has not moved since the last look:
sessions of this application that stand in its way, and its own where both sides wait for each other.
"""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from psycopg.pq import TransactionStatus

from pipeline.sinks.connection import Connection, connect, fetch, session_name, translated
from pipeline.sinks.contract import Unavailable

logger = logging.getLogger(__name__)

ROLES = ("reader", "writer", "judge")

LOOK_EVERY_S = 5.0
"""Between two looks: a session that did nothing for so long, while its client was due, is not coming back soon."""


class Seen(NamedTuple):
    """A session as a look finds it: ``progress`` is the same text as long as it does not move."""

    pid: int
    is_own: bool
    waits_for_client: bool
    is_ours: bool
    progress: str


@asynccontextmanager
async def watched(connection: Connection, url: str, app_id: str) -> AsyncIterator[None]:
    """Watch over what the block does on ``connection``, a session of ``app_id``."""
    watching = asyncio.ensure_future(_watch(connection, url, app_id))
    try:
        yield
    finally:
        watching.cancel()


async def _watch(connection: Connection, url: str, app_id: str) -> None:
    stuck: set[Seen] = set()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            async with translated():
                stuck = await _look(connection, url, app_id, stuck)
        except Unavailable as error:  # the call will meet that too
            logger.debug("Could not look why a call takes long: %s", error)


async def _look(connection: Connection, url: str, app_id: str, stuck: set[Seen]) -> set[Seen]:
    """End what is still as it was in ``stuck``; return what is stuck now."""
    eyes = await connect(url, session_name(app_id, "watch"))
    names = [session_name(app_id, role) for role in ROLES]
    try:
        rows = await fetch(eyes, "waiting_for_clients", pid=connection.pid, names=names)
        found = {Seen(*row) for row in rows}
        if not any(seen.is_own for seen in found):
            _hang_up(connection, "its session is gone")
        for seen in found & stuck:
            await fetch(eyes, "end_session", pid=seen.pid, progress=seen.progress)
            if seen.is_own:
                _hang_up(connection, "both sides waited for each other")
            else:
                logger.warning("Ended session %d of this application, which held locks and did nothing", seen.pid)
    finally:
        await eyes.close()
    awaited = connection.pgconn.transaction_status == TransactionStatus.ACTIVE  # we wait for the server
    return {seen for seen in found if seen.waits_for_client and seen.is_ours and (awaited or not seen.is_own)}


def _hang_up(connection: Connection, why: str) -> None:
    """Close the connection beneath whoever waits on it, as the network would."""
    logger.warning("Hanging up on the database: %s", why)
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)
