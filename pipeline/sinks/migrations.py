"""Brings a database to this version's schema; safe to run at once from many places.

yoyo applies the files of ``schema/sql/migrations``; a PostgreSQL advisory lock around it
lets one of many run while the others wait (yoyo's own lock row outlives a killed process).
A migration and the note that it was applied are one transaction (in yoyo they are two, and a
kill between them leaves a database that can neither go on nor back). Then rights are settled,
and user agents are judged by the lists that this version comes with.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration

from pipeline.sinks.connection import CONNECT_TIMEOUT_S, answering, let_go, one_line
from pipeline.sinks.contract import Unavailable
from pipeline.sinks.rights import NotSettled, settle_rights
from pipeline.sinks.user_agents import judge_user_agents
from schema.sql import inventory, migrations_folder, query

_LOCK = 0x485849
"""The advisory lock's number: "HXI" in ASCII."""

_TABLE = "_yoyo_migration"

MOST_NAMED = 3
"""Of what is gone, in one line."""

_NOT_BY_NAME_OF_THE_USER = """
SELECT set_config('search_path', 'public', false) WHERE current_setting('search_path') LIKE '"$user"%'
"""
"""By default a user named ``hxi`` would create everything in the schema ``hxi`` once that exists."""


_SEEN = "SELECT to_regclass(%s), current_schema(), current_user"
"""There is no current schema where those of the search path may not be used."""

_MAY_CREATE = "SELECT has_schema_privilege(current_schema(), 'CREATE'), current_schema(), current_user"


class SchemaMismatch(Exception):
    """The database's schema is not the one that this version needs, or cannot become it; the text says why."""


class Migrated(NamedTuple):
    """The migrations that were missing, how many there are in all, and what others have to run to settle rights.

    And how many user agents of sessions these lists had not judged.
    """

    applied: tuple[str, ...]
    known: int
    left: tuple[str, ...] = ()
    user_agents: int = 0


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's, applying all of a migration or nothing, in the schema of the tables."""

    def init_connection(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(_NOT_BY_NAME_OF_THE_USER)

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:
        self.ensure_internal_schema_updated()
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            self.log_migration(migration, "apply")
            if mark:
                self.mark_one(migration, log=False)


def migrate(url: str) -> Migrated:
    """Apply what is missing.

    Raises:
        Unavailable: the server cannot be reached, or lets nobody in.
        SchemaMismatch: the database is newer than this program, refused, or was too busy for rights to be settled.
    """
    with _connected(url) as connection:
        migrations = read_migrations(str(migrations_folder()))
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        known = {migration.id for migration in migrations}
        applied = _applied(connection)
        _refuse_newer(applied, known)
        if known - applied:
            _refuse_without_room(connection)
        backend = _Backend(_yoyo_uri(url), _TABLE)
        try:
            backend.init_database()
            missing = backend.to_apply(migrations)
            backend.apply_migrations(missing)
        finally:
            backend.connection.close()
        try:
            left = settle_rights(connection)
        except NotSettled as error:
            raise SchemaMismatch(
                f"the database is up to date, but who may do what in it is not settled: {error}; run hxi migrate again"
            ) from None
        user_agents = judge_user_agents(connection)
    return Migrated(tuple(migration.id for migration in missing), len(migrations), left, user_agents)


def check_schema(url: str) -> None:
    """Make sure that the database has exactly this version's migrations, and still what they made.

    Raises:
        Unavailable: the server cannot be reached, or lets nobody in.
        SchemaMismatch: it has fewer or more, or something is gone that they made.
    """
    known = {migration.id for migration in read_migrations(str(migrations_folder()))}
    with _connected(url) as connection, answering(connection):
        applied = _applied(connection)
        present = {(name, column) for name, column in connection.execute(query("present"))}
    _refuse_newer(applied, known)
    if missing := sorted(known - applied):
        raise SchemaMismatch(
            f"the database lacks {len(missing)} of {len(known)} migrations (first: {missing[0]}); run: hxi migrate"
        )
    if gone := _named(inventory() - present, {name for name, _ in present}):
        raise SchemaMismatch(
            f"the database has had every migration, and yet lacks {gone}: somebody dropped or renamed that, or a"
            " restore was not whole; put it back (schema/sql/migrations has how it was made), or restore the database"
        )


def _named(gone: Collection[tuple[str, str]], tables: Collection[str]) -> str:
    """Return what is gone as people read it, of much the first few: whole tables first, columns, all else."""
    names = sorted(
        {f"column {name}.{column}" if name in tables else f"table {name}" if column else name for name, column in gone},
        reverse=True,
    )
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _refuse_newer(applied: set[str], known: set[str]) -> None:
    if newer := sorted(applied - known):
        raise SchemaMismatch(
            f"the database is newer than this program: it has migration {newer[-1]},"
            " which this version does not know; install a newer hxi"
        )


def _refuse_without_room(connection: psycopg.Connection[Any]) -> None:
    """Say it before yoyo does, which keeps to itself that it may not make its tables and then misses them."""
    ((may_create, schema, login),) = connection.execute(_MAY_CREATE).fetchall()
    if not may_create:
        raise SchemaMismatch(
            f"the database refused: permission denied for schema {schema} ({login} may not make tables)"
        )


def _applied(connection: psycopg.Connection[Any]) -> set[str]:
    ((table, schema, login),) = connection.execute(_SEEN, (_TABLE,)).fetchall()
    if schema is None:
        raise SchemaMismatch(f"the database refused: permission denied for schema public ({login} may not use it)")
    if table is None:
        return set()
    return {row[0] for row in connection.execute("SELECT migration_id FROM _yoyo_migration")}


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
            with answering(connection):
                connection.execute(_NOT_BY_NAME_OF_THE_USER)
            yield connection
    except psycopg.OperationalError as error:
        let_go(error)
        raise Unavailable(one_line(error)) from error
    except psycopg.Error as error:
        raise SchemaMismatch(f"the database refused: {one_line(error)}") from error


def _yoyo_uri(url: str) -> DatabaseURI:
    """Pass everything that libpq understands on as it is, beside yoyo's own URL parsing."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    database = parts.pop("dbname", "")
    return DatabaseURI("postgresql+psycopg", None, None, None, None, database, parts)
