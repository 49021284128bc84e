"""Ends conversations with the database that cannot go on, where neither side would notice.

A worker that is asleep, or whose packets a firewall drops, keeps its locks: PostgreSQL waits for a client in the midst
of COPY whatever its timeouts say, and TCP notices nothing while the peer's kernel answers. So a call that takes long
looks around on a connection of its own, and ends what waits for its client and has not moved since the last look:
sessions of this application that stand in its way, and its own where both sides wait for each other.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from pipeline.sinks.connection import (
    Connection,
    answering,
    connect,
    fetch,
    hang_up,
    same_server,
    session_name,
    wire,
)
from pipeline.sinks.contract import Unavailable

logger = logging.getLogger(__name__)

ROLES = ("reader", "writer", "judge")

LOOK_EVERY_S = 5.0
"""Between two looks: a session that did nothing for so long, while its client was due, is not coming back soon."""


_BYTES_ACKED = struct.Struct("=120xQ")
"""``tcpi_bytes_acked`` in Linux's ``struct tcp_info``."""


class Seen(NamedTuple):
    """A session as a look finds it: ``progress`` and ``sent`` are the same as long as it does not move.

    ``sent`` is what the server's side has taken of what we send, where this is our own session: a large statement
    takes long to arrive, and the server, which waits for the rest of it, does not say how much it has.
    """

    pid: int
    is_own: bool
    waits_for_client: bool
    is_ours: bool
    progress: str
    sent: int = 0


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
            stuck = await _look(connection, url, app_id, stuck)
        except (Unavailable, psycopg.Error) as error:  # the call will meet that too
            logger.debug("Could not look why a call takes long: %s", error)


async def _look(connection: Connection, url: str, app_id: str, stuck: set[Seen]) -> set[Seen]:
    """End what is still as it was in ``stuck``; return what is stuck now."""
    eyes = await connect(same_server(url, connection), session_name(app_id, "watch"))
    names = [session_name(app_id, role) for role in ROLES]
    try:
        with answering(eyes):
            rows = await fetch(eyes, "waiting_for_clients", pid=connection.pid, names=names)
            sessions = [Seen(*row) for row in rows]
            sent = _acknowledged(connection)
            found = {seen._replace(sent=sent) if seen.is_own else seen for seen in sessions}
            if not any(seen.is_own for seen in found):
                _give_up(connection, "its session is gone")
            for seen in found & stuck:
                await fetch(eyes, "end_session", pid=seen.pid, progress=seen.progress)
                if seen.is_own:
                    _give_up(connection, "both sides waited for each other")
                else:
                    logger.warning("Ended session %d of this application, which held locks and did nothing", seen.pid)
    finally:
        await eyes.close()
    awaited = connection.pgconn.transaction_status == TransactionStatus.ACTIVE  # we wait for the server
    return {seen for seen in found if seen.waits_for_client and seen.is_ours and (awaited or not seen.is_own)}


def _acknowledged(connection: Connection) -> int:
    """Return how many bytes of what was sent have arrived, where the system can tell."""
    try:
        with wire(connection) as beneath:
            info = beneath.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    except (AttributeError, OSError):  # not Linux, or no network in between
        return 0
    (acknowledged,) = _BYTES_ACKED.unpack(info)
    return int(acknowledged)


def _give_up(connection: Connection, why: str) -> None:
    logger.warning("Hanging up on the database: %s", why)
    hang_up(connection)
