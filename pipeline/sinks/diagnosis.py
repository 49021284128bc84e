"""Looks at a database as a worker will find it, and changes nothing: who is let in, what it may do, what time it is."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import psycopg

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, answering, let_go, one_line
from pipeline.sinks.contract import Claim, Unavailable
from schema.rows import Partition
from schema.sql import query, rights

_GRANT = re.compile(
    r"^GRANT ([^;]+?)\s+ON\s+(?!SCHEMA|ALL FUNCTIONS|FUNCTION)(?:SEQUENCE\s+)?([^;]+?)\s+TO\s+hxi_writer;", re.MULTILINE
)
"""As ``schema/sql/rights.sql`` has them; of schemas and functions every right is known to the query."""

_PRIVILEGE = re.compile(r"([A-Z]+)(?: \(([^)]+)\))?")


class Database(NamedTuple):
    """A database, and the login that looks at it; ``ahead_us`` is how far its clock is ahead of ours."""

    login: str
    version: str
    is_read_only: bool
    is_superuser: bool
    is_owner: bool
    ahead_us: int


class Rights(NamedTuple):
    """What the login lacks of what a worker needs, and what it holds beyond that."""

    lacking: tuple[str, ...]
    beyond: tuple[str, ...]


class Needed(NamedTuple):
    """A right that a worker needs, to all of an object or to a column; ``schema`` is None for the tables' own."""

    schema: str | None
    object: str
    privilege: str
    column: str | None


def look_at(url: str, now_us: Callable[[], int]) -> tuple[Database, Rights | None]:
    """Return what there is to see, no rights where the tables are not there; ``now_us`` tells the time here.

    Raises:
        Unavailable: the server cannot be reached, or lets nobody in.
    """
    try:
        with (
            psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection,
            answering(connection),
        ):
            return _described(connection, now_us), _compared(connection)
    except psycopg.Error as error:
        let_go(error)
        raise Unavailable(one_line(error)) from error


def ledger_at(url: str, app_id: str, topics: Collection[str]) -> dict[Partition, Claim]:
    """Return the epoch of each partition's latest claim, and where its ledger stands.

    Raises:
        Unavailable: the server cannot be reached, lets nobody in, or refuses.
    """
    asked = {"app_id": app_id, "topics": list(topics)}
    try:
        with (
            psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection,
            answering(connection),
        ):
            rows = connection.execute(query("ledger"), asked).fetchall()
    except psycopg.Error as error:
        let_go(error)
        raise Unavailable(one_line(error)) from error
    return {Partition(topic, number): Claim(epoch, at) for topic, number, epoch, at in rows}


def needed() -> Iterator[Needed]:
    """Yield the rights to tables and sequences that ``rights.sql`` gives to hxi_writer."""
    for privileges, objects in _GRANT.findall(rights()):
        for privilege, columns in _PRIVILEGE.findall(privileges):
            for one in objects.split(","):
                schema, _, name = one.strip().rpartition(".")
                for column in columns.split(",") if columns else [None]:
                    yield Needed(schema or None, name, privilege, column and column.strip())


def _described(connection: psycopg.Connection[Any], now_us: Callable[[], int]) -> Database:
    before_us = now_us()
    ((time_us,),) = connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").fetchall()
    after_us = now_us()
    ((login, version, is_read_only, is_superuser, is_owner),) = connection.execute(query("describe_login")).fetchall()
    return Database(login, version, is_read_only, is_superuser, is_owner, time_us - (before_us + after_us) // 2)


def _compared(connection: psycopg.Connection[Any]) -> Rights | None:
    schemas, objects, privileges, columns = map(list, zip(*needed(), strict=True))
    parameters = {"schemas": schemas, "objects": objects, "privileges": privileges, "columns": columns}
    rows = connection.execute(query("compare_rights"), parameters).fetchall()
    if any(name is None for name, _ in rows):
        return None
    return Rights(
        lacking=tuple(name for name, is_lacking in rows if is_lacking),
        beyond=tuple(name for name, is_lacking in rows if not is_lacking),
    )
