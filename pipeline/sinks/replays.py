"""Reads the replay of a session, chunk by chunk, as often as asked, always as it was at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import IsolationLevel

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, one_line
from pipeline.sinks.contract import Unavailable
from schema.json_text import parse
from schema.sql import query


class StoredReplay:
    """The replay chunks of a session, as they were when they were first asked for."""

    def __init__(self, connection: psycopg.Connection[Any], session_id: UUID) -> None:
        self._connection = connection
        self._session = {"session_id": session_id}

    def chunks(self) -> Iterator[tuple[int | None, Any]]:
        """Yield index and data of each chunk by its index, last those without one; holds one at a time."""
        with self._connection.cursor("chunks") as cursor:
            cursor.itersize = 1
            for index, text in cursor.execute(query("replay_of_session"), self._session):
                yield index, parse(text.encode())

    def is_removed(self) -> bool | None:
        """Return whether retention has removed them; None where there is no such session."""
        found = self._connection.execute(query("replay_removed"), self._session).fetchone()
        return found and bool(found[0])


@contextmanager
def stored_replay(url: str, session_id: UUID) -> Iterator[StoredReplay]:
    """Give the replay of a session to the block.

    Raises:
        Unavailable: the server cannot be reached, lets nobody in, or refuses to show it.
    """
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield StoredReplay(connection, session_id)
    except psycopg.Error as error:
        raise Unavailable(one_line(error)) from error
