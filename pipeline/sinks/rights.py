"""Settles who may do what in a database, by ``schema/sql/rights.sql``; any number of times.

Where the migrating role may not make roles, as on managed servers, nothing is changed, and what
somebody else has to run first is told: a later ``hxi migrate`` then does the rest.

A table changes its owner only while nobody uses it, and workers may be at work. So flushes are stopped first, as
erasures stop them. Others, who read several tables, may still hold one while they wait for another of ours: then
we let go of all of them before PostgreSQL finds a deadlock, and begin anew.
"""

from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

from schema.sql import query, rights

LOCK_TIMEOUT_MS = 500
"""Everybody else waits behind us meanwhile. PostgreSQL looks for deadlocks, and ends one of us, after a second."""

TRIES = 20


class NotSettled(Exception):
    """Somebody would not let go of a table."""


def settle_rights(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Settle what the roles may do; return the statements that have to be run first, none where it is done.

    Raises:
        NotSettled: somebody used a table of ours all the time; nothing was changed.
        psycopg.Error: the database refused.
    """
    connection.execute(query("make_roles"))
    lacking = connection.execute(query("lacking_roles"), {})
    if statements := tuple(statement for (statement,) in lacking):
        return statements
    for _ in range(TRIES):
        try:
            _settle(connection)
        except (DeadlockDetected, LockNotAvailable):
            continue
        return ()
    raise NotSettled("somebody has been using its tables all the time")


def _settle(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (str(LOCK_TIMEOUT_MS),))
        connection.execute(query("stop_flushes"))
        connection.execute(rights())
