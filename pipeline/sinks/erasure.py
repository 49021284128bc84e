"""Erases people and sessions from every table, in one transaction, while workers go on.

The order of locks is the workers' own, so that nobody deadlocks: flushes are let end and none begins (the ledger),
then people, then sessions, both sorted, then the marks of those who judge; only then are rows removed. A worker whose
flush waits meanwhile finds nothing of the session when its turn comes, and begins it anew.
"""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import psycopg
from psycopg.errors import DeadlockDetected, InsufficientPrivilege, LockNotAvailable

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, one_line
from pipeline.sinks.contract import Unavailable
from pipeline.tidy import USER_NAMESPACE
from schema.sql import query

LOCK_TIMEOUT_MS = 10_000
"""A flush takes well under a second. Workers stand still while we wait, so somebody who holds on longer has it."""

TRIES = 3


class NotErased(Exception):
    """The database refused; nothing was removed."""


class Erased(NamedTuple):
    """What was removed: the sessions' ids, and the rows by table."""

    session_ids: list[UUID]
    rows: dict[str, int]

    @property
    def something(self) -> bool:
        """Return whether there was anything to remove."""
        return any(self.rows.values())


def erase(url: str, external_ids: Collection[str], session_ids: Collection[UUID]) -> Erased:
    """Remove these people with all sessions that named them, and these sessions, from every table.

    Raises:
        Unavailable: the server cannot be reached, lets nobody in, or others held the rows for too long.
        NotErased: it refused for another reason.
    """
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            connection.execute("SELECT set_config('lock_timeout', %s, false)", (str(LOCK_TIMEOUT_MS),))
            for _ in range(TRIES - 1):
                try:
                    return _erase(connection, external_ids, session_ids)
                except (DeadlockDetected, LockNotAvailable):  # others let go first, and workers have had a turn
                    continue
            return _erase(connection, external_ids, session_ids)
    except InsufficientPrivilege as error:
        raise NotErased(f"{one_line(error)}: only members of hxi_owner may erase") from error
    except psycopg.OperationalError as error:
        raise Unavailable(one_line(error)) from error
    except psycopg.Error as error:
        raise NotErased(one_line(error)) from error


def _erase(connection: psycopg.Connection[Any], external_ids: Collection[str], session_ids: Collection[UUID]) -> Erased:
    people = {
        "user_ids": [uuid5(USER_NAMESPACE, external_id) for external_id in external_ids],
        "external_ids": list(external_ids),  # others may have given them other ids
    }
    with connection.transaction():
        connection.execute(query("stop_flushes"))
        user_ids = _ids(connection, "hold_users", **people)
        erased = _ids(connection, "hold_erased", user_ids=user_ids, session_ids=list(session_ids))
        # By all that was asked for: rows of others may name a session that is not there.
        everything = {"user_ids": user_ids, "session_ids": sorted({*erased, *session_ids})}
        connection.execute(query("hold_marks"), everything)
        rows: dict[str, int] = dict(connection.execute(query("erase"), everything).fetchall())
    return Erased(erased, rows)


def _ids(connection: psycopg.Connection[Any], name: str, **parameters: Any) -> list[UUID]:
    return [found for (found,) in connection.execute(query(name), parameters)]
